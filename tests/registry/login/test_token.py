"""The token dance, driven by hand."""

import json
import math
from urllib.parse import parse_qs

import httpx
import pytest

from mbuild.errors import Denied, ProtocolError
from mbuild.registry.hosts import make_host
from mbuild.registry.http.answers import Answer
from mbuild.registry.login.challenge import Challenge
from mbuild.registry.login.credentials import Credentials
from mbuild.registry.login.token import (
    Token,
    TokenFlow,
    TokenQuestion,
    check_realm,
    make_question,
    parse_token,
    token_flow,
)
from tests.registry.world import NOON, TELL

REALM = "https://auth.test/token"
SCOPES = ("repository:a/b:pull,push", "repository:c/d:pull")
HOST = make_host("reg.test", frozenset())


def flow_for(credentials: Credentials | None, realm: str = REALM, service: str = "s") -> TokenFlow:
    """A flow at its beginning."""
    return token_flow(TokenQuestion(realm, service, SCOPES, credentials, HOST))


def answer(status: int = 200, **body: object) -> Answer:
    """An answer of the token service."""
    return Answer(status, httpx.Headers(), json.dumps(body).encode(), httpx.URL(REALM))


def finish(flow: TokenFlow, sent: Answer) -> Token:
    """Send the last answer and give the token."""
    with pytest.raises(StopIteration) as done:
        flow.send(sent)
    token = done.value.value
    assert isinstance(token, Token)
    return token


@pytest.mark.parametrize(
    ("realm", "service", "expected"),
    [
        (REALM, "s", f"{REALM}?service=s&"),
        (f"{REALM}?x=%2F", "s", f"{REALM}?x=%2F&service=s&"),
        (REALM, "", f"{REALM}?"),
    ],
    ids=["plain", "own query", "no service"],
)
def test_anonymous(realm: str, service: str, expected: str) -> None:
    """Without credentials a GET asks for each scope, the realm's own query kept."""
    flow = flow_for(None, realm, service)
    request = next(flow)
    assert (request.method, request.authorization, request.form) == ("GET", "", b"")
    assert request.url == (
        f"{expected}scope=repository%3Aa%2Fb%3Apull%2Cpush&scope=repository%3Ac%2Fd%3Apull"
    )
    assert finish(flow, answer(token="t", expires_in=300)) == Token("t", 300.0)


def test_password() -> None:
    """User and password go in a Basic header of a GET."""
    request = next(flow_for(Credentials("alice", "open:sesame")))
    assert (request.method, request.authorization) == ("GET", "Basic YWxpY2U6b3BlbjpzZXNhbWU=")


def test_identity_token() -> None:
    """An identity token is traded in by POST."""
    flow = flow_for(Credentials("alice", "", "identity"))
    request = next(flow)
    assert (request.method, request.url, request.authorization) == ("POST", REALM, "")
    assert parse_qs(request.form.decode()) == {
        "grant_type": ["refresh_token"],
        "service": ["s"],
        "client_id": ["mbuild"],
        "scope": [" ".join(SCOPES)],
        "refresh_token": ["identity"],
    }
    assert finish(flow, answer(access_token="t")).text == "t"


@pytest.mark.parametrize("status", [400, 401, 404, 405])
def test_identity_token_by_get(status: int) -> None:
    """A service without POST is shown the identity token as a password."""
    flow = flow_for(Credentials("alice", "", "identity"))
    next(flow)
    request = flow.send(answer(status))
    assert (request.method, request.authorization) == ("GET", "Basic YWxpY2U6aWRlbnRpdHk=")
    assert finish(flow, answer(token="t")).text == "t"


def test_identity_token_without_user() -> None:
    """Without a user there is nothing to fall back to."""
    flow = flow_for(Credentials("", "", "identity"))
    next(flow)
    with pytest.raises(Denied) as raised:
        flow.send(answer(401, errors=[{"code": "UNAUTHORIZED", "message": "who?"}]))
    assert str(raised.value) == (
        "reg.test: no token: auth.test answered 401 Unauthorized (UNAUTHORIZED: who?);"
        " a login by token was used: check that it has not ended, and what it may do"
    )


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"token": "a"}, Token("a", 60.0)),
        ({"token": "a", "access_token": "b"}, Token("b", 60.0)),
        ({"token": "a", "expires_in": 5}, Token("a", 60.0)),
        ({"token": "a", "expires_in": "soon"}, Token("a", 60.0)),
        ({"token": "a", "expires_in": 900}, Token("a", 900.0)),
        ({"token": "a", "expires_in": 10**400}, Token("a", 1e9)),
        ({"token": "a", "expires_in": math.inf}, Token("a", 1e9)),
        ({"token": "a", "expires_in": math.nan}, Token("a", 60.0)),
        ({"token": "a", "issued_at": "2025-06-15T15:06:40Z"}, Token("a", 60.0, NOON)),
        ({"token": "a", "issued_at": "2025-06-15T15:06:40"}, Token("a", 60.0, NOON)),
        ({"token": "a", "issued_at": "noon"}, Token("a", 60.0)),
    ],
    ids=[
        "token", "both", "floor", "no number", "lifetime", "huge", "endless", "not a number",
        "issued", "no zone", "no time",
    ],
)  # fmt: skip
def test_parse_token(body: dict[str, object], expected: Token) -> None:
    """Lifetime is a minute where the service says less or nothing."""
    assert parse_token(json.dumps(body).encode()) == expected


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"<html>", "its answer is not JSON"),
        (b"[]", "its answer is not a JSON object"),
        (b"{}", "its answer holds no usable 'token'"),
        (b'{"token": "a\\nb"}', "its answer holds no usable 'token'"),
    ],
    ids=["html", "list", "none", "control"],
)
def test_no_token(body: bytes, message: str) -> None:
    """An answer without a token that fits a header names what is wrong."""
    flow = flow_for(None)
    next(flow)
    with pytest.raises(ProtocolError) as raised:
        flow.send(Answer(200, httpx.Headers(), body, httpx.URL(REALM)))
    assert str(raised.value) == f"reg.test: no token from {REALM}: {message}{TELL}"


@pytest.mark.parametrize(
    ("issued_at", "expected"),
    [(None, 300.0), (NOON - 100, 200.0), (NOON + 5, 300.0), (NOON - 301, 300.0)],
    ids=["unsaid", "a while ago", "in the future", "over"],
)
def test_expires_in(issued_at: float | None, expected: float) -> None:
    """The time of issue counts where it is possible."""
    assert Token("t", 300.0, issued_at).expires_in(NOON) == expected


@pytest.mark.parametrize(
    ("realm", "domain", "plain_http", "expected"),
    [
        ("https://auth.test/token", "reg.test", "", ""),
        ("http://auth.test/token", "reg.test", "", "is plain http"),
        ("http://auth.test:81/token", "reg.test", "auth.test:81", ""),
        ("http://auth.test:82/token", "reg.test", "auth.test:81", "is plain http"),
        ("http://localhost:1/token", "localhost:5000", "", ""),
        ("http://localhost:1/token", "reg.test", "", "is on a private network that the registry is not on"),
        ("https://169.254.169.254/", "reg.test", "", "is on a private network that the registry is not on"),
        ("https://10.0.0.5/", "10.0.0.5:5000", "", ""),
        ("https://u:p@auth.test/", "reg.test", "", "is not an http or https address"),
        ("ftp://auth.test/", "reg.test", "", "is not an http or https address"),
        ("https://auth.test:x/", "reg.test", "", "is not an address"),
        ("https://[::1", "reg.test", "", "is not an address"),
        ("https://xn--a-/", "reg.test", "", "is not an address"),
    ],
)  # fmt: skip
def test_check_realm(realm: str, domain: str, plain_http: str, expected: str) -> None:
    """A token service is https, or on this machine, or named by the user."""
    names = frozenset({plain_http} if plain_http else ())
    assert check_realm(realm, host=make_host(domain, names), plain_http=names) == expected


def test_make_question() -> None:
    """A realm is resolved against the registry, and refused where a token must not travel."""

    def make(realm: str) -> TokenQuestion:
        return make_question(
            Challenge("bearer", (("realm", realm), ("service", "s"))),
            base="https://reg.test/v2/",
            scopes=SCOPES,
            credentials=None,
            host=HOST,
            plain_http=frozenset(),
        )

    assert make("/token#x") == TokenQuestion("https://reg.test/token", "s", SCOPES, None, HOST)
    with pytest.raises(ProtocolError) as raised:
        make("http://auth.test/token")
    assert str(raised.value) == (
        "reg.test: its token service 'http://auth.test/token' is plain http; nothing was sent to it"
    )
    with pytest.raises(ProtocolError, match=r"its token service 'https://\[::1' is not an address"):
        make("https://[::1")
