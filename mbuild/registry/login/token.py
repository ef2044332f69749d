"""The token dance: requests to a token service, and its answers, without a socket."""

from __future__ import annotations

import json
from collections.abc import Generator
from dataclasses import dataclass
from datetime import UTC, datetime
from urllib.parse import urlencode, urljoin, urlsplit

import httpx

from mbuild.errors import ProtocolError
from mbuild.registry.hosts import Host, ip_address, is_loopback, is_plain_http
from mbuild.registry.http.answers import Answer, failure
from mbuild.registry.login.challenge import Challenge
from mbuild.registry.login.credentials import Credentials, basic_authorization, login_hint

MAX_TOKEN_BODY = 1024 * 1024
LEAST_LIFETIME = 60.0
MOST_LIFETIME = 10.0**9
CLIENT_ID = "mbuild"

_FALLBACK = frozenset({400, 401, 404, 405})
"""Answers to a POST of services that know only GET: Google 404, Artifactory 401, Azure 400."""


@dataclass(frozen=True, slots=True)
class TokenQuestion:
    """Which token is asked for: where, for which scopes, with which credentials."""

    realm: str
    service: str
    scopes: tuple[str, ...]
    credentials: Credentials | None
    host: Host


@dataclass(frozen=True, slots=True)
class TokenRequest:
    """A request to the token service; `form` is the body of a POST, empty for a GET."""

    method: str
    url: str
    authorization: str = ""
    form: bytes = b""


@dataclass(frozen=True, slots=True)
class Token:
    """A bearer token and the seconds that it lasts, from the moment it was issued.

    `issued_at` is Unix time, None where the service did not say.
    """

    text: str
    lifetime: float = LEAST_LIFETIME
    issued_at: float | None = None

    def expires_in(self, now: float) -> float:
        """Give the seconds left at `now`; an impossible time of issue counts as now."""
        if self.issued_at is None or not now - self.lifetime < self.issued_at <= now:
            return self.lifetime
        return self.issued_at + self.lifetime - now


TokenFlow = Generator[TokenRequest, Answer, Token]


def token_flow(question: TokenQuestion) -> TokenFlow:
    """Ask for a token (distribution's auth/token.md and auth/oauth.md).

    Yields requests, is sent their answers, returns the token. An identity token is traded in
    by POST, and shown as a password to services that have no POST. Raises Denied,
    RegistryError or ProtocolError.
    """
    credentials = question.credentials
    if credentials and credentials.identity_token:
        answer = yield _oauth_request(question, credentials.identity_token)
        if answer.status not in _FALLBACK or not credentials.username:
            return _read(answer, question)
    answer = yield _get_request(question)
    return _read(answer, question)


def _oauth_request(question: TokenQuestion, identity_token: str) -> TokenRequest:
    fields = {
        "grant_type": "refresh_token",
        "service": question.service,
        "client_id": CLIENT_ID,
        "scope": " ".join(question.scopes),
        "refresh_token": identity_token,
    }
    return TokenRequest("POST", question.realm, form=urlencode(fields).encode())


def _get_request(question: TokenQuestion) -> TokenRequest:
    pairs = [("service", question.service)] if question.service else []
    query = urlencode([*pairs, *(("scope", scope) for scope in question.scopes)])
    separator = "&" if urlsplit(question.realm).query else "?"
    url = f"{question.realm}{separator}{query}" if query else question.realm
    credentials = question.credentials
    if credentials is None:
        return TokenRequest("GET", url)
    secret = credentials.password or credentials.identity_token
    return TokenRequest("GET", url, authorization=basic_authorization(credentials.username, secret))


def _read(answer: Answer, question: TokenQuestion) -> Token:
    where = question.host.domain
    if not answer.is_success:
        error = failure(answer, where=where, login_hint=login_hint(question.credentials, where))
        error.message = f"no token: {error.message}"
        raise error
    try:
        return parse_token(answer.body)
    except ValueError as error:
        raise ProtocolError(
            f"no token from {question.realm}: {error}",
            where=where,
            hint="try again; if it stays, tell whoever runs the registry",
        ) from None


def parse_token(body: bytes) -> Token:
    """Read a token service's answer; ValueError that says what is wrong with it."""
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        raise ValueError("its answer is not JSON") from None
    if not isinstance(data, dict):
        raise ValueError("its answer is not a JSON object")
    text = data.get("access_token") or data.get("token")
    if not isinstance(text, str) or not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("its answer holds no usable 'token'")
    seconds = data.get("expires_in")
    if not isinstance(seconds, int | float) or not seconds >= LEAST_LIFETIME:  # nor is NaN
        seconds = LEAST_LIFETIME
    return Token(text, float(min(seconds, MOST_LIFETIME)), _read_time(data.get("issued_at")))


def _read_time(value: object) -> float | None:
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def make_question(
    challenge: Challenge, *, base: str, scopes: tuple[str, ...], credentials: Credentials | None,
    host: Host, plain_http: frozenset[str],
) -> TokenQuestion:  # fmt: skip
    """Make the question that a Bearer challenge of the registry at `base` leads to.

    Raises ProtocolError for a realm that a token must not be asked from: see `check_realm`.
    """
    realm = _joined(base, challenge.get("realm")).partition("#")[0]
    if problem := check_realm(realm, host=host, plain_http=plain_http):
        raise ProtocolError(
            f"its token service {realm!r} {problem}",
            where=host.domain,
            hint="nothing was sent to it",
        )
    return TokenQuestion(realm, challenge.get("service"), scopes, credentials, host)


def _joined(base: str, realm: str) -> str:
    try:
        return urljoin(base, realm)
    except ValueError:
        return realm  # which `check_realm` finds to be no address


def check_realm(realm: str, *, host: Host, plain_http: frozenset[str]) -> str:
    """Say why credentials and tokens must not go to a realm; empty text if they may.

    It must be https, or on this machine, or named by --plain-http; and a registry elsewhere
    may not send us to this machine, nor to a private address other than its own.
    """
    try:
        _ = httpx.URL(realm).host  # which is stricter
        parts = urlsplit(realm)
        name, port = parts.hostname or "", str(parts.port or "")
    except (httpx.InvalidURL, ValueError):
        return "is not an address"
    if parts.scheme not in ("http", "https") or not name or parts.username is not None:
        return "is not an http or https address"
    if is_inside(name) and not is_inside(host.name) and name != host.name:
        return "is on a private network that the registry is not on"
    is_safe = is_loopback(name) or is_plain_http(name, port, plain_http)
    return "" if parts.scheme == "https" or is_safe else "is plain http"


def is_inside(name: str) -> bool:
    """Tell whether a name is this machine, or an address that only means something near it."""
    address = ip_address(name)
    return is_loopback(name) or (address is not None and not address.is_global)
