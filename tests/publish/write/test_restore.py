"""A refusal for good: the tags that were moved go back to what they held, or are named."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbuild.errors import Denied, IntegrityError, MbuildError, RegistryError, TransportError
from mbuild.publish.decide.rules import TagRules
from tests.publish.world import APP, BUILDS, MIRROR, World, tags_of
from tests.publish.write.tagging import (
    AMD64,
    OLD,
    OTHER,
    digest,
    errors,
    hold,
    make_world,
    push,
    refuse,
    tags_written,
)
from tests.support.memory_store import StoreFault


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    return make_world()


def left_behind(world: World, before: str, reason: str) -> str:
    """What is said of the tag 1.0 that stays with the index."""
    return (
        f"{APP}:1.0: left behind: it holds {digest(world)}, and held {before}: {reason}; settle "
        "the refusal and run the same command again, or put the tag back by hand"
    )


# --- Refused for good ---


def test_moved_tags_are_put_back(world: World) -> None:
    """After a refusal the moved tags hold what they held, in all repositories, byte for byte."""
    hold(world, APP, "1.0", "latest")
    hold(world, MIRROR, "1.0", "latest")
    refuse(world, MIRROR, "latest")
    first, second = push(world, images=(APP, MIRROR))
    assert tags_of(first) == [("1.0", "restored"), ("latest", "restored")]
    assert tags_of(second) == [("1.0", "restored"), ("latest", "failed")]
    for name in (APP, MIRROR):
        assert world[name].tags == dict.fromkeys(("1.0", "latest"), OLD.digest)
    assert errors(first) == []
    assert errors(second) == [f"{MIRROR}:latest: the tag was refused"]
    assert (first.verified, second.verified) == (None, None)
    assert (first.warnings, second.warnings) == ((), ())
    assert not first.is_published


def test_old_bytes_are_fetched_before(world: World) -> None:
    """What a tag goes back to is fetched before the first tag moves, each digest once."""
    hold(world, APP, "1.0", "1")
    world[APP].put("latest", OTHER)
    push(world, tags=("1.0", "1", "latest"))
    calls = world.calls("fetch_manifest", "put_manifest")
    first = min(calls.index(f"put_manifest {line}") for line in tags_written(world))
    fetched = [line for line in calls if line.startswith("fetch_manifest app ")]
    assert sorted(fetched) == sorted(f"fetch_manifest app {one.digest}" for one in (OLD, OTHER))
    assert all(calls.index(line) < first for line in fetched)


def test_nothing_is_fetched_for_new_tags(world: World) -> None:
    """Where no tag moves, nothing has to be kept."""
    push(world)
    assert [line for line in world.calls("fetch_manifest") if " app " in line] == []


def test_new_tag_is_refused(world: World) -> None:
    """A refused new tag disturbs none that would move."""
    hold(world, APP, "latest")
    refuse(world, APP, "1.0")
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "failed"), ("latest", "untouched")]
    assert tags_written(world) == ["app 1.0"]


def test_new_tags_are_deleted(world: World) -> None:
    """A tag that was made goes away again, where only the tag goes."""
    world[APP].deletes_tags = True
    hold(world, APP, "latest")
    refuse(world, APP, "latest")
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "removed"), ("latest", "failed")]
    assert world[APP].tags == {"latest": OLD.digest}
    assert outcome.warnings == ()


def test_new_tags_are_left_behind(world: World) -> None:
    """Where that is not known it stays, and is named."""
    hold(world, APP, "latest")
    refuse(world, APP, "latest")
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "failed")]
    assert outcome.warnings == (
        left_behind(
            world, "nothing", "the registry is not known to delete a tag without its image"
        ),
    )
    assert len(outcome.errors) == 1
    assert outcome.verified is True


def test_left_behind_in_another_repository(world: World) -> None:
    """A repository where something was left behind is not published, though nothing failed there."""
    refuse(world, MIRROR, "1.0")
    first, _ = push(world, images=(APP, MIRROR), tags=("1.0",))
    assert tags_of(first) == [("1.0", "created")]
    assert (first.errors, first.is_published) == ((), False)


def test_nothing_is_deleted_by_digest(world: World) -> None:
    """Whatever is put back, nothing is deleted but tags."""
    world[APP].deletes_tags = True
    refuse(world, APP, "latest")
    push(world, tags=("1.0", "1", "latest"))
    assert world.calls("delete_tag") == ["delete_tag app 1.0", "delete_tag app 1"]
    assert digest(world) in world[APP].manifests


@pytest.mark.parametrize(
    "error",
    [
        Denied("denied", where=f"{APP}:latest"),
        IntegrityError("stored something else", where=f"{APP}:latest"),
    ],
    ids=["denied", "other bytes"],
)
def test_other_refusals(world: World, error: MbuildError) -> None:
    """A tag that is denied, or stored otherwise, is a refusal as well."""
    hold(world, APP, "1.0", "latest")
    refuse(world, APP, "latest", error)
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "restored"), ("latest", "failed")]


def test_failure_is_no_refusal(world: World) -> None:
    """After a network failure what is written stays, and the next run finishes."""
    hold(world, APP, "1.0", "latest")
    refuse(world, APP, "latest", TransportError("no answer", where=f"{APP}:latest"))
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "moved"), ("latest", "failed")]
    assert outcome.verified is True
    world[APP].faults.clear()
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "moved")]


def test_doubtful_tag_is_put_back(world: World) -> None:
    """A tag that failed without an answer, and holds the index all the same, goes back too."""
    hold(world, APP, "1.0", "1", "latest")
    lost = TransportError("no answer", where=f"{APP}:1.0")
    arrives = StoreFault(
        "put_manifest", "1.0", error=lost, times=1,
        act=lambda: world[APP].tags.update({"1.0": index}),
    )  # fmt: skip
    index = digest(world)
    world[APP].faults.append(arrives)
    refuse(world, APP, "latest")
    (outcome,) = push(world, tags=("1.0", "1", "latest"))
    assert tags_of(outcome) == [("1.0", "restored"), ("1", "restored"), ("latest", "failed")]
    assert world[APP].tags["1.0"] == OLD.digest


def test_doubtful_tag_that_never_moved(world: World) -> None:
    """One that holds what it held is left alone."""
    hold(world, APP, "1.0", "latest")
    refuse(world, APP, "1.0", TransportError("no answer", where=f"{APP}:1.0"))
    refuse(world, APP, "latest")
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "failed"), ("latest", "failed")]
    assert (len(outcome.errors), outcome.warnings) == (2, ())


def test_moved_again_by_somebody_else(world: World) -> None:
    """A tag that holds something else by then is somebody else's, and left alone."""
    hold(world, APP, "1.0", "latest")
    refuse(world, APP, "latest")
    world[APP].faults[-1].act = lambda: world[APP].put("1.0", OTHER)
    (outcome,) = push(world)
    assert outcome.warnings == (
        f"{APP}:1.0: not put back: it holds {OTHER.digest} by now, and not what was written",
    )
    assert world[APP].tags["1.0"] == OTHER.digest


def test_cannot_be_put_back(world: World) -> None:
    """A tag that the registry does not take back is named, with what it held."""
    hold(world, APP, "1.0", "latest")
    failing = TransportError("no answer", where=f"{APP}:1.0")
    world[APP].faults.append(StoreFault("put_manifest", "1.0", error=failing, after=1))
    refuse(world, APP, "latest")
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "moved"), ("latest", "failed")]
    assert errors(outcome)[1:] == [
        left_behind(world, OLD.digest, "it could not be put back: no answer")
    ]


def test_old_bytes_are_gone(world: World) -> None:
    """A tag moves also where what it held cannot be fetched, and is named if it has to go back."""
    world[APP].put("1", OTHER)
    hold(world, APP, "1.0", "latest")
    world[APP].faults.append(StoreFault("fetch_manifest", OLD.digest, error=Denied("denied")))
    refuse(world, APP, "latest")
    (outcome,) = push(world, tags=("1", "1.0", "latest"))
    assert tags_of(outcome) == [("1", "restored"), ("1.0", "moved"), ("latest", "failed")]
    assert outcome.warnings == (
        left_behind(world, OLD.digest, "what it held before could not be read"),
    )


def test_unknown_tags_are_left_behind(world: World) -> None:
    """What a tag held that could not be read is known to nobody."""
    denied = StoreFault("head_manifest", "1.0", error=Denied("denied"), times=1)
    world[APP].faults.append(denied)
    hold(world, APP, "latest")
    refuse(world, APP, "latest")
    (outcome,) = push(world)
    assert outcome.warnings == (
        left_behind(world, "something unknown", "what it held before could not be read"),
    )


def test_old_bytes_cannot_be_had(world: World) -> None:
    """Where the network fails before anything moves, nothing does."""
    world[APP].put("1", OTHER)
    hold(world, APP, "latest")
    failing = TransportError("no answer", where="W")
    world[APP].faults.append(StoreFault("fetch_manifest", OLD.digest, error=failing))
    (outcome,) = push(world, tags=("1", "latest"))
    assert errors(outcome) == ["W: no answer"]
    assert tags_written(world) == []


# --- All or none ---

TAGS = ("1.0", "1", "latest")


@given(
    held=st.sets(st.sampled_from([(name, tag) for name in (APP, MIRROR) for tag in TAGS])),
    refused=st.tuples(st.sampled_from((APP, MIRROR)), st.sampled_from((*TAGS, "index"))),
    is_final=st.booleans(),
    deletes=st.booleans(),
    takes=st.sampled_from((None, True, False)),
)
@settings(max_examples=150, deadline=None)
def test_all_or_none(
    held: set[tuple[str, str]],
    refused: tuple[str, str],
    is_final: bool,
    deletes: bool,
    takes: bool | None,
) -> None:
    """Wherever one refusal strikes, all tags hold what they held, or are named."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    for name in (APP, MIRROR):
        world[name].takes_tags, world[name].deletes_tags = takes, deletes
    for name, tag in held:
        world[name].put(tag, OLD)
    before = {name: dict(world[name].tags) for name in (APP, MIRROR)}
    index, (name, tag) = digest(world), refused
    error = RegistryError("refused", where="W")
    error.refusal = 403 if is_final else 400
    subject = index if tag == "index" else tag
    for call in ("put_manifest", "put_tagged"):
        world[name].faults.append(
            StoreFault(call, subject if call != "put_tagged" else "", error=error)
        )
    outcomes = push(world, images=(APP, MIRROR), tags=TAGS, rules=TagRules())
    named = " ".join(text for outcome in outcomes for text in outcome.warnings)
    if all(outcome.is_published for outcome in outcomes):
        assert all(world[name].tags[tag] == index for name in (APP, MIRROR) for tag in TAGS)
        return
    for place in (APP, MIRROR):
        for one in TAGS:
            was, now = before[place].get(one), world[place].tags.get(one)
            assert was == now or f"{place}:{one}: left behind" in named
            assert was is None or was == now
