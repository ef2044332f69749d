"""The lock of a folder: waited for, told of, given back, and bounded by the deadline."""

import asyncio
import fcntl
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from mbuild.errors import TransportError
from mbuild.oci.reference import LayoutReference
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.store.layout import LayoutStore
from mbuild.store.locks import FOR_EVER, LockWait, lock_folder
from mbuild.store.stores import Stores
from tests.registry.world import Recorder, content_of
from tests.store.world import tags_in
from tests.support.images import make_image
from tests.support.virtual_time import now, run_virtually

IMAGE = make_image()


class Holder:
    """Somebody else who holds a folder's lock."""

    def __init__(self, folder: Path) -> None:
        self._descriptor = os.open(folder, os.O_RDONLY)
        fcntl.flock(self._descriptor, fcntl.LOCK_EX)

    def give_back(self) -> None:
        """Give the lock back, once."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
        self._descriptor = -1


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[Holder]:
    """A lock that is held when the test begins."""
    holder = Holder(tmp_path)
    yield holder
    holder.give_back()


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0.12, []),
        (1.9, []),
        (60, ["the lock of oci:DIR is held by another process"]),
    ],
)
def test_lock_is_waited_for(
    tmp_path: Path, holder: Holder, seconds: float, told: list[str]
) -> None:
    """A writer waits, as long as it takes; it says so when that is long, once."""
    heard: list[str] = []
    wait = LockWait(tell=heard.append)

    async def scenario() -> float:
        asyncio.get_running_loop().call_later(seconds, holder.give_back)
        async with lock_folder(tmp_path, name="oci:DIR", where="", wait=wait):
            return now()

    assert run_virtually(scenario) == pytest.approx(seconds, abs=0.06)
    assert heard == told


def test_tag_is_written_after_the_wait(tmp_path: Path, holder: Holder) -> None:
    """Who had to wait for the lock writes then; nothing is left of it."""
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            holder.give_back()

    store = LayoutStore(str(tmp_path), lock_wait=LockWait(sleep=sleep))
    asyncio.run(store.put_manifest("1.0", content_of(IMAGE)))
    assert waits == [0.05] * 3
    assert tags_in(tmp_path) == [("1.0", IMAGE.digest)]


@pytest.mark.usefixtures("holder")
def test_lock_is_not_waited_for_beyond_the_deadline(tmp_path: Path) -> None:
    """Where another keeps the lock, the deadline ends the wait, and no tag is written."""
    recorder = Recorder()

    async def scenario() -> None:
        async with Registries(Settings(deadline=5), observer=recorder, clock=now) as registries:
            store = Stores(registries).open_target(LayoutReference(str(tmp_path)))
            await store.put_manifest("1.0", content_of(IMAGE))

    async def timed() -> tuple[str, int, float]:
        with pytest.raises(TransportError) as raised:
            await scenario()
        return str(raised.value), raised.value.exit_code, now()

    message = (
        f"oci:{tmp_path}:1.0: not done within the deadline of 5 s; another process holds the lock"
        f" of oci:{tmp_path}: wait for its end, or raise --deadline"
    )
    said, code, ended = run_virtually(timed)
    assert (said, code) == (message, 6)
    assert ended == pytest.approx(5)
    assert recorder.told == [f"the lock of oci:{tmp_path} is held by another process"]
    assert not (tmp_path / "index.json").exists()


def test_nothing_is_locked_after_the_deadline(tmp_path: Path) -> None:
    """A free lock is not taken when the deadline is over."""

    async def scenario() -> None:
        async with Registries(Settings(deadline=5), clock=now) as registries:
            store = Stores(registries).open_target(LayoutReference(str(tmp_path)))
            await asyncio.sleep(5)
            await store.put_manifest("1.0", content_of(IMAGE))

    with pytest.raises(TransportError, match="not done within the deadline of 5 s; raise"):
        run_virtually(scenario)
    assert not (tmp_path / "index.json").exists()


def test_lock_is_given_back(tmp_path: Path) -> None:
    """The lock is free again when the block ends, with an error too."""

    async def use() -> None:
        with pytest.raises(KeyError):
            async with lock_folder(tmp_path, name="", where="", wait=FOR_EVER):
                raise KeyError
        async with lock_folder(tmp_path, name="", where="", wait=FOR_EVER):
            pass

    asyncio.run(use())
