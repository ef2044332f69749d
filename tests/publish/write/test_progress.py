"""Progress of copies: every copy is announced, told of byte by byte, and ended or counted out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from mbuild.errors import Denied
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.publish.read.source import Child
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.progress import Metered, unwatched
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.transfer import Transfer
from mbuild.registry.source import Checked
from tests.publish.world import APP, BUILDS, MIRROR, World, run
from tests.support.images import digest_of, make_image
from tests.support.memory_store import StoreFault

SOURCE = "source.test/builds"
IMAGE = make_image("linux/amd64", layers=1)
(LAYER,) = IMAGE.layers
SIZES = sorted(len(blob) for blob in IMAGE.blobs)


class Meter:
    """Writes down how far one blob has come."""

    def __init__(self, way: str) -> None:
        self.way = way
        self.positions: list[int] = []
        self.is_sent: bool | None = None

    def reach(self, position: int) -> None:
        """Write it down."""
        self.positions.append(position)

    def end(self, *, is_sent: bool) -> None:
        """Write it down, once."""
        assert self.is_sent is None
        self.is_sent = is_sent


class Recorder:
    """Writes down all that it is told; `open` is how many copies and bytes are still to come."""

    def __init__(self) -> None:
        self.expected: list[tuple[int, int]] = []
        self.spared: list[tuple[int, int]] = []
        self.meters: list[Meter] = []

    def expect(self, blob: Descriptor, copies: int) -> None:
        """Write it down."""
        self.expected.append((blob.size, copies))

    def spare(self, blob: Descriptor, copies: int) -> None:
        """Write it down, if it is anything."""
        if copies:
            self.spared.append((blob.size, copies))

    def begin(self, blob: Descriptor, source: str, target: str) -> Meter:
        """Give a meter that writes down what it is told."""
        self.meters.append(Meter(f"{blob.size} {source} {target}"))
        return self.meters[-1]


@pytest.fixture
def world() -> World:
    """A repository of builds in a registry of its own."""
    world = World()
    world[SOURCE].put("amd64", IMAGE)
    return world


def bring(world: World, *to: str, source: str = SOURCE, twice: bool = False) -> Recorder:
    """Bring the image into repositories, and give what was told."""
    recorder = Recorder()
    digest = parse_digest(IMAGE.digest)
    child = Child(Descriptor(IMAGE.media_type, digest, IMAGE.size), world[source])

    async def work() -> None:
        copies = Copies(progress=recorder)
        for _ in range(1 + twice):
            receivers = [Receiver(world[name], trusts=False) for name in to]
            await Transfer(receivers, copies).bring([child])

    run(work)
    return recorder


def test_every_copy_is_told_of(world: World) -> None:
    """Each blob to each target: expected, begun, followed to its last byte, and ended."""
    told = bring(world, APP, MIRROR)
    assert sorted(told.expected) == [(size, 2) for size in SIZES]
    assert told.spared == []
    assert sorted(meter.way for meter in told.meters) == sorted(
        f"{size} {SOURCE} {name}" for size in SIZES for name in (APP, MIRROR)
    )
    for meter in told.meters:
        assert (meter.positions[-1], meter.is_sent) == (int(meter.way.split()[0]), True)
        assert meter.positions == sorted(meter.positions)


def test_what_is_there_is_spared(world: World) -> None:
    """A blob that a target has is counted out, and the other target's copy is not."""
    world[MIRROR].put("", IMAGE)
    told = bring(world, APP, MIRROR)
    assert sorted(told.spared) == [(size, 1) for size in SIZES]
    assert {meter.way.split()[2] for meter in told.meters} == {APP}


def test_what_is_mounted_is_spared(world: World) -> None:
    """So is a blob that is mounted."""
    world[BUILDS].put("amd64", IMAGE)
    told = bring(world, APP, source=BUILDS)
    assert (sorted(told.spared), told.meters) == ([(size, 1) for size in SIZES], [])


def test_what_another_target_brought_is_spared(world: World) -> None:
    """So is one that the run has brought there before."""
    told = bring(world, APP, twice=True)
    assert len(told.expected) == 2 * len(SIZES)
    assert sorted(told.spared) == [(size, 1) for size in SIZES]


def test_a_copy_that_fails_is_ended(world: World) -> None:
    """A copy that fails has an end, and is not sent."""
    world[APP].faults.append(StoreFault("upload_blob", digest_of(LAYER), error=Denied("denied")))
    told = bring(world, APP)
    assert {int(meter.way.split()[0]): meter.is_sent for meter in told.meters} == {
        size: size != len(LAYER) for size in SIZES
    }


class Pieces(Checked):
    """Ten bytes, three at a time."""

    @asynccontextmanager
    async def __call__(self, offset: int, /) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open them at an offset."""
        yield self._pieces(b"0123456789"[offset:])

    async def _pieces(self, rest: bytes) -> AsyncIterator[bytes]:
        for start in range(0, len(rest), 3):
            yield rest[start : start + 3]


def test_bytes_are_counted_when_more_is_asked_for() -> None:
    """What was handed on and not come back for may not have been sent yet."""
    meter = Meter("")

    async def work() -> None:
        async with Metered(Pieces(), meter)(0) as chunks:
            assert await anext(chunks) == b"012"
            assert meter.positions == []
            assert await anext(chunks) == b"345"
            assert meter.positions == [3]
        async with Metered(Pieces(), meter)(5) as chunks:
            assert [chunk async for chunk in chunks] == [b"567", b"89"]
        assert meter.positions == [3, 8, 10]

    run(work)


def test_unwatched() -> None:
    """What nobody looks at takes everything."""
    blob = Descriptor("a/b", parse_digest(IMAGE.digest), 10)
    unwatched.expect(blob, 1)
    unwatched.spare(blob, 1)
    meter = unwatched.begin(blob, "a", "b")
    meter.reach(5)
    meter.end(is_sent=True)
