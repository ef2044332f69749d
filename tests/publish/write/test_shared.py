"""One reading for several readers: the slowest paces, and nobody waits for one for ever."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mbuild.errors import MbuildError, StoreError
from mbuild.publish.write.shared import BUFFERED, PATIENCE, SharedReading
from mbuild.registry.source import Checked, CheckedSource
from tests.support.values import blob_descriptor
from tests.support.virtual_time import now, run_virtually

PIECES = [bytes([number]) * 10 for number in range(20)]
BLOB = b"".join(PIECES)


class Pieces:
    """A source in pieces that writes down where it was opened, and how far it was read."""

    def __init__(self, *, error_after: int = len(PIECES) + 1) -> None:
        self.opened: list[int] = []
        self.given = 0
        self.open_now = 0
        self._error_after = error_after

    @asynccontextmanager
    async def __call__(self, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open it."""
        self.opened.append(offset)
        self.open_now += 1
        try:
            yield self._chunks(offset)
        finally:
            self.open_now -= 1

    async def _chunks(self, offset: int) -> AsyncIterator[bytes]:
        for number, piece in enumerate(PIECES):
            if number >= self._error_after:
                raise StoreError("the disk is gone", where="oci:x")
            if number * 10 >= offset:
                self.given += 1
                yield piece

    def shared(self, readers: int) -> SharedReading:
        """Read it for several."""
        return SharedReading(CheckedSource(blob_descriptor(BLOB), self, where="w"), readers=readers)


async def read(outlet: Checked, *, pause: float = 0, stop: int = 1_000, offset: int = 0) -> bytes:
    """Read an outlet from an offset on, at some pace; leave it after some bytes."""
    found = b""
    async with outlet(offset) as chunks:
        async for chunk in chunks:
            found += chunk
            if len(found) >= stop:
                break
            await asyncio.sleep(pause)
    return found


@pytest.mark.parametrize("readers", [1, 2, 5])
def test_read_once(readers: int) -> None:
    """All readers get all bytes, and the source is opened once."""
    source = Pieces()

    async def work() -> list[bytes]:
        reading = source.shared(readers)
        return await reading.feed([read(outlet) for outlet in reading.outlets])

    assert asyncio.run(work()) == [BLOB] * readers
    assert (source.opened, source.given, source.open_now) == ([0], len(PIECES), 0)


def test_slowest_paces() -> None:
    """No more chunks lie ready than are allowed, whoever is slow."""
    source = Pieces()
    most = 0

    async def slow(outlet: Checked) -> bytes:
        nonlocal most
        taken, found = 0, b""
        async with outlet(0) as chunks:
            async for chunk in chunks:
                taken += 1
                most = max(most, source.given - taken)
                found += chunk
                await asyncio.sleep(1)
        return found

    async def work() -> list[bytes]:
        reading = source.shared(2)
        fast, slower = reading.outlets
        return await reading.feed([read(fast), slow(slower)])

    assert run_virtually(work) == [BLOB, BLOB]
    assert source.opened == [0]
    assert most <= BUFFERED + 2


def test_left_behind() -> None:
    """Who does not read for long is not waited for, and reads on by itself where it was."""
    source = Pieces()
    done: list[float] = []

    async def fast(outlet: Checked) -> bytes:
        found = await read(outlet)
        done.append(now())
        return found

    async def work() -> list[bytes]:
        reading = source.shared(2)
        first, second = reading.outlets
        return await reading.feed([fast(first), read(second, pause=3 * PATIENCE)])

    assert run_virtually(work) == [BLOB, BLOB]
    assert done == [PATIENCE]
    assert source.opened[0] == 0
    assert len(source.opened) == 2


def test_back_at_the_last_moment() -> None:
    """Who reads again just when the wait for him ends still gets all, from the shared reading."""
    source = Pieces()

    async def late(outlet: Checked) -> bytes:
        async with outlet(0) as chunks:
            found = await anext(chunks)
            await asyncio.sleep(PATIENCE)
            return found + b"".join([chunk async for chunk in chunks])

    async def work() -> list[bytes]:
        reading = source.shared(2)
        first, second = reading.outlets
        async with asyncio.timeout(10 * PATIENCE):
            return await reading.feed([read(first), late(second)])

    assert run_virtually(work) == [BLOB, BLOB]
    assert source.opened == [0]


async def after(pause: float, outlet: Checked, done: list[float]) -> bytes:
    """Read an outlet after a while, and note when that is done."""
    await asyncio.sleep(pause)
    found = await read(outlet)
    done.append(now())
    return found


@pytest.mark.parametrize(
    ("pauses", "done", "opened"),
    [((5, 5), [5, 5], 1), ((30, 30 + PATIENCE / 2), [35, 35], 1), ((0, 30), [PATIENCE, 30], 2)],
    ids=["together", "soon", "late"],
)
def test_begin(pauses: tuple[float, float], done: list[float], opened: int) -> None:
    """The source is opened when all read, or the first has waited long for the others."""
    source = Pieces()
    found: list[float] = []

    async def work() -> list[bytes]:
        reading = source.shared(2)
        pairs = zip(pauses, reading.outlets, strict=True)
        return await reading.feed([after(pause, outlet, found) for pause, outlet in pairs])

    assert run_virtually(work) == [BLOB, BLOB]
    assert (found, source.opened) == (done, [0] * opened)


def test_never_begun() -> None:
    """Who ends without having read is not waited for."""
    source = Pieces()
    done: list[float] = []

    async def full() -> bytes:
        return b""

    async def work() -> list[bytes]:
        reading = source.shared(2)
        return await reading.feed([full(), after(0, reading.outlets[1], done)])

    assert run_virtually(work) == [b"", BLOB]
    assert done == [0]


def test_nobody_begins() -> None:
    """A source that nobody reads is not opened."""
    source = Pieces()

    async def full() -> None:
        await asyncio.sleep(0)

    async def work() -> None:
        await source.shared(2).feed([full(), full()])
        await asyncio.sleep(1)

    run_virtually(work)
    assert source.opened == []


def test_bounds_that_wait_for_each_other() -> None:
    """Where readings and readers are bounded, no reading is held while its readers wait."""
    source = Pieces()
    readings, places = asyncio.Semaphore(1), [asyncio.Semaphore(1), asyncio.Semaphore(1)]
    done: list[float] = []

    @asynccontextmanager
    async def bounded(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        async with readings, source(offset) as chunks:
            yield chunks

    async def copy(place: asyncio.Semaphore, outlet: Checked) -> None:
        async with place:
            await asyncio.sleep(1)
            await after(0, outlet, done)

    async def work() -> None:
        checked = CheckedSource(blob_descriptor(BLOB), bounded, where="w")
        shared = SharedReading(checked, readers=2)
        async with asyncio.TaskGroup() as group:
            for _ in range(2):
                group.create_task(copy(places[0], checked))
            group.create_task(shared.feed(list(map(copy, places, shared.outlets))))

    run_virtually(work)
    assert done == [1, 2, 3, 3]
    assert source.opened == [0] * 3


@pytest.mark.parametrize("stop", [10, 70])
def test_begun_again(stop: int) -> None:
    """A reader that breaks off holds nobody up, and what it opens then is its own."""
    source = Pieces()

    async def again(outlet: Checked) -> bytes:
        found = await read(outlet, stop=stop)
        return found + await read(outlet, offset=len(found))

    async def work() -> list[bytes]:
        reading = source.shared(2)
        first, second = reading.outlets
        return await reading.feed([again(first), read(second)])

    assert asyncio.run(work()) == [BLOB, BLOB]
    assert len(source.opened) == 2


def test_all_leave() -> None:
    """A source that nobody reads any more is not read to its end."""
    source = Pieces()

    async def work() -> list[bytes]:
        reading = source.shared(2)
        return await reading.feed([read(outlet, stop=10) for outlet in reading.outlets])

    assert asyncio.run(work()) == [PIECES[0]] * 2
    assert source.given < len(PIECES)
    assert source.open_now == 0


def test_error_for_all() -> None:
    """A source that fails fails for all its readers."""
    source = Pieces(error_after=7)

    async def failing(outlet: Checked) -> str:
        with pytest.raises(MbuildError) as raised:
            await read(outlet)
        return str(raised.value)

    async def work() -> list[str]:
        reading = source.shared(2)
        return await reading.feed([failing(outlet) for outlet in reading.outlets])

    assert asyncio.run(work()) == ["oci:x: the disk is gone"] * 2


def test_cancelled() -> None:
    """A copy that is cancelled leaves no task behind, and the source closed."""
    source = Pieces()

    async def work() -> int:
        reading = source.shared(2)
        readers = [read(outlet, pause=1) for outlet in reading.outlets]
        task = asyncio.create_task(reading.feed(readers))
        await asyncio.sleep(2.5)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        return len(asyncio.all_tasks())

    assert run_virtually(work) == 1
    assert source.open_now == 0
