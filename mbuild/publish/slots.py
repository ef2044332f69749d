"""Slots: how many targets are under way at a time, those aside that wait for their sources."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from types import TracebackType
from typing import Self

TARGETS_UNDER_WAY = 16
"""So many targets are under way at a time for each registry, and for all layouts together."""


class Slots:
    """Has slots for each place: a slow registry does not hold up another's targets."""

    def __init__(self) -> None:
        self._places: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(TARGETS_UNDER_WAY)
        )

    def at(self, place: str) -> Slot:
        """Give a slot of a place, to be entered."""
        return Slot(self._places[place])


class Slot:
    """Is held inside its block; one who waits for something else lets others have it."""

    def __init__(self, free: asyncio.Semaphore) -> None:
        self._free = free
        self._is_held = False

    async def __aenter__(self) -> Self:
        """Wait for a free one."""
        await self.take()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let it go."""
        self.leave()

    async def take(self) -> None:
        """Wait for a free one, unless one is held; not to be called by two at once."""
        if not self._is_held:
            await self._free.acquire()
            self._is_held = True

    def leave(self) -> None:
        """Let others have it."""
        if self._is_held:
            self._is_held = False
            self._free.release()
