"""Several connections to one origin, each of which carries one request at a time."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

import httpx


class Lanes(httpx.AsyncBaseTransport):
    """Gives each request a lane of its own: the one used last, or a new one where none is idle.

    How many requests are under way is the caller's business. Of the lanes that are idle, at
    most `most_idle` are kept open. A lane on which a request failed is not used again.
    """

    def __init__(
        self, make_lane: Callable[[], httpx.AsyncBaseTransport], *, most_idle: int
    ) -> None:
        self._make_lane = make_lane
        self._most_idle = most_idle
        self._idle: list[httpx.AsyncBaseTransport] = []
        self._busy: set[httpx.AsyncBaseTransport] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request; its lane is taken until the answer is closed."""
        lane = self._idle.pop() if self._idle else self._make_lane()
        self._busy.add(lane)
        try:
            response = await lane.handle_async_request(request)
        except BaseException:
            await self._drop(lane)
            raise
        stream = response.stream
        assert isinstance(stream, httpx.AsyncByteStream)
        response.stream = _Body(stream, partial(self._end, lane, stream))
        return response

    async def aclose(self) -> None:
        """Close all lanes, those too whose answers nobody closed."""
        lanes = (*self._idle, *self._busy)
        self._idle.clear()
        self._busy.clear()
        for lane in lanes:
            await lane.aclose()

    async def _end(self, lane: httpx.AsyncBaseTransport, stream: httpx.AsyncByteStream) -> None:
        try:
            await stream.aclose()
        except BaseException:
            await self._drop(lane)
            raise
        if lane in self._busy and len(self._idle) < self._most_idle:
            self._busy.remove(lane)
            self._idle.append(lane)
        else:
            await self._drop(lane)

    async def _drop(self, lane: httpx.AsyncBaseTransport) -> None:
        self._busy.discard(lane)
        await lane.aclose()


class _Body(httpx.AsyncByteStream):
    """An answer's body; closing it frees its lane."""

    def __init__(self, stream: httpx.AsyncByteStream, end: Callable[[], Awaitable[None]]) -> None:
        self._stream = stream
        self._end = end
        self._is_open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        if self._is_open:
            self._is_open = False
            await self._end()
