"""A push that is asked to stop: tags under way are finished, and everything is told."""

import asyncio
from collections.abc import Callable

import pytest

from mbuild.publish.outcome import Outcome
from mbuild.publish.write import grace
from mbuild.spec.spec import Target
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    entry,
    publish,
    publishing,
    run,
    shown,
    tags_of,
    target,
)
from tests.support.artifacts import make_referrer
from tests.support.images import make_image
from tests.support.memory_store import Gate, StoreFault

AMD64 = make_image("linux/amd64")
SOURCE = entry(f"{BUILDS}:amd64", "linux/amd64")
TAGS = ("1.0", "latest")
AGAIN = "run the same command again"


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    return world


def stop(
    world: World,
    *targets: Target,
    at: StoreFault,
    then: Callable[[Gate, "asyncio.Task[tuple[Outcome, ...]]"], None] = lambda _gate, _task: None,
) -> tuple[Outcome, ...]:
    """Publish, stop once the gate is reached, do something else, and give what is told."""

    async def work() -> tuple[Outcome, ...]:
        at.gate = gate = Gate()
        task = asyncio.create_task(publishing(world, *targets))
        await gate.reached.wait()
        for _ in range(100):  # whatever else can come to its end does
            await asyncio.sleep(0)
        task.cancel()
        for _ in range(100):
            await asyncio.sleep(0)
        then(gate, task)
        return await task

    return run(work)


def let_go(gate: Gate, _task: object) -> None:
    """Let the call under way come to its end."""
    gate.open.set()


def stop_again(_gate: Gate, task: "asyncio.Task[tuple[Outcome, ...]]") -> None:
    """Ask a second time."""
    task.cancel()


def hold(world: World, name: str, call: str, subject: str = "") -> StoreFault:
    """Hold a call of a repository back until the gate opens."""
    fault = StoreFault(call, subject)
    world[name].faults.append(fault)
    return fault


def errors(outcome: Outcome) -> list[tuple[str, int, str]]:
    """What is told as an error."""
    return [shown(error) for error in outcome.errors]


@pytest.mark.parametrize(
    ("name", "call"), [(BUILDS, "fetch_manifest"), (BUILDS, "fetch_blob"), (APP, "head_manifest")]
)
def test_while_deciding(world: World, name: str, call: str) -> None:
    """Before anything is written there is nothing to tell but that."""
    (outcome,) = stop(world, target(SOURCE, tags=TAGS), at=hold(world, name, call))
    assert errors(outcome) == [
        ("Interrupted", 130, f"{APP}: interrupted before anything was written; {AGAIN}")
    ]
    assert tags_of(outcome) == [("1.0", "untouched"), ("latest", "untouched")]
    assert world.writes == []


@pytest.mark.parametrize("call", ["mount_blob", "put_manifest"])
def test_while_staging(world: World, call: str) -> None:
    """While blobs and manifests go up, it ends at once, and no tag is written anywhere."""
    given = target(SOURCE, images=(APP, MIRROR), tags=TAGS)
    outcomes = stop(world, given, at=hold(world, APP, call))
    for outcome, name in zip(outcomes, (APP, MIRROR), strict=True):
        message = f"{name}: interrupted; written: no tag; {AGAIN} to finish"
        assert errors(outcome) == [("Interrupted", 130, message)]
        assert tags_of(outcome) == [("1.0", "untouched"), ("latest", "untouched")]
        assert outcome.verified is None
    assert world[APP].tags == world[MIRROR].tags == {}


def test_while_referrers_are_written(world: World) -> None:
    """While what belongs to images goes up, it ends at once, and no tag is written."""
    world[BUILDS].put("", make_referrer(AMD64))
    given = target(SOURCE, tags=TAGS, referrers="copy")
    (outcome,) = stop(world, given, at=hold(world, APP, "put_referrer"))
    message = f"{APP}: interrupted; written: no tag; {AGAIN} to finish"
    assert errors(outcome) == [("Interrupted", 130, message)]
    assert tags_of(outcome) == [("1.0", "untouched"), ("latest", "untouched")]
    assert (outcome.referrers, world[APP].tags) == (0, {})
    assert publish(world, given)[0].is_published


def test_while_only_referrers_are_written(world: World) -> None:
    """Where the tags stay and only that is missing, it is told that it is not done."""
    publish(world, target(SOURCE))
    world[BUILDS].put("", make_referrer(AMD64))
    given = target(SOURCE, referrers="copy")
    (outcome,) = stop(world, given, at=hold(world, APP, "put_referrer"))
    assert errors(outcome) == [
        ("Interrupted", 130, f"{APP}: interrupted; written: no tag; {AGAIN} to finish")
    ]
    assert tags_of(outcome) == [("1.0", "kept")]


def test_while_tags_are_written(world: World) -> None:
    """Tags under way are finished, then it ends: what is written is told, and nothing is proven."""
    at = hold(world, APP, "put_manifest", "latest")
    (outcome,) = stop(world, target(SOURCE, tags=TAGS), at=at, then=let_go)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "created")]
    message = f"{APP}: interrupted; written: 1.0, latest; {AGAIN} to finish"
    assert errors(outcome) == [("Interrupted", 130, message)]
    assert outcome.verified is False
    assert set(world[APP].tags) == set(TAGS)
    assert world.calls("read_back") == []


def test_twice(world: World) -> None:
    """Asked a second time, it waits no longer: the tag under way is unknown, and that is told."""
    at = hold(world, APP, "put_manifest", "latest")
    (outcome,) = stop(world, target(SOURCE, tags=TAGS), at=at, then=stop_again)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "unknown")]
    message = f"{APP}: interrupted; written: 1.0; {AGAIN} to finish"
    assert errors(outcome) == [("Interrupted", 130, message)]


def test_grace_ends(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """A tag that never comes to its end is not waited for for ever."""
    monkeypatch.setattr(grace, "GRACE_SECONDS", 0.01)
    at = hold(world, APP, "put_manifest", "latest")
    (outcome,) = stop(world, target(SOURCE, tags=TAGS), at=at)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "unknown")]


def test_while_proving(world: World) -> None:
    """What is written and not proven yet is told as that."""
    at = hold(world, APP, "read_back", "latest")
    (outcome,) = stop(world, target(SOURCE, tags=TAGS), at=at)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "created")]
    assert outcome.verified is False
    message = f"{APP}: interrupted; written: 1.0, latest; {AGAIN} to finish"
    assert errors(outcome) == [("Interrupted", 130, message)]


def test_one_is_proven(world: World) -> None:
    """A repository that is proven when the other is stopped is told as published."""
    given = target(SOURCE, images=(MIRROR, APP), tags=TAGS)
    first, second = stop(world, given, at=hold(world, APP, "read_back"))
    assert (first.verified, first.errors) == (True, ())
    assert (second.verified, len(second.errors)) == (False, 1)


def test_targets(world: World) -> None:
    """Each target is told by itself: one done, one stopped."""
    done, stopped = target(SOURCE, images=(MIRROR,)), target(SOURCE, images=(APP,))
    first, second = stop(world, done, stopped, at=hold(world, APP, "put_manifest"))
    assert first.is_published
    assert errors(first) == []
    assert tags_of(second) == [("1.0", "untouched")]
    assert [code for _, code, _ in errors(second)] == [130]


def test_second_run_finishes(world: World) -> None:
    """The same command again does what is left, and proves it."""
    at = hold(world, APP, "put_manifest", "latest")
    stop(world, target(SOURCE, tags=TAGS), at=at, then=stop_again)
    world[APP].faults.clear()
    (outcome,) = publish(world, target(SOURCE, tags=TAGS))
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "created")]
    assert outcome.is_published
    assert outcome.verified is True
