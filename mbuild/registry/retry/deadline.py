"""The moment when a run must be over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from mbuild.errors import TransportError

SLOW = "raise --deadline, or look why the registry is slow (-vv shows each request)"


class Deadline:
    """The moment when the run must be over; without `seconds`, never."""

    def __init__(self, seconds: float | None, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    def left(self) -> float | None:
        """Give the seconds left, negative when it is over, None without a deadline."""
        return None if self._end is None else self._end - self._clock()

    def check(self, where: str) -> None:
        """Raise TransportError when it is over."""
        left = self.left()
        if left is not None and left <= 0:
            raise self._passed(where, SLOW)

    @asynccontextmanager
    async def bound(self, where: str, hint: str = SLOW) -> AsyncIterator[None]:
        """Raise TransportError when the deadline comes before the block is done.

        `hint` says what there is to do then. One bound is not to stand inside another: which
        of the two would speak is not certain.
        """
        self.check(where)
        if self._end is None:
            yield
            return
        timer = asyncio.timeout(self.left())
        try:
            async with timer:
                yield
        except TimeoutError:
            if not timer.expired():
                raise
            raise self._passed(where, hint) from None

    def _passed(self, where: str, hint: str) -> TransportError:
        text = f"not done within the deadline of {self.seconds:g} s"
        return TransportError(text, where=where, hint=hint)
