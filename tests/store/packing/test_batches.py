"""Batches: what comes while others are written is written together, once."""

import asyncio

import pytest

from mbuild.errors import StoreError
from mbuild.store.packing.batches import Batches


class Log:
    """Writes batches down; each waits until it is let go, and some fail."""

    def __init__(self, *, fails: str = "") -> None:
        self.batches: list[tuple[str, ...]] = []
        self.gate = asyncio.Event()
        self._fails = fails

    async def write(self, batch: tuple[str, ...]) -> None:
        """Take a batch."""
        self.batches.append(batch)
        await self.gate.wait()
        if self._fails in batch:
            raise StoreError("the disk is full")


async def turns() -> None:
    """Let everything else come as far as it can."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_together() -> None:
    """Items that come at once, or while a batch is under way, make one batch each."""

    async def main() -> list[tuple[str, ...]]:
        log = Log()
        batches = Batches(log.write)
        adding = [asyncio.create_task(batches.add(item)) for item in "ab"]
        await turns()
        adding += [asyncio.create_task(batches.add(item)) for item in "cde"]
        await turns()
        log.gate.set()
        await asyncio.gather(*adding)
        await batches.add("f")
        await batches.close()
        return log.batches

    assert asyncio.run(main()) == [("a", "b"), ("c", "d", "e"), ("f",)]


def test_failure() -> None:
    """A batch that fails, fails for all that were in it, and for no other."""

    async def main() -> list[str]:
        log = Log(fails="b")
        batches = Batches(log.write)
        first = [asyncio.create_task(batches.add(item)) for item in "ab"]
        await turns()
        second = asyncio.create_task(batches.add("c"))
        log.gate.set()
        ends = await asyncio.gather(*first, second, return_exceptions=True)
        await batches.close()
        return [str(end) for end in ends]

    assert asyncio.run(main()) == ["the disk is full", "the disk is full", "None"]


def test_cancelled() -> None:
    """Who is cancelled leaves the batch to go on; closing stops it, and it is all over then."""

    async def main() -> tuple[list[tuple[str, ...]], int]:
        log = Log()
        batches = Batches(log.write)
        first, second = (asyncio.create_task(batches.add(item)) for item in "ab")
        await turns()
        first.cancel()
        with pytest.raises(asyncio.CancelledError):
            await first
        assert not second.done()
        await batches.close()
        with pytest.raises(asyncio.CancelledError):
            await second
        return log.batches, len(asyncio.all_tasks())

    assert asyncio.run(main()) == ([("a", "b")], 1)
