"""Batches: changes that come while others are being written are written together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Batches(Generic[T]):
    """Hands items to `write`, one batch at a time; each batch holds all that came meanwhile."""

    def __init__(self, write: Callable[[tuple[T, ...]], Awaitable[None]]) -> None:
        self._write = write
        self._turn = asyncio.Lock()
        self._waiting: list[T] = []
        self._next: asyncio.Task[None] | None = None
        self._tasks: set[asyncio.Task[None]] = set()

    async def add(self, item: T) -> None:
        """Write an item with the next batch; what fails, fails for all of the batch.

        When cancelled, the batch goes on: `close` stops it.
        """
        self._waiting.append(item)
        if self._next is None:
            self._next = asyncio.create_task(self._run())
            self._tasks.add(self._next)
        task = self._next
        await asyncio.shield(task)
        self._tasks.discard(task)

    async def close(self) -> None:
        """Stop what is under way."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    async def _run(self) -> None:
        async with self._turn:
            batch, self._waiting, self._next = tuple(self._waiting), [], None
            await self._write(batch)
