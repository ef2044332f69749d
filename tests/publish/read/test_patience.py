"""Waiting for sources that other jobs are still to push, in a time that tests let pass."""

import pytest

from mbuild.errors import Denied
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.publish.read.patience import Patience
from mbuild.spec.spec import Entry, Spec
from tests.publish.world import (
    APP,
    BUILDS,
    World,
    changes_of,
    entry,
    no_sleep,
    run,
    shown,
    tags_of,
    target,
)
from tests.support.images import make_image
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
THERE = entry(f"{BUILDS}:amd64", "linux/amd64", line=3)
LATE = entry(f"{BUILDS}:arm64", "linux/arm64", line=4)
OPTIONAL = entry(f"{BUILDS}:arm64", "linux/arm64", line=4, optional=True)
TOLD = f"{BUILDS}:arm64: not found yet, waiting for it for up to 12 s"


class Time:
    """A clock that only sleeping moves; at `second` the late image is pushed."""

    def __init__(self, world: World, second: float) -> None:
        self.now = 100.0
        self.sleeps: list[float] = []
        self.told: list[str] = []
        self._world = world
        self._moment = self.now + second

    def patience(self, seconds: float) -> Patience:
        """Patience in this time."""
        return Patience(seconds, tell=self.told.append, clock=lambda: self.now, sleep=self.sleep)

    async def sleep(self, seconds: float) -> None:
        """Let time pass."""
        self.sleeps.append(seconds)
        self.now += seconds
        if self.now >= self._moment:
            self._world[BUILDS].put("arm64", ARM64)


@pytest.fixture
def world() -> World:
    """A repository in which one of two builds is there."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    return world


def publish(world: World, time: Time, *entries: Entry) -> Outcome:
    """Publish with 12 seconds of patience."""

    async def work() -> tuple[Outcome, ...]:
        publisher = Publisher(
            stores=world, library=Library(), sleep=no_sleep, patience=time.patience(12)
        )
        return await publisher.publish(Spec((target(*entries),)))

    (outcome,) = run(work)
    return outcome


@pytest.mark.parametrize("late", [LATE, OPTIONAL], ids=["required", "optional"])
def test_comes_late(world: World, late: Entry) -> None:
    """A tag that appears in time is published; it is asked for by HEAD, every 5 seconds."""
    time = Time(world, second=10)
    outcome = publish(world, time, THERE, late)
    assert tags_of(outcome) == [("1.0", "created")]
    assert changes_of(outcome) == [("linux/amd64", "added"), ("linux/arm64", "added")]
    assert (time.sleeps, time.told) == ([5.0, 5.0], [TOLD])
    asked = [call for call in world.calls("head_manifest", "fetch_manifest") if "arm64" in call]
    assert asked == ["fetch_manifest builds arm64", *["head_manifest builds arm64"] * 2]


def test_comes_too_late(world: World) -> None:
    """When the time is over the error is that of the first look."""
    time = Time(world, second=13)
    outcome = publish(world, time, THERE, LATE)
    assert [shown(error)[:2] for error in outcome.errors] == [("SourceNotFound", 4)]
    assert time.sleeps == [5.0, 5.0, 2.0]
    assert APP not in world.writes


def test_optional_and_never(world: World) -> None:
    """An optional image is left out when the time is over, not before."""
    time = Time(world, second=99)
    outcome = publish(world, time, THERE, OPTIONAL)
    assert tags_of(outcome) == [("1.0", "created")]
    assert sum(time.sleeps) == 12


def test_one_time_for_all(world: World) -> None:
    """The time is the run's: two tags that are waited for one after the other share it."""
    time = Time(world, second=99)
    patience = time.patience(12)

    async def never() -> bool:
        return False

    async def work() -> list[bool]:
        return [await patience.wait_for(name, never) for name in ("a", "b")]

    assert run(work) == [False, False]
    assert sum(time.sleeps) == 12
    assert time.told == ["a: not found yet, waiting for it for up to 12 s"]


def test_digest_is_not_waited_for(world: World) -> None:
    """What a digest names was there when the digest was told: it is not waited for."""
    time = Time(world, second=5)
    outcome = publish(world, time, entry(f"{BUILDS}@{ARM64.digest}", "linux/arm64"))
    assert [error.exit_code for error in outcome.errors] == [4]
    assert time.sleeps == []


def test_denied_while_waiting(world: World) -> None:
    """Only what is not found is waited for: any other answer is final."""
    error = Denied("no", where=f"{BUILDS}:arm64")
    world[BUILDS].faults.append(StoreFault("head_manifest", "arm64", error=error))
    time = Time(world, second=99)
    outcome = publish(world, time, LATE)
    assert [error.exit_code for error in outcome.errors] == [5]
    assert time.sleeps == [5.0]
