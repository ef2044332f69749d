"""A token service that signs what a real docker-registry checks: users, rights, refresh tokens."""

import base64
import binascii
import secrets
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.support.certificates import Signed, TlsFiles, make_authority, make_certificate
from tests.support.docker_registry import TokenAuth
from tests.support.exchange import Answer, Request
from tests.support.fake_answers import json_answer
from tests.support.loopback import LoopbackServer, serve_loopback

SERVICE, ISSUER = "registry of the tests", "token server of the tests"
LONG_AGO = 3600
ANONYMOUS = ""

Rights = Mapping[str, str]
"""Actions by repository (a glob): `{"team/*": "pull,push"}`."""


@dataclass(frozen=True, slots=True)
class Issued:
    """One token that was asked for: by whom and how, what was wanted, what was given."""

    user: str
    grant: str
    client: str
    asked: tuple[str, ...]
    granted: tuple[str, ...]


@dataclass
class TokenServer:
    """What the service knows, which a test may change at any time, and what it has issued.

    `stale` tokens are signed as long expired before a good one is. `requires_login` refuses
    anonymous requests; `knows_oauth2` answers POST. Access that a user has no right to is
    left out of the token, which is answered with 200 all the same.
    """

    url: str
    authority: Signed
    signer: Signed
    users: dict[str, str] = field(default_factory=dict)
    rights: dict[str, Rights] = field(default_factory=dict)
    refresh_tokens: dict[str, str] = field(default_factory=dict)
    issued: list[Issued] = field(default_factory=list)
    lifetime: int = 300
    stale: int = 0
    requires_login: bool = False
    knows_oauth2: bool = True
    server: LoopbackServer | None = None

    def auth(self, folder: Path) -> TokenAuth:
        """Say how a registry is to send its clients here, and whose signatures it may trust."""
        roots = folder / "token-roots.pem"
        roots.write_bytes(self.authority.certificate_pem)
        return TokenAuth(f"{self.url}/token", SERVICE, ISSUER, roots)

    def bearer(self, user: str, *scopes: str) -> dict[str, str]:
        """Give the header a client of that user would send, without a request and unwritten."""
        token = self._sign(user, self._grant(user, scopes), expires_in=self.lifetime)
        return {"Authorization": f"Bearer {token}"}

    def add_refresh_token(self, user: str) -> str:
        """Make an identity token for a user."""
        token = secrets.token_hex(16)
        self.refresh_tokens[token] = user
        return token

    def handle(self, request: Request) -> Answer:
        """Answer GET with Basic or no credentials, POST with a form."""
        if request.method == "POST":
            if not self.knows_oauth2:
                return Answer(405, {"Allow": "GET"})
            form = parse_qs(request.body.decode(), keep_blank_values=True)
            user = self._user_of_form(form)
            grant = form.get("grant_type", [""])[0]
        else:
            form = parse_qs(urlsplit(request.target).query, keep_blank_values=True)
            user = self._user_of_header(request.headers.get("authorization", ""))
            grant = "basic" if user else "anonymous"
        if user is None or (user == ANONYMOUS and self.requires_login):
            return _refuse()
        return self._issue(user, grant, form)

    def _user_of_form(self, form: Mapping[str, list[str]]) -> str | None:
        if form.get("grant_type") == ["refresh_token"]:
            return self.refresh_tokens.get(form.get("refresh_token", [""])[0])
        if form.get("grant_type") == ["password"]:
            return self._login(form.get("username", [""])[0], form.get("password", [""])[0])
        return None

    def _user_of_header(self, authorization: str) -> str | None:
        if not authorization:
            return ANONYMOUS
        scheme, _, encoded = authorization.partition(" ")
        try:
            user, _, password = base64.b64decode(encoded, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
        return self._login(user, password) if scheme.lower() == "basic" else None

    def _login(self, user: str, password: str) -> str | None:
        return user if user and self.users.get(user) == password else None

    def _issue(self, user: str, grant: str, form: Mapping[str, list[str]]) -> Answer:
        asked = tuple(scope for scopes in form.get("scope", []) for scope in scopes.split())
        access = self._grant(user, asked)
        granted = tuple(f"{one['type']}:{one['name']}:{','.join(one['actions'])}" for one in access)
        client = form.get("client_id", [""])[0]
        self.issued.append(Issued(user, grant, client, asked, granted))
        is_stale = self.stale > 0
        self.stale -= is_stale
        token = self._sign(user, access, expires_in=-LONG_AGO if is_stale else self.lifetime)
        reply: dict[str, Any] = {"token": token, "access_token": token}
        reply |= {"expires_in": self.lifetime, "issued_at": _rfc3339(time.time())}
        if form.get("offline_token") == ["true"] or form.get("access_type") == ["offline"]:
            reply["refresh_token"] = self.add_refresh_token(user)
        return json_answer(reply)

    def _grant(self, user: str, scopes: Iterable[str]) -> list[dict[str, Any]]:
        access = []
        for scope in scopes:
            kind, _, rest = scope.partition(":")
            name, _, actions = rest.rpartition(":")
            allowed = {
                action
                for pattern, given in self.rights.get(user, {}).items()
                if fnmatchcase(name, pattern)
                for action in given.split(",")
            }
            given_now = [action for action in actions.split(",") if action in allowed]
            if given_now:
                access.append({"type": kind, "name": name, "actions": given_now})
        return access

    def _sign(self, user: str, access: list[dict[str, Any]], *, expires_in: int) -> str:
        now = int(time.time())
        start = min(now, now + expires_in) - 10
        claims = {"iss": ISSUER, "sub": user, "aud": SERVICE, "jti": secrets.token_hex(8)}
        times = {"exp": now + expires_in, "nbf": start, "iat": start}
        chain = [
            base64.b64encode(one.certificate.public_bytes(serialization.Encoding.DER)).decode()
            for one in (self.signer, self.authority)
        ]
        is_rsa = isinstance(self.signer.key, rsa.RSAPrivateKey)
        return jwt.encode(
            {**claims, **times, "access": access},
            self.signer.key,
            algorithm="RS256" if is_rsa else "ES256",
            headers={"x5c": chain},
        )


@contextmanager
def serve_tokens(*, elliptic: bool = True, tls: TlsFiles | None = None) -> Iterator[TokenServer]:
    """Serve tokens on a free loopback port until the block ends, signed ES256 or RS256."""
    authority = make_authority("token authority of the tests")
    tokens = TokenServer("", authority, make_certificate(authority, elliptic=elliptic))
    with serve_loopback(tokens.handle, tls=tls) as server:
        tokens.url, tokens.server = server.url, server
        yield tokens


def _refuse() -> Answer:
    answer = json_answer({"errors": [{"code": "UNAUTHORIZED", "message": "who are you?"}]}, 401)
    return answer.with_headers(www_authenticate='Basic realm="token server of the tests"')


def _rfc3339(seconds: float) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
