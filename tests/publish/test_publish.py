"""The flow for many targets: side by side, each alone with its failures, told in their order."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from mbuild.errors import Denied, NotFound, SpecError, TransportError, worst_exit_code
from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.publish.slots import TARGETS_UNDER_WAY
from mbuild.spec.spec import Position, Spec
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
from tests.store.world import tags_in
from tests.support.images import make_image
from tests.support.memory_store import Gate, StoreFault
from tests.support.values import blob_descriptor, content_of

AMD64 = make_image("linux/amd64")
GOOD = entry(f"{BUILDS}:amd64", "linux/amd64")
BAD = entry(f"{BUILDS}:absent", "linux/amd64", line=9)
OTHER = "registry.test/team/other"


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    return world


def test_fail_alone(world: World) -> None:
    """A target that fails leaves the others alone; outcomes come in the spec's order."""
    targets = (
        target(BAD, images=(APP,)),
        target(GOOD, images=(OTHER, MIRROR)),
        target(entry(f"{BUILDS}:amd64", "linux/arm64"), images=(BUILDS,)),
    )
    outcomes = publish(world, *targets)
    assert [outcome.image for outcome in outcomes] == [APP, OTHER, MIRROR, BUILDS]
    assert [outcome.target for outcome in outcomes] == [
        f"{APP}:1.0", f"{OTHER}:1.0", f"{OTHER}:1.0", f"{BUILDS}:1.0",
    ]  # fmt: skip
    assert [outcome.is_published for outcome in outcomes] == [False, True, True, False]
    assert tags_of(outcomes[0]) == [("1.0", "untouched")]
    assert "1.0" not in world[APP].tags


def test_every_repository_is_told(world: World) -> None:
    """What stops a target is told for each of its repositories."""
    first, second = publish(world, target(BAD, images=(APP, MIRROR)))
    assert first.errors == second.errors
    assert [code for _, code, _ in map(shown, first.errors)] == [4]


def test_worst_code(world: World) -> None:
    """Each target's own errors are kept, from which the worst exit code is chosen."""
    world[MIRROR].faults.append(StoreFault("put_manifest", error=Denied("denied")))
    outcomes = publish(world, target(BAD, images=(APP,)), target(GOOD, images=(MIRROR,)))
    assert worst_exit_code([error for one in outcomes for error in one.errors]) == 5


def test_nothing_is_written_for_a_bad_target(world: World) -> None:
    """Where one of a target's entries is wrong, nothing of the target is written."""
    (outcome,) = publish(world, target(GOOD, BAD))
    assert world.writes == []
    assert outcome.index is None


def test_told_at_once(world: World) -> None:
    """What is missing and what does not fit are told together; what is required only then."""
    misfit = entry(f"{BUILDS}:amd64", "linux/arm64", line=8)
    (outcome,) = publish(world, target(misfit, BAD, require=["linux/s390x"]))
    assert [str(error).partition(": ")[0] for error in outcome.errors] == [
        "spec.yaml:9:5",
        "spec.yaml:8:5",
    ]


def test_tags_beside_sources(world: World) -> None:
    """A tag that cannot be read is told beside a source that is missing."""
    error = TransportError("no answer", where=f"{APP}:1.0")
    world[APP].faults.append(StoreFault("head_manifest", error=error))
    (outcome,) = publish(world, target(BAD))
    assert [type(one).__name__ for one in outcome.errors] == ["SourceNotFound", "TransportError"]


def test_stopped_before_its_turn(world: World) -> None:
    """A target that was stopped while it waited for its turn had nothing written."""
    world[BUILDS].faults.append(fault := StoreFault("fetch_manifest"))
    names = [f"registry.test/team/app{number}" for number in range(TARGETS_UNDER_WAY + 1)]

    async def work() -> list[str]:
        fault.gate = gate = Gate()
        targets = [target(GOOD, images=(name,)) for name in names]
        task = asyncio.create_task(publishing(world, *targets))
        await gate.reached.wait()
        task.cancel()
        outcomes = await task
        return [str(error) for error in outcomes[-1].errors]

    message = "interrupted before anything was written; run the same command again"
    assert run(work) == [f"{names[-1]}: {message}"]


def test_dry_run(world: World) -> None:
    """A dry run decides all, writes nothing, and opens no repository for writing."""
    (planned,) = publish(world, target(GOOD), dry_run=True)
    assert (world.writes, world.targets) == ([], [])
    (done,) = publish(world, target(GOOD))
    assert planned.index == done.index
    assert planned.tags == done.tags
    assert world.targets == [APP]


def test_shared_source(world: World) -> None:
    """A source that several targets share is fetched once for all."""
    targets = [target(GOOD, images=(f"registry.test/team/app{number}",)) for number in range(5)]
    outcomes = publish(world, *targets)
    assert all(outcome.is_published for outcome in outcomes)
    assert len(world.calls("fetch_manifest")) == 1
    assert len(world.calls("fetch_blob")) == 1


def test_one_repository_of_two_targets(world: World) -> None:
    """Two targets may share a repository, with a tag each."""
    first, second = publish(world, target(GOOD, tags=("1.0",)), target(GOOD, tags=("2.0",)))
    assert (first.target, second.target) == (f"{APP}:1.0", f"{APP}:2.0")
    assert set(world[APP].tags) == {"1.0", "2.0"}


def test_two_spellings(world: World, tmp_path: Path) -> None:
    """Two targets that name one tag of a layout by two paths are refused, and nothing is written."""
    (tmp_path / "app").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "app")
    first, second = (target(GOOD, images=(f"oci:{tmp_path}/{name}",)) for name in ("app", "link"))
    second = replace(second, position=Position("other.yaml", 7, 9))
    with pytest.raises(SpecError) as raised:
        publish(world, first, second)
    assert str(raised.value) == (
        f"other.yaml:7:9: tag '1.0' of oci:{tmp_path}/app is a target already, first at "
        "spec.yaml:1:1; take one out"
    )
    assert (raised.value.exit_code, raised.value.problems[0].code) == (3, "duplicate-target")
    assert world.log == []
    assert list((tmp_path / "app").iterdir()) == []


def test_two_spellings_with_a_tag_each(world: World, tmp_path: Path) -> None:
    """A layout may be named by two paths where the tags differ, and holds both then."""
    (tmp_path / "link").symlink_to(tmp_path / "app")
    names = ("app", "1.0"), ("link", "2.0")
    targets = [target(GOOD, images=(f"oci:{tmp_path}/{name}",), tags=(tag,)) for name, tag in names]
    assert all(outcome.is_published for outcome in publish(world, *targets))
    assert {tag for tag, _ in tags_in(tmp_path / "app")} == {"1.0", "2.0"}


def test_no_targets(world: World) -> None:
    """A spec without targets is done at once."""
    assert publish(world) == ()


def test_bounded(world: World) -> None:
    """No more targets are under way than may be, and all come to their turn."""
    world[BUILDS].faults.append(fault := StoreFault("fetch_manifest"))
    count = TARGETS_UNDER_WAY + 4
    names = [f"registry.test/team/app{number}" for number in range(count)]

    async def work() -> int:
        fault.gate = gate = Gate()
        targets = [target(GOOD, images=(name,)) for name in names]
        task = asyncio.create_task(publishing(world, *targets))
        await gate.reached.wait()
        for _ in range(200):
            await asyncio.sleep(0)
        begun = {line for line in world.log if line.startswith("head_manifest")}
        gate.open.set()
        outcomes = await task
        assert all(outcome.is_published for outcome in outcomes)
        return len(begun)

    assert run(work) == TARGETS_UNDER_WAY


def test_slow_registry(world: World) -> None:
    """The targets of a registry that does not answer do not hold up those of another."""
    gate = Gate()
    stuck = [f"slow.test/app{number}" for number in range(TARGETS_UNDER_WAY + 1)]
    for name in stuck:
        world[name].faults.append(StoreFault("head_manifest", gate=gate))

    async def work() -> bool:
        targets = [target(GOOD, images=(name,)) for name in (*stuck, APP)]
        task = asyncio.create_task(publishing(world, *targets))
        await gate.reached.wait()
        for _ in range(200):
            await asyncio.sleep(0)
        is_published = "1.0" in world[APP].tags
        gate.open.set()
        await task
        return is_published

    assert run(work)


def test_fault_in_one_target(world: World) -> None:
    """A fault of mbuild's own in one target leaves the others alone."""
    world[APP].faults.append(StoreFault("head_manifest", error=KeyError("oops")))
    first, second = publish(world, target(GOOD), target(GOOD, images=(MIRROR,)))
    ((kind, code, message),) = [shown(error) for error in first.errors]
    assert (kind, code) == ("MbuildError", 1)
    assert message.startswith("a fault in mbuild: KeyError in memory_store.py:")
    assert message.endswith("; please report it, with the command and the spec")
    assert second.is_published


def test_announced(world: World) -> None:
    """What is being done is told in a few words."""
    told: list[str] = []

    async def work() -> None:
        library = Library()
        publisher = Publisher(stores=world, library=library, announce=told.append)
        (outcome,) = await publisher.publish(Spec((target(GOOD),)))
        assert outcome.index
        assert told == [f"{APP}: resolving 1 image", f"{APP}: pushing {outcome.index.digest}"]
        await library.close()

    run(work)


def test_library_gives_again(world: World) -> None:
    """What was fetched is given again, by tag or digest, and a blob by digest and size."""
    (layer,) = AMD64.layers

    async def work() -> None:
        library = Library()
        store = world[BUILDS]
        for _ in range(2):
            assert await library.manifest(store, "amd64") == content_of(AMD64)
            of = content_of(AMD64).digest
            assert await library.blob(store, blob_descriptor(layer), of=of) == layer
        await library.close()

    run(work)
    assert len(world.log) == 2


def test_library_keeps_failures(world: World) -> None:
    """A failure is given to all who ask, and not asked for again."""

    async def work() -> None:
        library = Library()
        asked = [library.manifest(world[BUILDS], "absent") for _ in range(3)]
        found = await asyncio.gather(*asked, return_exceptions=True)
        assert [type(one) for one in found] == [NotFound] * 3
        await library.close()

    run(work)
    assert len(world.log) == 1


def test_library_survives_who_gives_up(world: World) -> None:
    """One who stops waiting leaves the fetch to the others; closing stops what is under way."""
    world[BUILDS].faults.append(fault := StoreFault("fetch_manifest"))

    async def work() -> None:
        fault.gate = gate = Gate()
        library = Library()
        first = asyncio.create_task(library.manifest(world[BUILDS], "amd64"))
        second = asyncio.create_task(library.manifest(world[BUILDS], "amd64"))
        await gate.reached.wait()
        first.cancel()
        gate.open.set()
        assert await second == content_of(AMD64)
        assert first.cancelled()
        fault.gate = Gate()
        third = asyncio.create_task(library.manifest(world[BUILDS], "other"))
        await fault.gate.reached.wait()
        await library.close()
        with pytest.raises(asyncio.CancelledError):
            await third

    run(work)
