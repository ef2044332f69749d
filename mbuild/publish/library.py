"""What a run reads from its sources, each manifest and config once however many want it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content
from mbuild.store.store import Store

T = TypeVar("T")


class Library:
    """Remembers what was fetched in this run; a failure is given to all who wait for it."""

    def __init__(self) -> None:
        self._fetches: dict[Hashable, asyncio.Task[Any]] = {}

    async def manifest(self, store: Store, reference: str) -> Content:
        """Fetch a manifest by tag or digest, or give the one fetched before."""
        return await self._once((store.name, reference), lambda: store.fetch_manifest(reference))

    async def blob(self, store: Store, descriptor: Descriptor) -> bytes:
        """Fetch a small blob, or give the one fetched before from the same repository."""
        key = (store.name, descriptor.digest, descriptor.size)
        return await self._once(key, lambda: store.fetch_blob(descriptor))

    async def _once(self, key: Hashable, fetch: Callable[[], Coroutine[Any, Any, T]]) -> T:
        task = self._fetches.get(key)
        if task is None or task.cancelled():
            task = self._fetches[key] = asyncio.create_task(fetch())
            task.add_done_callback(_seen)
        result: T = await asyncio.shield(task)
        return result

    async def close(self) -> None:
        """Stop what is still under way."""
        tasks = tuple(self._fetches.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _seen(task: asyncio.Task[Any]) -> None:
    """Mark a failure as noticed: those who waited for it were given it."""
    if not task.cancelled():
        task.exception()
