"""What tags hold is compared with the plan just before they are written; existing ones may be kept."""

import asyncio

import pytest

from mbuild.errors import Denied, MbuildError, TransportError
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from mbuild.publish.write.tags import FRESH_SECONDS
from tests.publish.world import APP, MIRROR, World, publishing, tags_of, target
from tests.publish.write.tagging import (
    OLD,
    OTHER,
    SOURCE,
    digest,
    errors,
    make_world,
    meanwhile,
    push,
    refuse,
    tags_written,
)
from tests.support.memory_store import Gate, StoreFault
from tests.support.virtual_time import run_virtually

NO_CLOBBER = TagRules(no_clobber=True)
LOOK = "; look at what it holds, then run the same command again, or move it with --force"
CHOOSE = "; choose another tag, or leave the option out"


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    return make_world()


# --- Order ---


def test_new_tags_first(world: World) -> None:
    """In all repositories new tags are written before those that move, and all are compared first."""
    world[APP].put("1.0", OLD)
    world[MIRROR].put("latest", OLD)
    push(world, images=(APP, MIRROR))
    assert set(tags_written(world)[:2]) == {"app latest", f"{MIRROR} 1.0"}
    assert set(tags_written(world)[2:]) == {"app 1.0", f"{MIRROR} latest"}
    calls = world.calls("put_manifest", "head_manifest")
    written = [f"put_manifest {line}" for line in tags_written(world)]
    compared = calls[calls.index(written[0]) - 4 : calls.index(written[0])]
    assert sorted(compared) == sorted(line.replace("put", "head") for line in written)


@pytest.mark.parametrize("seconds", [0.9, 1.1], ids=["fresh", "stale"])
def test_index_that_takes_its_time(world: World, seconds: float) -> None:
    """A comparison that has grown old while the index went up is made again."""
    world[APP].put("1.0", OLD)
    gate = Gate()
    world[APP].faults.append(StoreFault("put_manifest", digest(world), gate=gate, times=1))

    async def somebody_else() -> None:
        await gate.reached.wait()
        await asyncio.sleep(seconds)
        world[APP].put("1.0", OTHER)
        gate.open.set()

    async def work() -> Outcome:
        other = asyncio.create_task(somebody_else())
        (outcome,) = await publishing(world, target(SOURCE, tags=["1.0"]))
        await other
        return outcome

    outcome = run_virtually(work)
    is_stale = seconds > FRESH_SECONDS
    assert tags_of(outcome) == [("1.0", "untouched" if is_stale else "moved")]
    assert [error.exit_code for error in outcome.errors] == ([6] if is_stale else [])


def test_compared_before_the_tags(world: World) -> None:
    """The comparison stands beside the index and before the first tag, one question a tag."""
    index = digest(world)
    push(world, tags=("1.0",))
    assert world.calls("head_manifest", "put_manifest")[-3:] == [
        f"put_manifest app {index}",
        "head_manifest app 1.0",
        "put_manifest app 1.0",
    ]


# --- Compared before they move ---


@pytest.mark.parametrize("images", [(APP,), (APP, MIRROR)], ids=["one", "two repositories"])
def test_changed_by_somebody_else(world: World, images: tuple[str, ...]) -> None:
    """A tag that moved since the plan stops the push in every repository, and says from where."""
    world[APP].put("1.0", OLD)
    meanwhile(world, lambda: world[APP].put("1.0", OTHER))
    outcomes = push(world, images=images, rules=TagRules())
    assert errors(outcomes[0]) == [
        (
            f"{APP}:1.0: somebody else has changed the tag: it held {OLD.digest} when it was planned, "
            f"and {OTHER.digest} now{LOOK}"
        )
    ]
    assert outcomes[0].errors[0].exit_code == 6
    for outcome in outcomes:
        assert tags_of(outcome) == [("1.0", "untouched"), ("latest", "untouched")]
        assert outcome.verified is None
    assert tags_written(world) == []


@pytest.mark.parametrize(
    ("before", "after"), [(None, OTHER), (OLD, None)], ids=["created", "deleted"]
)
def test_made_or_deleted_by_somebody_else(world: World, before: object, after: object) -> None:
    """So does one that was made or deleted meanwhile."""
    if before:
        world[APP].put("1.0", OLD)
    meanwhile(
        world,
        lambda: world[APP].put("1.0", OTHER) if after else world[APP].tags.pop("1.0"),
    )
    (outcome,) = push(world, rules=TagRules())
    was, now = (OLD.digest if before else "nothing"), (OTHER.digest if after else "nothing")
    assert errors(outcome) == [
        (
            f"{APP}:1.0: somebody else has changed the tag: it held {was} when it was planned, and "
            f"{now} now{LOOK}"
        )
    ]
    assert tags_written(world) == []


def test_force(world: World) -> None:
    """With --force it moves all the same, with a warning, from what it holds by now."""
    world[APP].put("1.0", OLD)
    meanwhile(world, lambda: world[APP].put("1.0", OTHER))
    (outcome,) = push(world)
    assert errors(outcome) == []
    assert outcome.warnings == (
        (
            f"{APP}:1.0: somebody else has changed the tag: it held {OLD.digest} when it was planned, "
            f"and {OTHER.digest} now; it is moved all the same (--force)"
        ),
    )
    assert (outcome.tags[0].action, str(outcome.tags[0].previous)) == ("moved", OTHER.digest)
    assert outcome.is_published


def test_forced_tag_is_put_back_too(world: World) -> None:
    """What a forced tag goes back to is what it held last."""
    world[APP].put("1.0", OLD)
    meanwhile(world, lambda: world[APP].put("1.0", OTHER))
    world[APP].put("latest", OLD)
    refuse(world, APP, "latest")
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "restored"), ("latest", "failed")]
    assert world[APP].tags["1.0"] == OTHER.digest


def test_another_run_was_first(world: World) -> None:
    """A tag that holds the index by now is kept: another run of the same has won."""
    index = digest(world)
    meanwhile(world, lambda: world[APP].tags.update({"1.0": index}))
    (outcome,) = push(world, rules=TagRules())
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "created")]
    assert outcome.is_published
    assert tags_written(world) == ["app latest"]


@pytest.mark.parametrize(
    "error", [TransportError("no answer", where="W"), Denied("denied", where="W")]
)
def test_comparison_fails(world: World, error: MbuildError) -> None:
    """A tag that cannot be looked at is not written, nor is any other."""
    world[APP].faults.append(StoreFault("head_manifest", "1.0", error=error, after=1))
    (outcome,) = push(world)
    assert errors(outcome) == [str(error)]
    assert tags_written(world) == []


def test_unknown_tags_are_not_compared(world: World) -> None:
    """What could not be read before is not asked for again: the PUT decides."""
    denied = StoreFault("head_manifest", error=Denied("denied"))
    world[APP].faults.append(denied)
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "moved"), ("latest", "moved")]
    asked = [call for call in world.calls("head_manifest") if ":" not in call]
    assert sorted(asked) == ["head_manifest app 1.0", "head_manifest app latest"]


# --- --no-clobber ---


def test_no_clobber(world: World) -> None:
    """All existing tags are named, before anything is written."""
    for tag in ("1.0", "latest"):
        world[APP].put(tag, OLD)
    (outcome,) = push(world, tags=("1.0", "2.0", "latest"), rules=NO_CLOBBER)
    assert errors(outcome) == [
        f"{APP}:{tag}: the tag exists, and holds {OLD.digest}; no existing tag may move "
        f"(--no-clobber){CHOOSE}"
        for tag in ("1.0", "latest")
    ]
    assert {error.exit_code for error in outcome.errors} == {6}
    assert world.writes == []


def test_no_clobber_of_new_and_kept_tags(world: World) -> None:
    """New tags are written, and those that hold the index already are no matter."""
    push(world, tags=("1.0",))
    (outcome,) = push(world, rules=NO_CLOBBER)
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "created")]
    assert outcome.is_published


def test_no_clobber_meanwhile(world: World) -> None:
    """A tag that appeared since the plan is not moved either."""
    meanwhile(world, lambda: world[APP].put("1.0", OTHER))
    (outcome,) = push(world, rules=TagRules(no_clobber=True, force=True))
    assert errors(outcome) == [
        (
            f"{APP}:1.0: the tag exists, and holds {OTHER.digest}; no existing tag may move "
            f"(--no-clobber){CHOOSE}"
        )
    ]
    assert tags_written(world) == []


def test_no_clobber_of_an_unknown_tag(world: World) -> None:
    """A tag that could not be read before is asked for again, and created if it is not there."""
    denied = StoreFault("head_manifest", "1.0", error=Denied("denied"), times=1)
    world[APP].faults.append(denied)
    (outcome,) = push(world, tags=("1.0",), rules=NO_CLOBBER)
    assert tags_of(outcome) == [("1.0", "created")]


def test_no_clobber_of_an_unreadable_tag(world: World) -> None:
    """One that still cannot be read may exist, and is not written."""
    denied = StoreFault("head_manifest", "1.0", error=Denied("denied", hint="log in"))
    world[APP].faults.append(denied)
    (outcome,) = push(world, tags=("1.0",), rules=NO_CLOBBER)
    assert errors(outcome) == [
        (
            f"{APP}:1.0: the tag cannot be read, so it may exist, and no existing tag may move "
            "(--no-clobber): denied; log in"
        )
    ]
    assert tags_written(world) == []
