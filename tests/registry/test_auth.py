"""Authorisation: who sees a 401, how many tokens are asked for, and to whom secrets go."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from mbuild.errors import Denied, MbuildError
from mbuild.oci.digest import parse_digest
from mbuild.registry.registries import Registries
from tests.registry.world import HOST, LOGIN, Recorder, Scripted, content_of, open_registries
from tests.support.exchange import Answer, Request
from tests.support.fake_registry import FakeRegistry, json_answer
from tests.support.faults import Fault, challenge, redirect, status
from tests.support.images import make_image

IMAGE = make_image()
AUTH_HOST = "auth.test"
BEARER = f'Bearer realm="https://{AUTH_HOST}/token",service="s"'
BASIC_ALICE = "Basic YWxpY2U6b3BlbjpzZXNhbWU="
PULL = "repository:team/app:pull"


class TokenService(Scripted):
    """Gives numbered tokens; the registry takes those in `good` alone."""

    def __init__(self, **reply: Any) -> None:
        super().__init__(self.issue)
        self.number = 0
        self.good: set[str] = set()
        self.reply = reply

    def issue(self, _: Request) -> Answer:
        """Give the next token."""
        self.number += 1
        self.good.add(f"Bearer token-{self.number}")
        return json_answer({"token": f"token-{self.number}", "expires_in": 300, **self.reply})

    def guard(self, request: Request, registry: Any) -> Answer:
        """Answer only those who bear a good token."""
        if request.headers.get("authorization", "") in self.good:
            answer: Answer = registry(request)
            return answer
        return challenge(BEARER)(request, registry)

    @property
    def scopes(self) -> list[str]:
        """The query of each token request, from its scopes on."""
        return [one.request.target.partition("scope=")[2] for one in self.log.exchanges]


def world(tokens: TokenService) -> tuple[FakeRegistry, dict[str, FakeRegistry]]:
    """A registry that asks for tokens, and its hosts."""
    fake = FakeRegistry(Fault("*", "", tokens.guard))
    fake.put("team/app", "1.0", IMAGE)
    return fake, {HOST: fake, AUTH_HOST: tokens}


def authfile(folder: Path, **entry: str) -> str:
    """A file with one entry for the registry."""
    path = folder / "auth.json"
    entry = entry or {"username": "alice", "password": "open:sesame"}
    path.write_text(json.dumps({"auths": {HOST: entry}}))
    return str(path)


def statuses(fake: FakeRegistry) -> list[str]:
    """Method and status of each request."""
    return [f"{one.method} {one.status}" for one in fake.log.exchanges]


async def pull(registries: Registries, times: int = 1) -> None:
    """Ask for a manifest several times at once."""
    registry = registries.registry(HOST)
    async with asyncio.TaskGroup() as group:
        for _ in range(times):
            group.create_task(registry.head_manifest("team/app", "1.0"))


def test_anonymous_token(recorder: Recorder) -> None:
    """One 401, one token, and from then on no more of either."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> int:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            await pull(registries, 5)
            return registries.requests

    assert asyncio.run(scenario()) == 8
    assert statuses(fake) == ["HEAD 401"] + ["HEAD 200"] * 6
    assert tokens.scopes == ["repository%3Ateam%2Fapp%3Apull"]


def test_token_once_for_many(recorder: Recorder) -> None:
    """However many requests wait, a token is fetched once."""
    tokens = TokenService()
    _, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries, 20)

    asyncio.run(scenario())
    assert len(tokens.scopes) == 1


def test_credentials_ask_first(recorder: Recorder, tmp_path: Path) -> None:
    """With credentials at hand the challenge is asked for once, before anything else."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            await pull(registries, 5)

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401"] + ["HEAD 200"] * 5
    (asked,) = tokens.log.exchanges
    assert asked.request.headers["authorization"] == BASIC_ALICE


@pytest.mark.parametrize(
    ("seconds", "asked"), [(289, 1), (291, 2)], ids=["still good", "about to end"]
)
def test_renewed_in_time(recorder: Recorder, seconds: float, asked: int) -> None:
    """A token is renewed ten seconds before it ends, without a 401."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            recorder.now += seconds
            await pull(registries)

    asyncio.run(scenario())
    assert len(tokens.scopes) == asked
    assert statuses(fake) == ["HEAD 401", "HEAD 200", "HEAD 200"]


def test_renewed_on_401(recorder: Recorder) -> None:
    """A token that the registry no longer takes is renewed once for all."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            tokens.good.clear()
            await pull(registries, 3)

    asyncio.run(scenario())
    assert len(tokens.scopes) == 2
    assert statuses(fake).count("HEAD 401") == 4


def test_refused_with_a_fresh_token(recorder: Recorder) -> None:
    """A second 401 is final."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    fake.faults[:] = [Fault("*", "", challenge(BEARER))]

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            with pytest.raises(Denied) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert str(raised.value) == (
                f"{HOST}/team/app:1.0: {HOST} answered 401 Unauthorized"
                f" (UNAUTHORIZED: scripted){LOGIN}"
            )

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401", "GET 401"]


def test_may_push(recorder: Recorder) -> None:
    """One token serves reading and writing where a push was announced."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            registries.may_push(HOST, "team/app")
            registry = registries.registry(HOST)
            await registry.fetch_manifest("team/app", "1.0")
            await registry.put_manifest("team/app", "2.0", content_of(IMAGE))
            await registry.put_manifest("team/other", IMAGE.digest, content_of(IMAGE))

    fake.put("team/other", "", IMAGE)
    asyncio.run(scenario())
    assert tokens.scopes == [
        "repository%3Ateam%2Fapp%3Apull%2Cpush",
        "repository%3Ateam%2Fother%3Apull%2Cpush",
    ]


def test_mount_scopes(recorder: Recorder) -> None:
    """A mount's token may push to the destination, named first, and pull from the source."""
    tokens = TokenService()
    _, hosts = world(tokens)
    digest = parse_digest(IMAGE.digest)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await registries.registry(HOST).mount_blob("z/to", digest, "a/from")

    asyncio.run(scenario())
    assert tokens.scopes[0] == (
        "repository%3Az%2Fto%3Apull%2Cpush&scope=repository%3Aa%2Ffrom%3Apull"
    )


def test_mount_denied_by_the_token_service(recorder: Recorder) -> None:
    """A token service that refuses the source's scope has declined the mount."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    hosts[AUTH_HOST] = FakeRegistry(Fault("*", "", status(403, "DENIED")))

    async def scenario() -> bool:
        async with open_registries(recorder, hosts) as registries:
            digest = parse_digest(IMAGE.digest)
            return await registries.registry(HOST).mount_blob("a/b", digest, "c/d")

    assert asyncio.run(scenario()) is False
    assert statuses(fake) == ["POST 401"]


def test_token_service_denies(recorder: Recorder) -> None:
    """A refusal by the token service is a denial, and names the reference."""
    _, hosts = world(TokenService())
    hosts[AUTH_HOST] = FakeRegistry(Fault("*", "", status(403, "DENIED")))

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            with pytest.raises(Denied) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert str(raised.value) == (
                f"{HOST}/team/app:1.0: no token: {AUTH_HOST} answered 403 Forbidden"
                f" (DENIED: scripted){LOGIN}"
            )

    asyncio.run(scenario())


def test_token_service_is_tried_again(recorder: Recorder) -> None:
    """A token service that stumbles is met with the same patience, not with its square."""
    _, hosts = world(TokenService())
    stumbling = FakeRegistry(Fault("*", "", status(503)))
    hosts[AUTH_HOST] = stumbling

    async def scenario() -> None:
        async with open_registries(recorder, hosts, attempts=3) as registries:
            with pytest.raises(MbuildError) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert str(raised.value) == (
                f"{HOST}/team/app:1.0: {AUTH_HOST} answered 503 Service Unavailable,"
                " after 3 attempts; try again later"
            )

    asyncio.run(scenario())
    assert len(stumbling.log.exchanges) == 3


def test_identity_token(recorder: Recorder, tmp_path: Path) -> None:
    """An identity token is traded in by POST, and shown to nobody else."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    file = authfile(tmp_path, auth="YWxpY2U6", identitytoken="trade-me-in")

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=file) as registries:
            await pull(registries)

    asyncio.run(scenario())
    (asked,) = tokens.log.exchanges
    assert asked.method == "POST"
    assert asked.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"refresh_token=trade-me-in" in asked.request.body
    assert "authorization" not in asked.request.headers
    assert all("trade-me-in" not in str(one.request) for one in fake.log.exchanges)


def test_registry_token(recorder: Recorder, tmp_path: Path) -> None:
    """A ready token is sent as it is; one that is refused is not sent twice."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    tokens.good.add("Bearer ready")
    file = authfile(tmp_path, registrytoken="ready")

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=file) as registries:
            await pull(registries)
            tokens.good.clear()
            with pytest.raises(Denied):
                await registries.registry(HOST).head_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401", "HEAD 200", "HEAD 401"]
    assert tokens.scopes == []


def test_basic(recorder: Recorder, tmp_path: Path) -> None:
    """Basic credentials go with each request after the challenge is known."""
    fake = FakeRegistry(Fault("*", "", challenge('Basic realm="x"', unless=BASIC_ALICE)))
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> None:
        file = authfile(tmp_path)
        async with open_registries(recorder, {HOST: fake}, authfile=file) as registries:
            await pull(registries, 3)

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401"] + ["HEAD 200"] * 3


@pytest.mark.parametrize("is_known", [True, False], ids=["wrong password", "no password"])
def test_basic_refused(recorder: Recorder, tmp_path: Path, is_known: bool) -> None:
    """Without credentials that help a 401 is final at once."""
    fake = FakeRegistry(Fault("*", "", challenge('Basic realm="x"')))
    file = authfile(tmp_path) if is_known else ""

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake}, authfile=file) as registries:
            with pytest.raises(Denied):
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401", "GET 401"] if is_known else ["GET 401"]


def test_challenge_only_at_the_root(recorder: Recorder) -> None:
    """A registry that names its token service at /v2/ alone is asked there, once."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    def guard(request: Request, registry: Any) -> Answer:
        answer = tokens.guard(request, registry)
        is_root = request.path == "/v2/"
        return answer if is_root or answer.status != 401 else Answer(401)

    fake.faults[:] = [Fault("*", "", guard)]

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries, 3)

    asyncio.run(scenario())
    assert sorted(statuses(fake)) == ["GET 401"] + ["HEAD 200"] * 3 + ["HEAD 401"] * 3


def test_no_challenge_anywhere(recorder: Recorder) -> None:
    """A 401 without a challenge is a denial."""
    fake = FakeRegistry(Fault("*", "/team", status(401)))

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake}) as registries:
            for _ in range(2):
                with pytest.raises(Denied):
                    await registries.registry(HOST).head_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert statuses(fake) == ["HEAD 401", "GET 200", "HEAD 401"]


def test_challenge_of_another_host(recorder: Recorder, tmp_path: Path) -> None:
    """A 401 from where a redirect led is not answered, and sees no credentials."""
    fake = FakeRegistry(Fault("*", "/team", redirect("https://cdn.test")))
    cdn = FakeRegistry(Fault("*", "", challenge('Basic realm="give me"')))
    hosts = {HOST: fake, "cdn.test": cdn}
    fake.faults.append(Fault("*", "", challenge('Basic realm="x"', unless=BASIC_ALICE)))

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            with pytest.raises(Denied) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert raised.value.message.startswith("cdn.test answered 401 Unauthorized")

    asyncio.run(scenario())
    (asked,) = cdn.log.exchanges
    assert "authorization" not in asked.request.headers
    assert fake.log.exchanges[-1].request.headers["authorization"] == BASIC_ALICE


@pytest.mark.parametrize(
    ("realm", "said"),
    [
        ("http://auth.test/token", "is plain http"),
        ("http://127.0.0.1:1/token", "is on a private network that the registry is not on"),
    ],
    ids=["plain", "loopback"],
)
def test_realm_is_refused(recorder: Recorder, tmp_path: Path, realm: str, said: str) -> None:
    """Credentials do not go where a challenge would lure them."""
    fake = FakeRegistry(Fault("*", "", challenge(f'Bearer realm="{realm}"')))
    trap = TokenService()
    hosts = {HOST: fake, "auth.test": trap, "127.0.0.1:1": trap}

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            with pytest.raises(MbuildError) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert (raised.value.exit_code, str(raised.value)) == (
                6,
                f"{HOST}/team/app:1.0: its token service '{realm}' {said}; nothing was sent to it",
            )

    asyncio.run(scenario())
    assert trap.log.exchanges == ()


def test_secrets_are_not_told(recorder: Recorder, tmp_path: Path) -> None:
    """Neither password nor token stands in anything an observer is told."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    fake.faults.insert(0, Fault("HEAD", "", status(503), times=1))

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            await pull(registries)

    asyncio.run(scenario())
    told = repr((recorder.exchanges, recorder.retries, recorder.warnings))
    assert "sesame" not in told
    assert "token-1" not in told
    assert BASIC_ALICE not in told
