"""Whose turn it is to send a request: so many at a time, in order, and none while it is shut."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from mbuild.errors import MbuildError


class Turns:
    """`async with turns` is a request under way, after its turn has come.

    At most `allowed` are under way. While it is shut nobody's turn comes; once it is ended,
    everybody is given an error.
    """

    def __init__(self, allowed: int) -> None:
        self.allowed = allowed
        self.is_shut = False
        self._under_way = 0
        self._queue: deque[asyncio.Future[None]] = deque()
        self._make_error: Callable[[], MbuildError] | None = None

    async def acquire(self) -> None:
        """Wait for a turn; raises the error with which it was ended."""
        if self._under_way < self.allowed and not self._queue and not self.is_shut:
            self._under_way += 1
        else:
            await self._wait()

    def release(self) -> None:
        """Give a place to the next."""
        self._under_way -= 1
        self._let_through()

    async def __aenter__(self) -> None:
        await self.acquire()

    async def __aexit__(self, *_: object) -> None:
        self.release()

    def allow(self, count: int) -> None:
        """Let so many be under way from now on; those that are stay."""
        self.allowed = count
        self._let_through()

    def shut(self) -> None:
        """Let nobody through until `open`."""
        self.is_shut = True

    def open(self) -> None:
        """Let through again."""
        self.is_shut = False
        self._let_through()

    def end(self, make_error: Callable[[], MbuildError]) -> None:
        """Let nobody through any more: those who wait, and all who come, are given an error."""
        self.is_shut = True
        self._make_error = make_error
        while self._queue:
            turn = self._queue.popleft()
            if not turn.done():
                turn.set_exception(make_error())

    async def _wait(self) -> None:
        await self._queue_up(self._queue.append)
        # The answer that made room may be the one for which it was shut a moment later.
        while self.is_shut:
            self._under_way -= 1
            await self._queue_up(self._queue.appendleft)

    async def _queue_up(self, place: Callable[[asyncio.Future[None]], None]) -> None:
        if self._make_error:
            raise self._make_error()
        turn = asyncio.get_running_loop().create_future()
        place(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled() and not turn.exception():
                self.release()
            raise

    def _let_through(self) -> None:
        while self._queue and not self.is_shut and self._under_way < self.allowed:
            turn = self._queue.popleft()
            if not turn.done():
                self._under_way += 1
                turn.set_result(None)
