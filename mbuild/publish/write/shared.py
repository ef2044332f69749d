"""One reading of a blob's source, for all the targets that the blob is sent to."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any, TypeVar

from mbuild.errors import MbuildError
from mbuild.publish.together import all_together
from mbuild.registry.source import Checked

T = TypeVar("T")

BUFFERED = 4
"""So many chunks lie ready for each reader: the slowest paces the others."""

PATIENCE = 10.0
"""Seconds that all wait for one reader, also to begin; who takes longer reads by itself."""


class SharedReading:
    """Reads a source once, and hands each chunk to all `outlets`.

    A single reader is given the source itself. Several are waited for before it is opened: what
    bounds the readings of a source must not be held by one whose readers wait for what bounds
    them, since others hold that while they wait to read.
    """

    def __init__(self, source: Checked, *, readers: int) -> None:
        self._source = source
        self._begun = asyncio.Event()
        count = readers if readers > 1 else 0
        self._shared = [Outlet(source, self._begun) for _ in range(count)]
        self.outlets: Sequence[Checked] = self._shared or [source]

    async def feed(self, readers: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
        """Run the readers of the outlets to their end, side by side, and give their results."""
        if not self._shared:
            return list(await all_together(readers))
        async with asyncio.TaskGroup() as group:
            pump = group.create_task(self._pump())
            pairs = zip(self._shared, readers, strict=True)
            tasks = [group.create_task(outlet.serve(reader)) for outlet, reader in pairs]
            await asyncio.wait(tasks)
            pump.cancel()
        return [task.result() for task in tasks]

    async def _pump(self) -> None:
        end: MbuildError | None = None
        await self._gather()
        try:
            await self._pass_on()
        except MbuildError as error:
            end = error
        for outlet in self._shared:
            outlet.end(end)

    async def _gather(self) -> None:
        """Wait until all readers have begun; who comes long after the first is left behind."""
        await self._begun.wait()
        try:
            async with asyncio.timeout(PATIENCE):
                for outlet in self._shared:
                    await outlet.has_begun.wait()
        except TimeoutError:
            for outlet in self._shared:
                if not outlet.has_begun.is_set():
                    outlet.is_attached = False

    def _is_wanted(self) -> bool:
        return any(outlet.is_attached for outlet in self._shared)

    async def _pass_on(self) -> None:
        if not self._is_wanted():
            return
        async with self._source(0) as chunks:
            async for chunk in chunks:
                for outlet in self._shared:
                    await outlet.give(chunk)
                if not self._is_wanted():
                    return


class Outlet(Checked):
    """A source for one of several readers: its first stream is the shared one.

    A stream that begins in the middle, and any that comes later, is read for itself: so one
    reader that has to begin anew does not hold the others up.
    """

    def __init__(self, source: Checked, begun: asyncio.Event) -> None:
        self._source = source
        self._begun = begun
        self._items: asyncio.Queue[bytes | MbuildError | None] = asyncio.Queue()
        self._room = asyncio.Event()
        self._is_fresh = True
        self.has_begun = asyncio.Event()
        self.is_attached = True

    async def serve(self, reader: Coroutine[Any, Any, T]) -> T:
        """Run the reader; one that ends without having read is not waited for."""
        try:
            return await reader
        finally:
            self._begin()
            self._leave()

    async def give(self, chunk: bytes) -> None:
        """Hand on a chunk, and wait where too many lie there; the reader is left behind then."""
        if self.is_attached and self._items.qsize() >= BUFFERED:
            self._room.clear()
            try:
                async with asyncio.timeout(PATIENCE):
                    await self._room.wait()
            except TimeoutError:
                # In this very moment he may have come back, and wait for more already.
                if self._items.qsize() >= BUFFERED:
                    self.is_attached = False
        if self.is_attached:
            self._items.put_nowait(chunk)

    def end(self, error: MbuildError | None) -> None:
        """Hand on the end, or the error that came in its place."""
        if self.is_attached:
            self._items.put_nowait(error)

    @asynccontextmanager
    async def __call__(self, offset: int, /) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the shared stream, or one that begins at the offset."""
        self._begin()
        async with AsyncExitStack() as stack:
            if offset or not self._is_fresh:
                yield await stack.enter_async_context(self._source(offset))
            else:
                self._is_fresh = False
                stack.callback(self._leave)
                yield self._chunks(stack)

    async def _chunks(self, stack: AsyncExitStack) -> AsyncIterator[bytes]:
        position = 0
        while self.is_attached or not self._items.empty():
            item = await self._items.get()
            self._room.set()
            if isinstance(item, MbuildError):
                raise item
            if item is None:
                return
            position += len(item)
            yield item
        async for chunk in await stack.enter_async_context(self._source(position)):
            yield chunk

    def _begin(self) -> None:
        self.has_begun.set()
        self._begun.set()

    def _leave(self) -> None:
        self.is_attached = False
        self._items = asyncio.Queue()
        self._room.set()
