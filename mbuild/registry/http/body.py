"""The body of an answer: counted where its head said how long it is, else left to h11."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import h11
import httpx

Event = h11.Event | type[h11.NEED_DATA] | type[h11.PAUSED]


class Body(httpx.AsyncByteStream):
    """Gives the bytes of `pieces`; closing it calls `end`, once."""

    def __init__(self, pieces: AsyncIterator[bytes], end: Callable[[], None]) -> None:
        self._pieces = pieces
        self._end = end
        self._is_open = True

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._pieces

    async def aclose(self) -> None:
        """End the exchange, whether it was read to its end or not."""
        if self._is_open:
            self._is_open = False
            self._end()


async def parsed(next_event: Callable[[], Awaitable[Event]]) -> AsyncIterator[bytes]:
    """Give a body that is sent in chunks, or ends with the connection, as h11 reads it."""
    while isinstance(event := await next_event(), h11.Data):
        yield bytes(event.data)


class Counted:
    """A body of so many bytes, taken as they arrive.

    h11 copies each byte three times to count it, which costs more than to receive and to send
    it. Its framing is of no use here: all that is left is to count.
    """

    def __init__(self, length: int, arrived: bytes, read: Callable[[], Awaitable[bytes]]) -> None:
        self._length = length
        self._missing = length
        self._arrived = arrived
        self._read = read

    @property
    def is_complete(self) -> bool:
        """Tell whether it was read to its end, and nothing has come after it."""
        return self._missing == 0 and not self._arrived

    async def pieces(self) -> AsyncIterator[bytes]:
        """Give the bytes; RemoteProtocolError where the connection ends before them."""
        while self._missing:
            piece = self._arrived or await self._read()
            if not piece:
                raise self._cut_short()
            self._arrived = piece[self._missing :]
            piece = piece[: self._missing]
            self._missing -= len(piece)
            yield piece

    def _cut_short(self) -> httpx.RemoteProtocolError:
        return httpx.RemoteProtocolError(
            "peer closed connection without sending complete message body"
            f" (received {self._length - self._missing} bytes, expected {self._length})"
        )
