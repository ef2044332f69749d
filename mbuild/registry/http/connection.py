"""One HTTP/1.1 connection: h11 speaks the protocol, a stream carries it."""

from __future__ import annotations

import ssl
from collections.abc import Awaitable, Callable
from functools import partial

import h11
import httpx

from mbuild.registry.http.body import Body, Counted, Event, parsed
from mbuild.registry.http.stream import Stream, open_stream

LONGEST_HEAD = 100 * 1024
"""The most bytes of an answer's status line and headers."""

LONGEST_IDLE = 5.0
"""Seconds after which an idle connection is not trusted any more: hosts hang up on them."""

_NO_ANSWER = "Server disconnected without sending a response."
"""The words of httpx's own transports, which serve where there is a proxy."""


class Connection(httpx.AsyncBaseTransport):
    """Carries one request at a time to one host, without a proxy; `tls` None is plain http.

    It connects at the first request, and anew when an answer was not read to its end, when
    the host has hung up or said something unasked, and after LONGEST_IDLE seconds of `clock`.
    httpx's own transport does the same through a pool, for several times the CPU.
    """

    def __init__(self, tls: ssl.SSLContext | None, clock: Callable[[], float]) -> None:
        self._tls = tls
        self._clock = clock
        self._stream: Stream | None = None
        self._protocol = _make_protocol()
        self._idle_since = 0.0

    @property
    def is_open(self) -> bool:
        """Tell whether it holds a connection, busy or idle."""
        return self._stream is not None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request and read the head of its answer; raises as httpx's transports do."""
        timeouts = request.extensions.get("timeout", {})
        stream = await self._ready_stream(request.url, timeouts.get("connect"))
        next_event = partial(self._next_event, stream, timeouts.get("read"))
        try:
            head = await self._send(stream, request, next_event)
            while not isinstance(head, h11.Response):  # 1xx says that the answer is still to come
                head = await next_event()
        except BaseException:
            self._hang_up()
            raise
        counted = self._counted(request, head, partial(stream.read, timeouts.get("read")))
        body = (
            Body(counted.pieces(), partial(self._end_counted, counted))
            if counted
            else Body(parsed(next_event), self._end_parsed)
        )
        headers = head.headers.raw_items()
        return httpx.Response(head.status_code, headers=headers, stream=body, request=request)

    async def aclose(self) -> None:
        """Hang up."""
        self._hang_up()

    async def _ready_stream(self, url: httpx.URL, wait: float | None) -> Stream:
        if self._stream and not self._is_fresh(self._stream):
            self._hang_up()
        if self._stream is None:
            self._stream = await open_stream(url, self._tls, wait)
            self._protocol = _make_protocol()
        return self._stream

    def _is_fresh(self, stream: Stream) -> bool:
        return stream.is_quiet and self._clock() - self._idle_since < LONGEST_IDLE

    async def _send(
        self, stream: Stream, request: httpx.Request, next_event: Callable[[], Awaitable[Event]]
    ) -> Event | None:
        """Send a request; where an answer comes before its end, stop and give what came."""
        wait = request.extensions.get("timeout", {}).get("write")
        head = h11.Request(
            method=request.method, target=request.url.raw_path, headers=request.headers.raw
        )
        unsent = self._encoded(head)
        assert isinstance(request.stream, httpx.AsyncByteStream)
        try:
            async for chunk in request.stream:
                unsent += self._encoded(h11.Data(data=chunk))
                if not chunk:
                    continue
                stream.write(unsent)
                unsent = b""
                await stream.drain(wait)
                if stream.has_arrived and isinstance(early := await next_event(), h11.Response):
                    return early
        except httpx.WriteError:
            return None  # whoever stops listening may have answered before
        if unsent := unsent + self._encoded(h11.EndOfMessage()):
            stream.write(unsent)
        return None

    def _encoded(self, event: h11.Event) -> bytes:
        try:
            return self._protocol.send(event) or b""
        except h11.LocalProtocolError as error:
            raise httpx.LocalProtocolError(str(error)) from error

    async def _next_event(self, stream: Stream, wait: float | None) -> Event:
        """Read on to the answer's next part."""
        protocol = self._protocol
        try:
            while (event := protocol.next_event()) is h11.NEED_DATA:
                chunk = await stream.read(wait)
                if not chunk and protocol.their_state is h11.SEND_RESPONSE:
                    raise httpx.RemoteProtocolError(_NO_ANSWER)
                protocol.receive_data(chunk)
        except h11.RemoteProtocolError as error:
            raise httpx.RemoteProtocolError(str(error)) from error
        return event

    def _counted(
        self, request: httpx.Request, head: h11.Response, read: Callable[[], Awaitable[bytes]]
    ) -> Counted | None:
        """Give the body if it is as long as Content-Length says (RFC 9112, 6.3)."""
        headers = dict(head.headers)
        length = headers.get(b"content-length")
        is_bare = request.method == "HEAD" or head.status_code in (204, 304)
        if length is None or is_bare or b"transfer-encoding" in headers:
            return None
        return Counted(int(length), self._protocol.trailing_data[0], read)

    def _end_counted(self, body: Counted) -> None:
        """Keep the connection if the answer is complete, and h11 saw the request end.

        Of an answer, or a request, that is the last one h11 says MUST_CLOSE for both sides.
        """
        self._settle(is_done=body.is_complete and self._protocol.our_state is h11.DONE)

    def _end_parsed(self) -> None:
        """Keep the connection if h11 saw this request and its answer end."""
        protocol = self._protocol
        is_done = protocol.our_state is protocol.their_state is h11.DONE
        self._settle(is_done=is_done and not protocol.trailing_data[0])

    def _settle(self, *, is_done: bool) -> None:
        """Keep the connection for another request, or hang up."""
        if is_done:
            self._protocol = _make_protocol()
            self._idle_since = self._clock()
        else:
            self._hang_up()

    def _hang_up(self) -> None:
        if self._stream:
            self._stream.close()
            self._stream = None


def _make_protocol() -> h11.Connection:
    return h11.Connection(h11.CLIENT, max_incomplete_event_size=LONGEST_HEAD)
