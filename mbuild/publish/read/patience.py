"""How long a run waits for sources that other jobs are still to push."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

POLL_SECONDS = 5.0
"""How long a source that is not there is left alone before it is asked for again."""


class Patience:
    """Bounds the wait of a whole run: `seconds` from now on, 0 for none."""

    def __init__(
        self,
        seconds: float,
        *,
        tell: Callable[[str], None],
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._end = clock() + seconds
        self._tell = tell
        self._clock = clock
        self._sleep = sleep

    async def wait_for(self, name: str, is_there: Callable[[], Awaitable[bool]]) -> bool:
        """Ask again and again until something is there; False when the time is over first.

        That it is waited for is told once. Raises what `is_there` raises.
        """
        left = self._end - self._clock()
        if left > 0:
            self._tell(f"{name}: not found yet, waiting for it for up to {left:.0f} s")
        while left > 0:
            await self._sleep(min(POLL_SECONDS, left))
            if await is_there():
                return True
            left = self._end - self._clock()
        return False
