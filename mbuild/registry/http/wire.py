"""One HTTP request and its answer: counted, observed, redirects followed, bodies bounded."""

from __future__ import annotations

from collections.abc import AsyncIterable, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from types import MappingProxyType

import httpx

from mbuild.errors import ProtocolError, TransportError
from mbuild.registry.http.answers import MAX_ERROR_BODY, Answer, printable
from mbuild.registry.http.failures import Temporary, translated
from mbuild.registry.http.redirects import redirected
from mbuild.registry.observer import Exchange, Observer
from mbuild.registry.retry.pace import Pace
from mbuild.registry.retry.transport import Tally

MAX_HOPS = 10
TIMEOUTS = MappingProxyType({"connect": 15.0, "read": 60.0, "write": 60.0})
"""The longest waits, in seconds, of one step of a request."""

_NO_HEADERS: Mapping[str, str] = MappingProxyType({})

_UNSENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)


@dataclass(frozen=True, kw_only=True)
class Wire:
    """A host's connections; `pace` bounds the requests under way.

    A body that is streamed gives its request's place back before it is read: whoever reads it
    may have to send to the same host before it ends.
    """

    transport: httpx.AsyncBaseTransport
    user_agent: str
    pace: Pace
    tally: Tally
    observer: Observer
    clock: Callable[[], float]
    warned: set[str]

    def build(
        self,
        method: str,
        url: httpx.URL | str,
        *,
        headers: Mapping[str, str] = _NO_HEADERS,
        content: bytes | AsyncIterable[bytes] | None = None,
    ) -> httpx.Request:
        """Build a request, with the headers that all have."""
        common = {"User-Agent": self.user_agent, "Accept": "*/*", "Accept-Encoding": "identity"}
        return httpx.Request(
            method,
            url,
            headers={**common, **headers},
            content=content,
            extensions={"timeout": dict(TIMEOUTS)},
        )

    async def send(self, request: httpx.Request, *, limit: int, where: str) -> Answer:
        """Send a request and read its answer; a body of success larger than `limit` is refused.

        Raises Temporary, TransportError or ProtocolError.
        """
        is_streamed = not isinstance(request.stream, httpx.ByteStream)
        turns = self.pace.uploads if is_streamed else self.pace.turns
        async with turns, self._exchanged(request, where) as response:
            return await self.read(response, limit=limit, where=where)

    async def read(self, response: httpx.Response, *, limit: int, where: str) -> Answer:
        """Read an answer's body, bounded; see `send`."""
        body = await _read(response, limit, where)
        return Answer(response.status_code, response.headers, body, response.url)

    @asynccontextmanager
    async def open(self, request: httpx.Request, *, where: str) -> AsyncIterator[httpx.Response]:
        """Send a request and give the answer with its body still to be read."""
        await self.pace.turns.acquire()
        holds = True
        try:
            async with self._exchanged(request, where) as response:
                if response.is_success:
                    self.pace.turns.release()
                    holds = False
                yield response
        finally:
            if holds:
                self.pace.turns.release()

    @asynccontextmanager
    async def _exchanged(self, request: httpx.Request, where: str) -> AsyncIterator[httpx.Response]:
        for _ in range(MAX_HOPS + 1):
            with translated(host_of(request.url), where):
                response = await self._send(request)
                try:
                    following = redirected(response, where=where)
                    if following is None:
                        yield response
                        return
                    await _read(response, 0, where)
                finally:
                    await response.aclose()
            request = following
        raise ProtocolError(f"more than {MAX_HOPS} redirects", where=where)

    async def _send(self, request: httpx.Request) -> httpx.Response:
        started = self.clock()
        status = None
        is_sent = True
        try:
            response = await self.transport.handle_async_request(request)
            response.request = request
            status = response.status_code
        except _UNSENT:
            is_sent = False
            raise
        finally:
            self.tally.requests += is_sent
            seconds = self.clock() - started
            self.observer.on_request(Exchange(request.method, request.url, status, seconds))
        self._show_warnings(response)
        return response

    def _show_warnings(self, response: httpx.Response) -> None:
        """Pass on `Warning: 299 - "text"` headers, each once (distribution-spec, "Warnings")."""
        for value in response.headers.get_list("warning"):
            code, _, rest = value.partition(" ")
            said = rest.partition(" ")[2].strip('"').replace('\\"', '"')
            text = f"{host_of(response.url)} says: {printable(said)}"
            if code == "299" and text not in self.warned:
                self.warned.add(text)
                self.observer.on_warning(text)


async def _read(response: httpx.Response, limit: int, where: str) -> bytes:
    is_success = response.is_success
    body = bytearray()
    # A connection is only used again when its answer was read to the end, that of a HEAD too.
    async for chunk in checked_length(response, where):
        body += chunk
        if not is_success and len(body) >= MAX_ERROR_BODY:
            break
        if is_success and len(body) > limit:
            raise ProtocolError(
                f"{host_of(response.url)} answered with more than {limit} bytes, the most that is"
                " read here",
                where=where,
            )
    return bytes(body)


async def checked_length(response: httpx.Response, where: str) -> AsyncIterator[bytes]:
    """Give the body's bytes as they were sent; Temporary where Content-Length promised others."""
    is_head = response.request.method == "HEAD"
    # Beside Transfer-Encoding a Content-Length says nothing (RFC 9112, 6.3).
    is_silent = is_head or "transfer-encoding" in response.headers
    promised = "" if is_silent else response.headers.get("content-length", "")
    seen = 0
    async for chunk in response.aiter_raw():
        seen += len(chunk)
        yield chunk
    if promised.isdecimal() and seen != int(promised):
        message = f"the answer was cut short: {seen} of {promised} bytes"
        host = host_of(response.url)
        hint = "try again later; -vv shows each request"
        raise Temporary(TransportError(f"{message} ({host})", where=where, hint=hint))


def host_of(url: httpx.URL) -> str:
    """Give a URL's host and port as they are written, without user and password."""
    return url.netloc.decode("ascii", "replace")
