"""How an index differs from the one before it: its kind, its annotations, its entries."""

import json
from typing import Any

import pytest

from mbuild.publish.outcome import AnnotationOutcome, Outcome
from tests.publish.world import (
    APP,
    World,
    changes_of,
    entry,
    publish,
    tags_of,
    target,
)
from tests.support.images import DOCKER_LIST, OCI_INDEX, make_image, make_index

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
DOCKER = make_image("linux/amd64", docker=True)
BOTH = entry(f"{APP}:amd64", "linux/amd64", line=3), entry(f"{APP}:arm64", "linux/arm64", line=4)


@pytest.fixture
def world() -> World:
    """A repository with two images, and a Docker one."""
    world = World()
    world[APP].put("amd64", AMD64)
    world[APP].put("arm64", ARM64)
    world[APP].put("docker", DOCKER)
    return world


def published(world: World, *entries: Any, **more: Any) -> None:
    """Publish a target."""
    (outcome,) = publish(world, target(*(entries or BOTH), **more))
    assert outcome.errors == ()


def planned(world: World, *entries: Any, **more: Any) -> Outcome:
    """Plan the target; a difference of any kind moves its tag."""
    (outcome,) = publish(world, target(*(entries or BOTH), **more), dry_run=True)
    return outcome


def test_first(world: World) -> None:
    """Where there was nothing, all annotations are new, and nothing is another than before."""
    found = planned(world, annotations=(("a", "1"),)).differences
    assert found.annotations == (AnnotationOutcome("a", "added", None, "1"),)
    assert (found.previous_type, found.further) == ("", ())


def test_index_annotations(world: World) -> None:
    """Annotations of the index are told by key, before and after; what stays is not told."""
    published(world, annotations=(("a", "1"), ("b", "1"), ("c", "1")))
    outcome = planned(world, annotations=(("b", "2"), ("c", "1"), ("d", "")))
    assert outcome.differences.annotations == (
        AnnotationOutcome("a", "removed", "1", None),
        AnnotationOutcome("b", "changed", "1", "2"),
        AnnotationOutcome("d", "added", None, ""),
    )
    assert tags_of(outcome) == [("1.0", "moved")]
    assert {change for _, change in changes_of(outcome)} == {"kept"}
    assert outcome.differences.further == ()


def test_entry_annotations(world: World) -> None:
    """A platform that changes only in annotations says in which."""
    published(world)
    annotated = entry(f"{APP}:amd64", "linux/amd64", annotations=(("a", "1"),))
    outcome = planned(world, annotated, BOTH[1])
    assert [one.annotations for one in outcome.platforms] == [
        (AnnotationOutcome("a", "added", None, "1"),),
        (),
    ]
    assert (tags_of(outcome), outcome.differences.annotations) == ([("1.0", "moved")], ())


@pytest.mark.parametrize(
    ("before", "after"),
    [("docker", "oci"), ("oci", "docker")],
    ids=["list to index", "index to list"],
)
def test_kind(world: World, before: Any, after: Any) -> None:
    """Another kind of list is a difference, though every image is kept."""
    given = entry(f"{APP}:docker", "linux/amd64")
    published(world, given, format=before, convert=False)
    outcome = planned(world, given, format=after, convert=False)
    assert outcome.differences.previous_type == (DOCKER_LIST if before == "docker" else OCI_INDEX)
    assert (tags_of(outcome), changes_of(outcome)) == (
        [("1.0", "moved")],
        [("linux/amd64", "kept")],
    )
    assert outcome.differences.further == ()


def test_order(world: World) -> None:
    """The same images in another order are told as that."""
    published(world)
    outcome = planned(world, *BOTH[::-1])
    assert outcome.differences.further == ("order",)
    assert tags_of(outcome) == [("1.0", "moved")]


def test_another_order_of_other_images_is_no_further_change(world: World) -> None:
    """Where images come and go, their platforms tell it all."""
    published(world)
    assert planned(world, BOTH[1]).differences.further == ()


def test_attestations(world: World) -> None:
    """Attestations are no platforms: that they come or go is told all the same."""
    world[APP].put("built", make_index(AMD64, attestations=True))
    given = entry(f"{APP}:built", "linux/amd64")
    published(world, given)
    outcome = planned(world, given, attestations="strip")
    assert changes_of(outcome) == [("linux/amd64", "kept")]
    assert outcome.differences.further == ("attestations",)
    assert planned(world, given).differences.further == ()


def test_form(world: World) -> None:
    """An index that another tool wrote in its own way is the same in other bytes."""
    published(world)
    held = json.loads(world[APP].manifests[world[APP].tags["1.0"]].raw)
    world[APP].put_bytes("1.0", json.dumps(held).encode(), OCI_INDEX)
    outcome = planned(world)
    assert (tags_of(outcome), outcome.differences.further) == ([("1.0", "moved")], ("form",))


def test_the_first_tag_is_compared_with(world: World) -> None:
    """Where the first tag holds the index already, another tag that moves is no difference."""
    published(world, BOTH[0], tags=["latest"])
    published(world, tags=["1.0"])
    outcome = planned(world, tags=["1.0", "latest"])
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "moved")]
    assert {change for _, change in changes_of(outcome)} == {"kept"}
    assert outcome.differences.further == ()
