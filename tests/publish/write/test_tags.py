"""How the index and its tags go up: by digest, by a tag, or several tags in one request."""

import asyncio

import pytest

from mbuild.errors import RegistryError, TransportError
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from tests.publish.world import APP, BUILDS, MIRROR, World, publishing, tags_of, target
from tests.publish.write.tagging import (
    OTHER,
    SOURCE,
    digest,
    errors,
    hold,
    make_world,
    push,
    refuse,
    refuse_by_digest,
    tags_written,
)
from tests.support.memory_store import Gate, StoreFault
from tests.support.virtual_time import run_virtually


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    return make_world()


# --- The index refused by its digest ---


@pytest.mark.parametrize("status", [400, 404, 405])
def test_a_tag_stands_in(world: World, status: int) -> None:
    """The first new tag takes the index's place, before all other tags, with a warning."""
    hold(world, MIRROR, "1")
    refuse_by_digest(world, MIRROR, status)
    outcomes = push(world, images=(APP, MIRROR), tags=("1", "1.0", "latest"))
    assert all(outcome.is_published for outcome in outcomes)
    assert tags_written(world)[0] == f"{MIRROR} 1.0"
    assert [outcome.warnings for outcome in outcomes] == [
        (),
        (
            (
                f"{MIRROR}: the registry refuses the index by its digest, so the tag 1.0 went first: "
                f"answered {status}"
            ),
        ),
    ]


def test_a_moving_tag_stands_in(world: World) -> None:
    """Without a new tag it is the first of those that move."""
    hold(world, APP, "1.0", "latest")
    refuse_by_digest(world, APP, 400)
    (outcome,) = push(world)
    assert outcome.is_published
    assert tags_written(world) == ["app 1.0", "app latest"]


@pytest.mark.parametrize(
    ("status", "told"),
    [(405, f"{APP}:1.0: the tag was refused"), (400, f"{APP}@digest: answered 400")],
    ids=["the tag", "the index"],
)
def test_the_stand_in_is_refused(world: World, status: int, told: str) -> None:
    """Where that is refused too, no other tag is written; refused alike, it is the index."""
    hold(world, APP, "1.0", "latest")
    refuse_by_digest(world, APP, status)
    refuse(world, APP, "1.0")
    first, second = push(world, images=(APP, MIRROR))
    assert errors(first) == [told]
    assert first.warnings == ()
    assert tags_of(first) == [("1.0", "failed"), ("latest", "untouched")]
    assert tags_of(second) == [("1.0", "untouched"), ("latest", "untouched")]


@pytest.mark.parametrize("status", [0, 403, 413, 422])
def test_no_tag_stands_in(world: World, status: int) -> None:
    """Any other failure ends the push before a tag is written."""
    refuse_by_digest(world, APP, status)
    (outcome,) = push(world)
    assert errors(outcome) == [f"{APP}@digest: answered {status}"]
    assert tags_written(world) == []


# --- Several tags in one request ---


def test_no_tag_needs_to_stand_in(world: World) -> None:
    """An index refused by its digest is no failure where another run has moved the tag by then."""
    push(other := make_world(), tags=("1.0",))
    gate = Gate()
    refuse_by_digest(world, APP, 405)
    world[APP].faults[-1].gate = gate

    def another_run() -> None:
        world[APP].manifests.update(other[APP].manifests)
        world[APP].tags.update(other[APP].tags)

    world[APP].faults.append(StoreFault("head_manifest", "1.0", act=another_run, after=1, times=1))

    async def work() -> Outcome:
        publishes = asyncio.create_task(publishing(world, target(SOURCE, tags=["1.0"])))
        await gate.reached.wait()
        await asyncio.sleep(0.5)
        gate.open.set()
        (outcome,) = await publishes
        return outcome

    outcome = run_virtually(work)
    assert (tags_of(outcome), errors(outcome)) == ([("1.0", "kept")], [])


@pytest.mark.parametrize("takes", [None, True], ids=["not known", "known"])
def test_tags_with_the_index(world: World, takes: bool | None) -> None:
    """New tags of a single repository go up with the index, after they were compared."""
    world[APP].takes_tags = takes
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "created")]
    assert outcome.verified is True
    calls = world.calls("head_manifest", "put_manifest", "put_tagged")
    assert sorted(calls[-3:-1]) == ["head_manifest app 1.0", "head_manifest app latest"]
    assert calls[-1] == "put_tagged app 1.0,latest"


def test_tags_that_are_not_taken(world: World) -> None:
    """Those that were not taken are put one by one."""
    world[APP].takes_tags = None
    world[APP].faults.append(StoreFault("put_tagged", gives=frozenset({"1"})))
    (outcome,) = push(world, tags=("1", "1.0", "latest"))
    assert outcome.is_published
    assert tags_written(world) == ["app 1,1.0,latest", "app 1.0", "app latest"]


@pytest.mark.parametrize(
    ("images", "moving", "takes"),
    [((APP, MIRROR), (), None), ((APP,), ("1",), None), ((APP,), (), False)],
    ids=["two repositories", "a tag moves", "not taken"],
)
def test_no_tags_with_the_index(
    world: World, images: tuple[str, ...], moving: tuple[str, ...], takes: bool | None
) -> None:
    """Nothing is tried in several repositories, where a tag moves, or in vain."""
    world[APP].takes_tags = takes
    hold(world, APP, *moving)
    outcomes = push(world, images=images, tags=(*moving, "1.0", "latest"))
    assert all(outcome.is_published for outcome in outcomes)
    assert world.calls("put_tagged") == []


def test_moving_tags_in_one_request(world: World) -> None:
    """Where it is known that tags are taken, those that move go together too, after the new ones."""
    for name in (APP, MIRROR):
        world[name].takes_tags = True
        hold(world, name, "1", "latest")
    push(world, images=(APP, MIRROR), tags=("1", "1.0", "1.0.1", "latest"))
    assert sorted(tags_written(world)[:2]) == ["app 1.0,1.0.1", f"{MIRROR} 1.0,1.0.1"]
    assert sorted(tags_written(world)[2:]) == ["app 1,latest", f"{MIRROR} 1,latest"]


def test_moving_tags_that_are_not_taken(world: World) -> None:
    """What a registry leaves out of one request is put by itself."""
    world[APP].takes_tags = True
    hold(world, APP, "1", "latest")
    world[APP].faults.append(StoreFault("put_tagged", gives=frozenset({"1"})))
    (outcome,) = push(world, tags=("1", "latest"))
    assert outcome.is_published
    assert tags_written(world) == ["app 1,latest", "app latest"]


def test_a_tag_in_one_request_is_changed(world: World) -> None:
    """A tag that was made meanwhile stops the index with its tags as well."""
    world[APP].takes_tags = None
    made = StoreFault("head_manifest", "1.0", act=lambda: world[APP].put("1.0", OTHER), after=1)
    world[APP].faults.append(made)
    (outcome,) = push(world, rules=TagRules())
    assert len(outcome.errors) == 1
    assert world.calls("put_tagged") == []
    assert digest(world) not in world[APP].manifests


def test_all_but_one_won_by_another_run(world: World) -> None:
    """Where one new tag is left after the comparison, the index goes up alone."""
    world[APP].takes_tags, index = None, digest(world)
    first = StoreFault(
        "head_manifest", "1.0", act=lambda: world[APP].tags.update({"1.0": index}), after=1,
        times=1,
    )  # fmt: skip
    world[APP].faults.append(first)
    world[APP].manifests.update(
        dict.fromkeys([index], next(iter(world[BUILDS].manifests.values())))
    )
    (outcome,) = push(world)
    assert [tag.tag for tag in outcome.tags] == ["1.0", "latest"]
    assert world.calls("put_tagged") == []


@pytest.mark.parametrize(("refusal", "action"), [(403, "untouched"), (0, "failed")])
def test_index_with_tags_fails(world: World, refusal: int, action: str) -> None:
    """Where the index cannot be put, its tags are not there; without an answer nobody knows."""
    world[APP].takes_tags = None
    error = RegistryError("no", where="W")
    error.refusal = refusal
    world[APP].faults.append(StoreFault("put_tagged", error=error))
    (outcome,) = push(world)
    assert errors(outcome) == ["W: no"]
    assert tags_of(outcome) == [("1.0", action), ("latest", action)]


def test_a_tag_stands_in_for_an_index_with_tags(world: World) -> None:
    """A registry that refuses the index by digest, with tags and without, gets a tag alone first."""
    world[APP].takes_tags = None
    error = RegistryError("no", where="W")
    error.refusal = 405
    world[APP].faults.append(StoreFault("put_tagged", error=error))
    (outcome,) = push(world)
    assert outcome.is_published
    assert tags_written(world) == ["app 1.0,latest", "app 1.0", "app latest"]


def test_moving_tags_in_one_request_fail(world: World) -> None:
    """Moved in one request without an answer, they are put back where another one is refused."""
    world[APP].takes_tags = True
    hold(world, APP, "1", "latest")
    hold(world, MIRROR, "1", "latest")
    failing = TransportError("no answer", where=f"{APP}:1")
    index = digest(world)
    arrives = StoreFault(
        "put_tagged", error=failing,
        act=lambda: world[APP].tags.update({"1": index, "latest": index}),
    )  # fmt: skip
    world[APP].faults.append(arrives)
    refuse(world, MIRROR, "latest")
    outcomes = push(world, images=(APP, MIRROR), tags=("1", "latest"))
    assert [tag for outcome in outcomes for tag in tags_of(outcome)] == [
        ("1", "restored"),
        ("latest", "restored"),
        ("1", "restored"),
        ("latest", "failed"),
    ]
