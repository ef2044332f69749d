"""Requests to one host as its operations make them: scheme, authorisation, retries put together."""

from __future__ import annotations

from collections.abc import AsyncIterable, Callable, Mapping
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace

import httpx

from mbuild.errors import Denied, MbuildError
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.registry.flight import SingleFlight
from mbuild.registry.hosts import Host
from mbuild.registry.http.answers import MAX_ERROR_BODY, Answer, failure
from mbuild.registry.http.failures import NotTls, translated
from mbuild.registry.http.redirects import LEAVES_OTHER_PAGES
from mbuild.registry.http.wire import Wire, host_of
from mbuild.registry.login.auth import Authorizer, Surroundings
from mbuild.registry.login.credentials import Credentials
from mbuild.registry.login.token_client import TokenClient
from mbuild.registry.opening import Opening
from mbuild.registry.retry.clocks import Clocks
from mbuild.registry.retry.limits import LimitWatch, has_limits
from mbuild.registry.retry.temporary import check_answer
from mbuild.registry.retry.transport import Policy

PULL = "pull"
PUSH = "pull,push"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request to the registry.

    `target` is a path below `/v2/`, or a whole URL as a Location gave it; `where` is the
    reference it is about. `limit` bounds the answer's body in bytes, `read_timeout` the wait
    for the answer in seconds. With `leaves_other_pages` a 303, which leads to something else
    than was asked for, is the answer.
    """

    method: str
    target: str
    where: str
    scopes: tuple[str, ...] = ()
    headers: Mapping[str, str] = field(default_factory=dict)
    content: bytes | AsyncIterable[bytes] | None = None
    limit: int = MAX_MANIFEST_SIZE
    read_timeout: float | None = None
    leaves_other_pages: bool = False

    def with_content(self, content: AsyncIterable[bytes]) -> Request:
        """Give the request with a body that is streamed, once."""
        return replace(self, content=content)

    def with_patience(self, read_timeout: float) -> Request:
        """Give the request with a longer wait for the answer."""
        return replace(self, read_timeout=read_timeout)

    def with_range(self, offset: int) -> Request:
        """Give the request for the bytes from an offset on (RFC 9110, 14.2)."""
        return replace(self, headers={**self.headers, "Range": f"bytes={offset}-"})


class Session(Opening):
    """One host. `call` retries, `attempt` and `open` do not; all of them authorise."""

    def __init__(
        self,
        host: Host,
        *,
        wire: Wire,
        policy: Policy,
        clocks: Clocks,
        plain_http: frozenset[str],
        find_credentials: Callable[[], Credentials | None],
    ) -> None:
        super().__init__(wire.pace, policy)
        self.host = host
        self._wire = wire
        self._tokens = TokenClient(host, wire=wire, policy=policy, clocks=clocks)
        self._clocks = clocks
        noun = "pulls" if host.is_hub else "requests"
        self._limits = LimitWatch(host.domain, noun=noun, observer=policy.observer)
        self._flights = SingleFlight()
        self._scheme = "http" if host.is_plain else "" if host.is_loopback else "https"
        self._pushed: set[str] = set()
        surroundings = Surroundings(
            ask=self._tokens.ask,
            ping=self._ping,
            find_credentials=find_credentials,
            clock=clocks.measure,
            wall_clock=clocks.wall,
            plain_http=plain_http,
        )
        self._authorizer = Authorizer(host, surroundings, self._flights)

    async def close(self) -> None:
        """Stop what nobody waits for any more."""
        await self._flights.close()
        await self._tokens.close()
        await self._pace.close()

    def may_push(self, path: str) -> None:
        """From now on ask for tokens of this repository that may push too."""
        self._pushed.add(path)

    def scope(self, path: str, *, push: bool = False) -> str:
        """Give the scope of a repository (distribution's auth/scope.md)."""
        actions = PUSH if push or path in self._pushed else PULL
        return f"repository:{path}:{actions}"

    def where(self, path: str, reference: object) -> str:
        """Write a reference as messages show it."""
        text = str(reference)
        return f"{self.host.domain}/{path}{'@' if ':' in text else ':'}{text}"

    def failure(self, answer: Answer, where: str) -> MbuildError:
        """Give the error that an answer is."""
        return failure(answer, where=where, login_hint=self._authorizer.login_hint())

    def write_failure(self, answer: Answer, where: str) -> MbuildError:
        """Give the error that an answer to a write is: 405 is how a read-only registry denies."""
        if answer.status != 405:
            return self.failure(answer, where)
        hint = "the registry is read-only, or does not take this kind of content"
        return Denied(answer.describe(), where=where, hint=hint)

    async def call(self, request: Request) -> Answer:
        """Send a request until its answer is not a temporary failure; any other status is given."""
        return await self.policy.run(request.where, lambda: self.attempt(request))

    async def attempt(self, request: Request) -> Answer:
        """Send a request once, and again if a 401 can be answered.

        Raises Temporary where the policy would try again; gives any other answer.
        """
        with self._blamed(request.where):
            built = await self._build(request)
            answer = await self._send(built, request)
            if await self._authorize(built, answer, request):
                answer = await self._send(built, request)
            return self._settled(answer, request.where)

    async def _opened(self, request: Request, stack: AsyncExitStack) -> httpx.Response:
        """Open the answer in `stack`, which is left empty where that fails."""
        built = await self._build(request)
        is_renewed = False
        while True:
            opening = self._wire.open(built, where=request.where)
            response = await stack.enter_async_context(opening)
            if response.is_success:
                self._pace.answered()
                return response
            with translated(host_of(response.url), request.where):
                answer = await self._wire.read(response, limit=MAX_ERROR_BODY, where=request.where)
            await stack.aclose()
            if is_renewed or not await self._authorize(built, answer, request):
                raise self.failure(self._settled(answer, request.where), request.where)
            is_renewed = True

    async def _send(self, built: httpx.Request, request: Request) -> Answer:
        return await self._wire.send(built, limit=request.limit, where=request.where)

    async def _authorize(self, built: httpx.Request, answer: Answer, request: Request) -> bool:
        """Answer a 401 of the registry's own; tell whether the request may be sent again."""
        if answer.status != 401 or not self._is_own(answer.url):
            return False
        used = built.headers.get("authorization", "")
        if request.content is not None and not isinstance(request.content, bytes):
            self._authorizer.forget(used, request.scopes)
            return False
        renewed = await self._authorizer.renewed(answer, used, request.scopes)
        if renewed:
            built.headers["Authorization"] = renewed
        return bool(renewed)

    def _is_own(self, url: httpx.URL) -> bool:
        own = httpx.URL(f"{self._scheme}://{self.host.address}")
        return (url.scheme, url.host, url.port) == (own.scheme, own.host, own.port)

    def _settled(self, answer: Answer, where: str) -> Answer:
        """Give the answer, or raise Temporary where another attempt may get a better one."""
        if has_limits(answer.headers) and self._is_own(answer.url):
            self._limits.note(answer.headers)
        check_answer(answer, where=where, now=self._clocks.wall())
        self._pace.answered()
        return answer

    async def _build(self, request: Request) -> httpx.Request:
        """Build the HTTP request; only the registry itself is shown an Authorization."""
        self._pace.check()
        base, target = await self._find_base(), request.target
        is_whole = target.startswith(("http://", "https://"))
        url = httpx.URL(target if is_whole else f"{base}{target}")
        used = ""
        if not is_whole or self._is_own(url):
            used = await self._authorizer.authorization(request.scopes)
        built = self._wire.build(
            request.method, url, headers=request.headers, content=request.content
        )
        if request.leaves_other_pages:
            built.extensions[LEAVES_OTHER_PAGES] = True
        if request.read_timeout:
            built.extensions["timeout"]["read"] = request.read_timeout
        if used:
            built.headers["Authorization"] = used
        return built

    async def _find_base(self) -> str:
        if not self._scheme:
            await self._flights.run("scheme", self._find_scheme)
        return f"{self._scheme}://{self.host.address}/v2/"

    async def _find_scheme(self) -> None:
        """Try TLS on this machine; only an answer that is not TLS leads to plain http."""
        try:
            answer = await self._get(f"https://{self.host.address}/v2/")
        except NotTls:
            self._scheme = "http"
        else:
            self._scheme = "https"
            self._authorizer.learn(answer)

    async def _ping(self) -> Answer:
        return self._settled(await self._get(await self._find_base()), self.host.domain)

    async def _get(self, url: str) -> Answer:
        built = self._wire.build("GET", url)
        return await self._wire.send(built, limit=MAX_ERROR_BODY, where=self.host.domain)
