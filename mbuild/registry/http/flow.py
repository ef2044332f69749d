"""What flows through a connection, both ways: as much is taken in as is asked for."""

from __future__ import annotations

import asyncio
from collections import deque

MOST_UNREAD = 512 * 1024
"""Bytes that have arrived and were not read; from there on no more are taken in.

That is two pieces: while one is worked on the next may come, and reading has not to be held back.
"""

_Waiter = asyncio.Future[None]


class Flow(asyncio.Protocol):
    """Keeps what arrives, in the pieces in which the transport read it, until it is read.

    A piece is as large as what the system had, up to 256 KiB: none is copied, cut or joined.
    """

    def __init__(self, *, is_tls: bool) -> None:
        self._is_tls = is_tls
        self._transport: asyncio.Transport | None = None
        self._pieces: deque[bytes] = deque()
        self._unread = 0
        self._takes_in = True
        self._is_over = False
        self._is_lost = False
        self._failure: Exception | None = None
        self._reader: _Waiter | None = None
        self._may_write = True
        self._writer: _Waiter | None = None

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing has arrived that was not read, the end included."""
        return not self._pieces and not self._is_over

    @property
    def has_arrived(self) -> bool:
        """Tell whether a piece can be taken."""
        return bool(self._pieces)

    @property
    def is_open(self) -> bool:
        """Tell whether more may be written now, as far as is known."""
        return self._may_write and not self._is_lost and not self._is_closing

    @property
    def _is_closing(self) -> bool:
        assert self._transport
        return self._transport.is_closing()

    async def arrival(self) -> None:
        """Wait until something arrives, where it is quiet."""
        self._reader = asyncio.get_running_loop().create_future()
        await self._reader

    def take(self) -> bytes:
        """Give the next piece; none is the end. Raises what broke the connection, after all."""
        if not self._pieces:
            if self._failure:
                raise self._failure
            return b""
        piece = self._pieces.popleft()
        self._unread -= len(piece)
        self._steer()
        return piece

    async def drain(self) -> None:
        """Wait until more may be written, or a piece can be taken.

        Raises OSError where the connection is lost.
        """
        if self._is_closing:
            await asyncio.sleep(0)  # a loss is told in the loop's next round
        if not self._may_write and not self._is_lost and not self._pieces:
            self._writer = asyncio.get_running_loop().create_future()
            await self._writer
        if self._is_lost:
            raise self._failure or ConnectionResetError("Connection lost")

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Know what to hold back."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        """Keep a piece."""
        self._pieces.append(data)
        self._unread += len(data)
        self._steer()
        _wake(self._reader)
        _wake(self._writer)

    def eof_received(self) -> bool:
        """Keep the other direction open, where the transport can."""
        self._is_over = True
        _wake(self._reader)
        return not self._is_tls

    def connection_lost(self, exc: Exception | None) -> None:
        """Tell all who wait."""
        self._is_over = self._is_lost = True
        self._failure = exc
        _wake(self._reader)
        _wake(self._writer)

    def pause_writing(self) -> None:
        """Let those who write wait: the system takes no more."""
        self._may_write = False

    def resume_writing(self) -> None:
        """Let those who wait write on."""
        self._may_write = True
        _wake(self._writer)

    def _steer(self) -> None:
        """Take in more, or hold the transport back, by what is unread."""
        assert self._transport
        takes_in = self._unread < MOST_UNREAD
        if takes_in is not self._takes_in:
            self._takes_in = takes_in
            (self._transport.resume_reading if takes_in else self._transport.pause_reading)()


def _wake(waiter: _Waiter | None) -> None:
    if waiter and not waiter.done():
        waiter.set_result(None)
