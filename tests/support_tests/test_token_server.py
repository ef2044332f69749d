"""The token service and the real registry understand each other, or tests of both mean nothing."""

import httpx
import pytest

from tests.support.docker_registry import DockerRegistry, Setup
from tests.support.fixtures import PASSWORD, USER, StartRegistry
from tests.support.images import make_image
from tests.support.pushing import fetch_manifest, plain_client, push_image
from tests.support.token_server import TokenServer, serve_tokens

IMAGE = make_image()
SCOPE = "repository:team/app:pull,push"


def ask(tokens: TokenServer, *scopes: str, auth: tuple[str, str] | None = None) -> httpx.Response:
    """Ask for a token as clients do."""
    query = {"service": "any", "scope": list(scopes), "client_id": "test"}
    with plain_client(tokens.url, auth=auth) as client:
        return client.get("/token", params=query)


def test_registry_sends_clients_to_the_service(
    token_registry: DockerRegistry, token_server: TokenServer
) -> None:
    """The registry's challenge names the realm, the service and the scope."""
    answer = fetch_manifest(token_registry.url, "team/app", "1")
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith(
        f'Bearer realm="{token_server.url}/token",service="registry of the tests",'
        'scope="repository:team/app:pull"'
    )


@pytest.mark.parametrize("elliptic", [True, False], ids=["ES256", "RS256"])
def test_registry_takes_the_tokens(start_registry: StartRegistry, elliptic: bool) -> None:
    """A token from the service lets its bearer push and pull."""
    with serve_tokens(elliptic=elliptic) as tokens:
        tokens.users[USER], tokens.rights[USER] = PASSWORD, {"team/*": "pull,push"}
        folder = start_registry().storage.parent
        registry = start_registry(Setup(token=tokens.auth(folder)))
        token = ask(tokens, SCOPE, auth=(USER, PASSWORD)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        push_image(registry.url, "team/app", "1", IMAGE, headers=headers)
        answer = fetch_manifest(registry.url, "team/app", "1", headers=headers)
        assert answer.content == IMAGE.manifest


def test_registry_checks_the_signature(
    token_registry: DockerRegistry, token_server: TokenServer
) -> None:
    """A token that another authority signed opens nothing."""
    with serve_tokens() as other:
        other.rights[USER] = token_server.rights[USER]
        headers = other.bearer(USER, SCOPE)
    answer = fetch_manifest(token_registry.url, "team/app", "1", headers=headers)
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]


def test_stale_tokens(token_registry: DockerRegistry, token_server: TokenServer) -> None:
    """A token signed as expired is refused by the registry; the next one is good."""
    token_server.stale = 1
    statuses = []
    for _ in range(2):
        token = ask(token_server, SCOPE, auth=(USER, PASSWORD)).json()["token"]
        headers = {"Authorization": f"Bearer {token}"}
        statuses.append(fetch_manifest(token_registry.url, "team/app", "1", headers=headers))
    assert [answer.status_code for answer in statuses] == [401, 404]


def test_reduced_access_is_no_error(token_server: TokenServer) -> None:
    """Scopes a user has no right to are left out, and the answer is 200 all the same."""
    token_server.rights[USER] = {"team/*": "pull"}
    answer = ask(token_server, SCOPE, "repository:other:pull", auth=(USER, PASSWORD))
    assert answer.status_code == 200
    assert token_server.issued[0].asked == (SCOPE, "repository:other:pull")
    assert token_server.issued[0].granted == ("repository:team/app:pull",)


def test_anonymous_and_wrong_passwords(token_server: TokenServer) -> None:
    """Nobody in particular gets an empty token, unless a login is required; a wrong one none."""
    assert ask(token_server, SCOPE).status_code == 200
    assert ask(token_server, SCOPE, auth=(USER, "wrong")).status_code == 401
    token_server.requires_login = True
    assert ask(token_server, SCOPE).status_code == 401
    assert [one.grant for one in token_server.issued] == ["anonymous"]


def test_refresh_tokens(token_server: TokenServer) -> None:
    """An identity token is worth its user's access by POST; an unknown one nothing."""
    form = {
        "grant_type": "refresh_token",
        "refresh_token": token_server.add_refresh_token(USER),
        "service": "any",
        "scope": f"{SCOPE} repository:other:pull",
        "client_id": "test",
    }
    with plain_client(token_server.url) as client:
        good = client.post("/token", data=form)
        bad = client.post("/token", data={**form, "refresh_token": "unknown"})
    assert (good.status_code, bad.status_code) == (200, 401)
    assert token_server.issued[0].granted == (SCOPE, "repository:other:pull")
