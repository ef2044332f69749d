"""Work that many wait for is done once."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

T = TypeVar("T")


class SingleFlight:
    """Runs a piece of work once per key, however many ask for it while it is under way.

    The work belongs to nobody who waits: one that is cancelled takes nothing from the others.
    Results are not kept; a failure is raised in all that waited.
    """

    def __init__(self) -> None:
        self._tasks: dict[Hashable, asyncio.Task[Any]] = {}

    async def run(self, key: Hashable, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Wait for the work under `key`, and start it where it is not under way."""
        task = self._tasks.get(key)
        if task is None:
            task = self._tasks[key] = asyncio.create_task(work())
            task.add_done_callback(lambda done: self._forget(key, done))
        result: T = await asyncio.shield(task)
        return result

    async def close(self) -> None:
        """Stop what is still under way."""
        tasks = tuple(self._tasks.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: Hashable, done: asyncio.Task[Any]) -> None:
        del self._tasks[key]
        if not done.cancelled():
            done.exception()  # seen, so that asyncio does not complain when nobody waits any more
