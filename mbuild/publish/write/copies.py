"""The blobs that a run copies: each is sent to a place once, and read once for all places."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from weakref import WeakValueDictionary

from mbuild.errors import NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.shared import SharedReading
from mbuild.registry.source import CheckedSource
from mbuild.store.store import Store

LARGE_BLOBS = 8
"""So many large blobs are on their way to a registry at a time: more only take more memory."""

LARGE = 1024 * 1024

Recall = Callable[[Store, Descriptor], bytes | None]

Key = tuple[str, str]
"""A store's name, and a blob's digest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob, the stores that have it, and the targets that may lack it."""

    blob: Descriptor
    sources: tuple[Store, ...]
    receivers: tuple[Receiver, ...]


class Copies:
    """Remembers which blobs the run has brought where; each is brought there once.

    Who wants the same blob in the same place at the same time waits for the other's copy, and
    makes one of his own only where that fails. What was read already is not asked for again:
    `recall` gives its bytes.
    """

    def __init__(self, recall: Recall = lambda _store, _blob: None) -> None:
        self._recall = recall
        self._there: set[Key] = set()
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._slots = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(LARGE_BLOBS))

    async def bring(self, wanted: Wanted) -> None:
        """See to it that every target has a blob; what goes wrong is in the receivers."""
        keys = {_key(receiver, wanted.blob): receiver for receiver in wanted.receivers}
        async with AsyncExitStack() as stack:
            for key in sorted(keys):  # in one order, so that no two ever wait for each other
                await stack.enter_async_context(self._locks.setdefault(key, asyncio.Lock()))
            lacking = {key: one for key, one in keys.items() if key not in self._there}
            await self._bring(wanted, list(lacking.values()))

    async def _bring(self, wanted: Wanted, receivers: Sequence[Receiver]) -> None:
        blob, sources = wanted.blob, wanted.sources
        taken = await asyncio.gather(*(one.takes(blob, sources) for one in receivers))
        lacking = []
        for receiver, has in zip(receivers, taken, strict=True):
            if not has:
                lacking.append(receiver)
            elif not receiver.errors:
                self._there.add(_key(receiver, blob))
        if lacking:
            await self._copy(blob, sources[0], lacking)

    async def _copy(self, blob: Descriptor, source: Store, receivers: Sequence[Receiver]) -> None:
        async with AsyncExitStack() as stack:
            if blob.size > LARGE:
                for place in sorted({receiver.store.place for receiver in receivers}):
                    await stack.enter_async_context(self._slots[place])
            reading = SharedReading(self._reading(source, blob), readers=len(receivers))
            sent = await reading.feed(
                [
                    receiver.upload(blob, outlet)
                    for receiver, outlet in zip(receivers, reading.outlets, strict=True)
                ]
            )
        self._there.update(
            _key(receiver, blob)
            for receiver, is_sent in zip(receivers, sent, strict=True)
            if is_sent
        )

    def _reading(self, source: Store, blob: Descriptor) -> CheckedSource:
        """Give a store's blob as a source of bytes that are checked."""

        @asynccontextmanager
        async def open_source(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
            async with AsyncExitStack() as stack:
                held = self._recall(source, blob)
                if held is not None:
                    yield _once(held[offset:])
                    return
                try:
                    chunks = await stack.enter_async_context(source.open_blob(blob, offset))
                except NotFound as error:
                    raise SourceError(
                        f"a blob of the image does not exist: {error.message}",
                        where=error.where,
                        hint="build and push the image again",
                    ) from error
                yield chunks

        return CheckedSource(blob, open_source, where=f"{source.name}@{blob.digest}")


def _key(receiver: Receiver, blob: Descriptor) -> Key:
    return receiver.store.name, str(blob.digest)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content
