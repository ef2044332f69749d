"""One host's authorisation: a challenge remembered, tokens fetched once and renewed in time."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from mbuild.registry.flight import SingleFlight
from mbuild.registry.hosts import Host
from mbuild.registry.http.answers import Answer
from mbuild.registry.login.challenge import Challenge, choose_challenge, parse_challenges
from mbuild.registry.login.credentials import Credentials, login_hint
from mbuild.registry.login.token import Token, TokenQuestion, make_question

RENEW_BEFORE = 10.0
"""A token is renewed this many seconds before it ends."""


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What an authoriser needs of the world: two ways to ask, and two clocks.

    `ask` carries out a token flow; `ping` gives the answer to GET /v2/. `clock` measures,
    `wall_clock` is Unix time.
    """

    ask: Callable[[TokenQuestion], Awaitable[Token]]
    ping: Callable[[], Awaitable[Answer]]
    find_credentials: Callable[[], Credentials | None]
    clock: Callable[[], float]
    wall_clock: Callable[[], float]
    plain_http: frozenset[str]


class Authorizer:
    """Gives the Authorization header for each request to a host, empty text for none.

    Only the first requests meet a 401: its challenge is remembered. Where credentials are
    at hand, or the host is Docker Hub, GET /v2/ is asked for the challenge before.
    """

    def __init__(self, host: Host, surroundings: Surroundings, flights: SingleFlight) -> None:
        self._host = host
        self._world = surroundings
        self._flights = flights
        self._challenge: Challenge | None = None
        self._base = ""
        self._has_pinged = False
        self._credentials: Credentials | None = None
        self._has_looked = False
        self._tokens: dict[tuple[str, ...], tuple[str, float]] = {}

    async def authorization(self, scopes: tuple[str, ...]) -> str:
        """Give the header for a request that needs `scopes`.

        Raises Denied when the token service refuses, and what its transport raises.
        """
        if self._challenge is None and (self._host.is_hub or self._find()):
            await self._ping()
        if self._challenge is None:
            return ""
        return await self._answer(self._challenge, scopes)

    async def renewed(self, refused: Answer, used: str, scopes: tuple[str, ...]) -> str:
        """Give another header after a 401 to one sent with `used`; empty text if there is none."""
        if not self.learn(refused):
            await self._ping()
        if self._challenge is None:
            return ""
        self.forget(used, scopes)
        header = await self._answer(self._challenge, scopes)
        return "" if header == used else header

    def forget(self, used: str, scopes: tuple[str, ...]) -> None:
        """Drop the token that was refused; one that somebody renewed meanwhile stays."""
        key = tuple(sorted(scopes))
        if used and self._tokens.get(key, ("", 0.0))[0] == used:
            del self._tokens[key]

    def learn(self, answer: Answer) -> bool:
        """Remember the challenge of an answer; tell whether it has one that can be answered."""
        if answer.status != 401:
            return False
        challenge = choose_challenge(parse_challenges(answer.headers.get_list("www-authenticate")))
        if challenge is None:
            return False
        self._challenge, self._base = challenge, str(answer.url)
        return True

    def login_hint(self) -> str:
        """Say what a person can do who was denied."""
        return login_hint(self._find(), self._host.domain)

    async def _ping(self) -> None:
        """Ask GET /v2/ for the challenge, once."""
        if not self._has_pinged:
            self.learn(await self._flights.run("ping", self._fetch_ping))

    async def _fetch_ping(self) -> Answer:
        answer = await self._world.ping()
        self._has_pinged = True
        return answer

    def _find(self) -> Credentials | None:
        if not self._has_looked:
            self._credentials = self._world.find_credentials()
            self._has_looked = True
        return self._credentials

    async def _answer(self, challenge: Challenge, scopes: tuple[str, ...]) -> str:
        credentials = self._find()
        if challenge.scheme == "basic":
            return credentials.basic() if credentials and credentials.password else ""
        if credentials and credentials.registry_token:
            return f"Bearer {credentials.registry_token}"
        key = tuple(sorted(scopes))
        header, end = self._tokens.get(key, ("", 0.0))
        if header and self._world.clock() < end - RENEW_BEFORE:
            return header
        return await self._flights.run(key, lambda: self._fetch(challenge, scopes))

    async def _fetch(self, challenge: Challenge, scopes: tuple[str, ...]) -> str:
        question = make_question(
            challenge,
            base=self._base,
            scopes=scopes,
            credentials=self._find(),
            host=self._host,
            plain_http=self._world.plain_http,
        )
        token = await self._world.ask(question)
        header = f"Bearer {token.text}"
        end = self._world.clock() + token.expires_in(self._world.wall_clock())
        self._tokens[tuple(sorted(scopes))] = (header, end)
        return header
