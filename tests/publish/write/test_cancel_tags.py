"""A push that is asked to stop among its tags: what is under way is finished, the rest is not begun."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from tests.publish.world import APP, World, publishing, run, tags_of, target
from tests.publish.write.tagging import OLD, SOURCE, errors, hold, make_world, refuse, tags_written
from tests.support.memory_store import Gate, StoreFault
from tests.support.virtual_time import run_virtually

TAGS = ("1.0", "1", "latest")


@pytest.fixture
def world() -> World:
    """A repository with a build, and a target with two tags that are to move."""
    world = make_world()
    hold(world, APP, "1", "latest")
    return world


def stop_at(
    world: World,
    fault: StoreFault,
    *,
    then: Callable[[Gate], None] = lambda gate: gate.open.set(),
    how: Any = run,
    child_tags: str = "",
) -> Outcome:
    """Push, stop once a call is reached, let it go on, and give what is told."""

    async def work() -> tuple[Outcome, ...]:
        fault.gate = gate = Gate()
        world[APP].faults.insert(0, fault)
        given = target(SOURCE, tags=TAGS, child_tags=child_tags)
        task = asyncio.create_task(publishing(world, given, rules=TagRules()))
        await gate.reached.wait()
        for _ in range(50):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.sleep(0)
        then(gate)
        return await task

    outcomes: tuple[Outcome, ...] = how(work)
    return outcomes[0]


def interrupted(written: str) -> str:
    """What is told of the interruption."""
    return f"{APP}: interrupted; written: {written}; run the same command again to finish"


def test_while_new_tags_are_written(world: World) -> None:
    """The new tag is finished, and none that would move is begun."""
    outcome = stop_at(world, StoreFault("put_manifest", "1.0"))
    assert tags_of(outcome) == [("1.0", "created"), ("1", "untouched"), ("latest", "untouched")]
    assert errors(outcome) == [interrupted("1.0")]
    assert world[APP].tags["1"] == OLD.digest


def test_while_tags_move(world: World) -> None:
    """All tags of the step under way are finished: they have all been begun."""
    outcome = stop_at(world, StoreFault("put_manifest", "1"))
    assert tags_of(outcome) == [("1.0", "created"), ("1", "moved"), ("latest", "moved")]
    assert errors(outcome) == [interrupted("1.0, latest, 1")]


def test_while_comparing(world: World) -> None:
    """Before a tag is written it ends at once."""
    outcome = stop_at(world, StoreFault("head_manifest", "1", after=1))
    assert tags_of(outcome) == [(tag, "untouched") for tag in TAGS]
    assert tags_written(world) == []


def test_while_tags_are_put_back(world: World) -> None:
    """Putting back is finished too, so that no tag is left half way."""
    refuse(world, APP, "latest")
    outcome = stop_at(world, StoreFault("put_manifest", "1", after=1))
    assert dict(tags_of(outcome)) == {"1.0": "created", "1": "restored", "latest": "failed"}
    assert world[APP].tags["1"] == OLD.digest
    assert errors(outcome)[1:] == [interrupted("1.0")]


def test_while_a_tag_is_refused(world: World) -> None:
    """Tags beside one that is refused for good are put back: no other run could finish them."""
    refuse(world, APP, "latest")
    outcome = stop_at(world, StoreFault("put_manifest", "1", times=1))
    assert dict(tags_of(outcome)) == {"1.0": "created", "1": "restored", "latest": "failed"}
    assert world[APP].tags["1"] == OLD.digest
    assert errors(outcome)[1:] == [interrupted("1.0")]


def test_while_a_tag_is_refused_and_putting_back_hangs(world: World) -> None:
    """Putting back takes no longer than the time for tags under way."""
    refuse(world, APP, "latest")

    def hang(gate: Gate) -> None:
        gate.open.set()
        world[APP].faults.insert(0, StoreFault("head_manifest", gate=Gate()))

    outcome = stop_at(world, StoreFault("put_manifest", "1", times=1), then=hang, how=run_virtually)
    assert dict(tags_of(outcome)) == {"1.0": "created", "1": "moved", "latest": "failed"}
    assert errors(outcome)[1:] == [interrupted("1.0, 1")]


def test_child_tags_beside_a_refusal(world: World) -> None:
    """Where a tag of the index was refused, the tags of its children are put back even then."""
    refuse(world, APP, "latest")
    hold(world, APP, "1.0-amd64")
    stop = StoreFault("put_manifest", "1", times=1)
    outcome = stop_at(world, stop, child_tags="{tag}-{arch}")
    assert [(one.tag, one.action) for one in outcome.child_tags] == [("1.0-amd64", "restored")]
    assert world[APP].tags["1.0-amd64"] == OLD.digest


def test_while_the_index_goes_up_with_its_tags() -> None:
    """An index that carries its tags is finished as a tag is."""
    world = make_world()
    world[APP].takes_tags = None
    outcome = stop_at(world, StoreFault("put_tagged"))
    assert tags_of(outcome) == [(tag, "created") for tag in TAGS]
    assert errors(outcome) == [interrupted("1.0, 1, latest")]
