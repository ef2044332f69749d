"""Targets that are made of what other targets publish."""

import pytest

from mbuild.errors import Denied
from mbuild.oci.index import parse_index
from tests.publish.world import (
    APP,
    BUILDS,
    World,
    entry,
    publish,
    shown,
    tags_of,
    target,
)
from tests.support.images import make_image
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
BASE = "registry.test/team/base"
ALL = "registry.test/team/all"
OTHER = "registry.test/team/other"


@pytest.fixture
def world() -> World:
    """A repository of builds."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    world[BUILDS].put("arm64", ARM64)
    return world


BASE_TARGET = target(
    entry(f"{BUILDS}:amd64", "linux/amd64"), entry(f"{BUILDS}:arm64", "linux/arm64"), images=(BASE,)
)
FROM_BASE = target(entry(f"{BASE}:1.0", "linux/arm64"), images=(APP,))


@pytest.mark.parametrize("turn", [1, -1], ids=["in order", "against the order"])
def test_built_in_order(world: World, turn: int) -> None:
    """A target that is made of another is published after it, wherever it stands in the spec."""
    outcomes = publish(world, *(BASE_TARGET, FROM_BASE)[::turn])[::turn]
    assert [tags_of(outcome) for outcome in outcomes] == [[("1.0", "created")]] * 2
    held = world[APP].manifests[world[APP].tags["1.0"]]
    assert [str(entry.digest) for entry in parse_index(held.raw).images] == [ARM64.digest]


def test_what_was_there_before_does_not_count(world: World) -> None:
    """The result of this run is taken, not what the tag held before."""
    world[BASE].put("1.0", make_image("linux/arm64", seed="old"))
    publish(world, FROM_BASE, BASE_TARGET)
    held = world[APP].manifests[world[APP].tags["1.0"]]
    assert [str(entry.digest) for entry in parse_index(held.raw).images] == [ARM64.digest]


@pytest.mark.parametrize("is_there", [False, True], ids=["first time", "moves"])
def test_plan(world: World, is_there: bool) -> None:
    """A plan reads what the other target would publish, and comes to the digests of the push."""
    if is_there:
        world[BASE].put("1.0", make_image("linux/arm64", seed="old"))
    planned = publish(world, FROM_BASE, BASE_TARGET, dry_run=True)
    assert world.writes == []
    pushed = publish(world, FROM_BASE, BASE_TARGET)
    assert [outcome.errors for outcome in planned] == [(), ()]
    assert [outcome.index for outcome in planned] == [outcome.index for outcome in pushed]
    assert [outcome.tags for outcome in planned] == [outcome.tags for outcome in pushed]


def test_plan_of_a_chain(world: World) -> None:
    """What the last of three would take from the first's result is read where it is now."""
    targets = (
        BASE_TARGET, target(entry(f"{BASE}:1.0"), images=(APP,)),
        target(entry(f"{APP}:1.0", "linux/arm64"), images=(ALL,)),
    )  # fmt: skip
    planned = publish(world, *targets, dry_run=True)
    assert [outcome.errors for outcome in planned] == [(), (), ()]
    pushed = publish(world, *targets)
    assert [outcome.index for outcome in planned] == [outcome.index for outcome in pushed]


def test_plan_of_an_unread_image(world: World) -> None:
    """An image that only one repository of a target has is read where it is, config and all."""
    publish(world, BASE_TARGET)
    both = target(*BASE_TARGET.entries, images=(BASE, OTHER))
    outcomes = publish(
        world, both, target(entry(f"{OTHER}:1.0", "linux/arm64"), images=(APP,)), dry_run=True
    )
    assert [(tags_of(outcome), outcome.errors) for outcome in outcomes] == [
        ([("1.0", action)], ()) for action in ("kept", "created", "created")
    ]


def test_nothing_to_do(world: World) -> None:
    """A second run of a chain keeps every tag."""
    targets = (FROM_BASE, BASE_TARGET, target(entry(f"{APP}:1.0"), images=(ALL,)))
    publish(world, *targets)
    world.log.clear()
    outcomes = publish(world, *targets)
    assert [tags_of(outcome) for outcome in outcomes] == [[("1.0", "kept")]] * 3
    assert world.writes == []


def test_failed_source(world: World) -> None:
    """A target whose source could not be published is not tried, nor is one made of it."""
    world[BASE].faults.append(StoreFault("put_manifest", "1.0", error=Denied("no", where=BASE)))
    last = target(entry(f"{APP}:1.0", line=7), images=(ALL,))
    outcomes = publish(world, BASE_TARGET, FROM_BASE, last)
    assert [shown(error) for outcome in outcomes[1:] for error in outcome.errors] == [
        (
            "SourceError", 4,
            ("spec.yaml:1:1: not tried: it is made of what the target at spec.yaml:1:1 publishes, "
            "and that failed; see the errors of that one first"),
        )
    ] * 2  # fmt: skip
    assert "1.0" not in world[APP].tags
