"""The blobs that a run copies: each is sent to a place once, and read once for all places."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any
from weakref import WeakValueDictionary

from mbuild.oci.descriptor import Descriptor
from mbuild.publish.write.origins import Origins
from mbuild.publish.write.progress import Metered, Progress, unwatched
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.shared import SharedReading
from mbuild.registry.source import Checked
from mbuild.store.store import Store

LARGE_BLOBS = 8
"""So many large blobs are on their way to a registry at a time: more only take more memory."""

LARGE = 1024 * 1024

Key = tuple[str, str]
"""A store's name or its place, and a blob's digest."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A blob, the stores that have it, and the targets that may lack it."""

    blob: Descriptor
    sources: tuple[Store, ...]
    receivers: tuple[Receiver, ...]


class Copies:
    """Remembers which blobs the run has brought where; each is sent to a registry once.

    Who wants a blob in a place where another has it under way waits for that, and mounts it
    where he wants it in another repository; he makes a copy of his own only where that fails.
    `origins` says where the bytes come from, and which layers are left where they lie;
    `progress` is told of each copy.
    """

    def __init__(self, origins: Origins | None = None, *, progress: Progress = unwatched) -> None:
        self._origins = origins or Origins()
        self._progress = progress
        self._there: set[Key] = set()
        self._homes: dict[Key, Store] = {}
        self._locks: WeakValueDictionary[Key, asyncio.Lock] = WeakValueDictionary()
        self._slots = defaultdict[str, asyncio.Semaphore](lambda: asyncio.Semaphore(LARGE_BLOBS))

    def carries(self, blob: Descriptor) -> bool:
        """Tell whether a blob of an image is brought along; a foreign layer may be left."""
        return self._origins.carries(blob)

    async def bring(self, wanted: Wanted) -> None:
        """See to it that every target has a blob; what goes wrong is in the receivers."""
        blob = wanted.blob
        self._progress.expect(blob, len(wanted.receivers))
        async with AsyncExitStack() as stack:
            for place in _places(wanted.receivers):
                lock = self._locks.setdefault((place, str(blob.digest)), asyncio.Lock())
                await stack.enter_async_context(lock)
            unknown = [one for one in wanted.receivers if _key(one, blob) not in self._there]
            self._progress.spare(blob, len(wanted.receivers) - len(unknown))
            lacking = await self._sift(unknown, blob, [one.has(blob) for one in unknown])
            if lacking and not await self._origins.finds(blob, wanted.sources[0]):
                self._progress.spare(blob, len(lacking))
                for one in lacking:
                    one.leave(blob)
                return
            while lacking := await self._mount(lacking, wanted):
                firsts = {one.store.place: one for one in reversed(lacking)}.values()
                await self._copy(blob, wanted.sources[0], list(firsts))
                lacking = [one for one in lacking if one not in firsts]

    async def _mount(self, receivers: Sequence[Receiver], wanted: Wanted) -> Sequence[Receiver]:
        """Mount a blob where it lies beside a target; give the targets that still lack it."""
        digest = str(wanted.blob.digest)
        homes = [self._homes.get((one.store.place, digest)) for one in receivers]
        mounts = [
            receiver.mount(wanted.blob, (*wanted.sources, *filter(None, [home])))
            for receiver, home in zip(receivers, homes, strict=True)
        ]
        return await self._sift(receivers, wanted.blob, mounts)

    async def _copy(self, blob: Descriptor, source: Store, receivers: Sequence[Receiver]) -> None:
        async with AsyncExitStack() as stack:
            if blob.size > LARGE:
                for place in _places(receivers):
                    await stack.enter_async_context(self._slots[place])
            reading = SharedReading(self._origins.source(blob, source), readers=len(receivers))
            uploads = [
                self._upload(blob, receiver, outlet, source=source.name)
                for receiver, outlet in zip(receivers, reading.outlets, strict=True)
            ]
            self._note(receivers, blob, await reading.feed(uploads))

    async def _upload(
        self, blob: Descriptor, receiver: Receiver, outlet: Checked, *, source: str
    ) -> bool | None:
        meter = self._progress.begin(blob, source, receiver.store.name)
        is_sent: bool | None = None
        try:
            is_sent = await receiver.upload(blob, Metered(outlet, meter))
        finally:
            meter.end(is_sent=bool(is_sent))
        return is_sent

    async def _sift(
        self,
        receivers: Sequence[Receiver],
        blob: Descriptor,
        asking: Sequence[Coroutine[Any, Any, bool | None]],
    ) -> Sequence[Receiver]:
        """Ask all receivers something, and give those who say no; None is an error."""
        answers = await asyncio.gather(*asking)
        self._note(receivers, blob, answers)
        lacking = [one for one, said in zip(receivers, answers, strict=True) if said is False]
        self._progress.spare(blob, len(receivers) - len(lacking))
        return lacking

    def _note(
        self, receivers: Sequence[Receiver], blob: Descriptor, answers: Sequence[bool | None]
    ) -> None:
        for receiver, is_there in zip(receivers, answers, strict=True):
            if is_there:
                self._there.add(_key(receiver, blob))
                self._homes.setdefault((receiver.store.place, str(blob.digest)), receiver.store)


def _key(receiver: Receiver, blob: Descriptor) -> Key:
    return receiver.store.name, str(blob.digest)


def _places(receivers: Sequence[Receiver]) -> list[str]:
    """Give their places in the order in which all take them, so that no two wait for each other."""
    return sorted({receiver.store.place for receiver in receivers})
