"""The plan: what each tag holds now, and how the index differs from the one that was published."""

import json
from typing import Any

import pytest

from mbuild.errors import Denied, NotFound, TransportError
from mbuild.publish.outcome import Outcome
from tests.publish.world import (
    APP,
    MIRROR,
    World,
    changes_of,
    entry,
    index_of,
    publish,
    remade,
    shown,
    tags_of,
    target,
)
from tests.support.images import digest_of, make_image
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
NEW = make_image("linux/amd64", seed="new")
DOCKER = make_image("linux/amd64", docker=True)
ANNOTATIONS = (("a", "1"),)
BOTH = entry(f"{APP}:amd64", "linux/amd64", line=3), entry(f"{APP}:arm64", "linux/arm64", line=4)


@pytest.fixture
def world() -> World:
    """A repository with two images."""
    world = World()
    world[APP].put("amd64", AMD64)
    world[APP].put("arm64", ARM64)
    return world


def plan(world: World, *entries: Any, **more: Any) -> Outcome:
    """The plan for one repository: nothing may be written."""
    world.log.clear()
    (outcome,) = publish(world, target(*(entries or BOTH), **more), dry_run=True)
    assert world.writes == []
    assert world.targets == []
    assert outcome.verified is None
    return outcome


def published(world: World, *entries: Any, **more: Any) -> str:
    """Publish, and give the index's digest."""
    (outcome, *_) = publish(world, target(*(entries or BOTH), **more))
    world.targets.clear()
    assert outcome.errors == ()
    assert outcome.index
    return str(outcome.index.digest)


def test_new(world: World) -> None:
    """Tags that hold nothing are to be created, and every platform is new."""
    outcome = plan(world, tags=["1.0", "latest"])
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "created")]
    assert [tag.previous for tag in outcome.tags] == [None, None]
    assert changes_of(outcome) == [("linux/amd64", "added"), ("linux/arm64", "added")]
    assert outcome.is_change
    assert outcome.is_published


def test_nothing_to_do(world: World) -> None:
    """Where every tag holds the index, nothing is to be done."""
    digest = published(world)
    outcome = plan(world)
    assert tags_of(outcome) == [("1.0", "kept")]
    assert [str(tag.previous) for tag in outcome.tags] == [digest]
    assert changes_of(outcome) == [("linux/amd64", "kept"), ("linux/arm64", "kept")]
    assert not outcome.is_change


def test_some_tags(world: World) -> None:
    """Each tag is judged by itself."""
    old = published(world, BOTH[0], tags=["1", "latest"])
    published(world, tags=["1.0"])
    outcome = plan(world, tags=["1.0", "1", "1.0.0"])
    assert tags_of(outcome) == [("1.0", "kept"), ("1", "moved"), ("1.0.0", "created")]
    assert str(outcome.tags[1].previous) == old


def test_changes(world: World) -> None:
    """Each platform is told as added, changed, kept or removed, in the order of the spec."""
    published(world)
    world[APP].put("amd64", NEW)
    world[APP].put("s390x", make_image("linux/s390x"))
    entries = entry(f"{APP}:s390x", "linux/s390x"), entry(f"{APP}:amd64", "linux/amd64")
    outcome = plan(world, *entries)
    assert changes_of(outcome) == [
        ("linux/s390x", "added"), ("linux/amd64", "changed"), ("linux/arm64", "removed"),
    ]  # fmt: skip
    added, changed, removed = outcome.platforms
    assert (added.image, changed.image, removed.image) == (f"{APP}:s390x", f"{APP}:amd64", "")
    assert (added.previous, str(changed.previous)) == (None, AMD64.digest)
    assert removed.descriptor
    assert str(removed.descriptor.digest) == str(removed.previous) == ARM64.digest
    assert outcome.warnings == (
        f"{APP}: linux/arm64 was published before and is not in the spec; the new list is without it",
    )


def test_annotation_alone_is_a_change(world: World) -> None:
    """An entry that gets an annotation is changed, though its image is the same."""
    published(world)
    outcome = plan(world, entry(f"{APP}:amd64", "linux/amd64", annotations=ANNOTATIONS), BOTH[1])
    assert changes_of(outcome) == [("linux/amd64", "changed"), ("linux/arm64", "kept")]
    assert str(outcome.platforms[0].previous) == AMD64.digest


def test_docker_list_is_kept() -> None:
    """What the source says beside the annotations, and a Docker list cannot hold, is no difference."""
    world = World()
    world[APP].put("source", index_of((DOCKER, {"artifactType": "text/plain"})))
    given = entry(f"{APP}:source", "linux/amd64")
    published(world, given, format="docker")
    outcome = plan(world, given, format="docker")
    assert (tags_of(outcome), changes_of(outcome)) == ([("1.0", "kept")], [("linux/amd64", "kept")])


def test_skipped(world: World) -> None:
    """An optional image that is missing is told as skipped, with a warning."""
    given = entry(f"{APP}:absent", "linux/s390x", optional=True)
    nameless = entry(f"{APP}:absent", optional=True)
    outcome = plan(world, BOTH[0], given, nameless)
    assert changes_of(outcome) == [
        ("linux/amd64", "added"),
        ("linux/s390x", "skipped"),
        ("", "skipped"),
    ]
    assert outcome.platforms[1].descriptor is None
    assert outcome.warnings == (
        f"{APP}:absent: not found; linux/s390x is optional and left out",
        f"{APP}:absent: not found; the image is optional and left out",
    )


def test_unknown(world: World) -> None:
    """A tag that may not be read is unknown, and the push decides."""
    world[APP].faults.append(StoreFault("head_manifest", "1.0", error=Denied("denied")))
    outcome = plan(world, tags=["1.0", "2.0"])
    assert tags_of(outcome) == [("1.0", "unknown"), ("2.0", "created")]
    assert outcome.is_change


def test_tags_cannot_be_asked_for(world: World) -> None:
    """Where the registry fails, no plan is made, and every tag is untouched."""
    error = TransportError("no answer", where=f"{APP}:1.0")
    world[APP].faults.append(StoreFault("head_manifest", "1.0", error=error))
    outcome = plan(world, tags=["1.0", "2.0"])
    assert tags_of(outcome) == [("1.0", "untouched"), ("2.0", "untouched")]
    assert [shown(one) for one in outcome.errors] == [
        ("TransportError", 6, f"{APP}:1.0: no answer")
    ]
    assert outcome.index is None


def test_previous_is_asked_for_once(world: World) -> None:
    """The tags are asked for by HEAD, and the index to compare with is fetched by its digest."""
    digest = published(world, tags=["1.0", "latest"])
    plan(world, tags=["1.0", "latest"])
    asked = world.calls("head_manifest", "fetch_manifest")
    assert sorted(asked) == sorted(
        [
            "head_manifest app amd64", "head_manifest app arm64",
            "head_manifest app 1.0", "head_manifest app latest", f"fetch_manifest app {digest}",
        ]
    )  # fmt: skip


UNCOMPARABLE = [
    ("image", AMD64.manifest, AMD64.media_type),
    ("malformed", b'{"schemaVersion": 2}', "application/vnd.oci.image.index.v1+json"),
]


@pytest.mark.parametrize(
    ("raw", "media_type"), [one[1:] for one in UNCOMPARABLE], ids=[one[0] for one in UNCOMPARABLE]
)
def test_nothing_to_compare_with(world: World, raw: bytes, media_type: str) -> None:
    """A tag that holds no readable index moves, and every platform is new."""
    world[APP].put_bytes("1.0", raw, media_type)
    outcome = plan(world)
    assert tags_of(outcome) == [("1.0", "moved")]
    assert str(outcome.tags[0].previous) == digest_of(raw)
    assert {change for _, change in changes_of(outcome)} == {"added"}


def test_previous_is_gone(world: World) -> None:
    """An index that is cleaned up between HEAD and GET leaves nothing to compare with."""
    digest = published(world)
    world[APP].faults.append(StoreFault("fetch_manifest", digest, error=NotFound("gone")))
    assert {change for _, change in changes_of(plan(world))} == {"added"}


def test_previous_entry_without_platform(world: World) -> None:
    """An entry that names no platform is told as removed all the same."""
    entries = [{"mediaType": ARM64.media_type, "digest": ARM64.digest, "size": ARM64.size}]
    index = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    world[APP].put_bytes("1.0", index, "application/vnd.oci.image.index.v1+json")
    assert changes_of(plan(world, BOTH[0])) == [("linux/amd64", "added"), ("", "removed")]


def test_a_repository_each(world: World) -> None:
    """Every repository of a target has its own tags and its own differences."""
    published(world)
    first, second = publish(world, target(*BOTH, images=[APP, MIRROR]), dry_run=True)
    assert (first.image, second.image) == (APP, MIRROR)
    assert first.target == second.target == f"{APP}:1.0"
    assert first.index == second.index
    assert (tags_of(first), tags_of(second)) == ([("1.0", "kept")], [("1.0", "created")])
    assert {change for _, change in changes_of(first)} == {"kept"}
    assert {change for _, change in changes_of(second)} == {"added"}


def test_too_large() -> None:
    """An index that no registry would take is refused before anything is written."""
    world = World()
    world[APP].put("amd64", remade(AMD64))
    huge = (("a", "x" * 4_200_000),)
    outcome = plan(world, BOTH[0], annotations=huge)
    ((kind, code, message),) = [shown(error) for error in outcome.errors]
    assert (kind, code) == ("ImageMismatch", 4)
    assert message.startswith("spec.yaml:1:1: the index would have 42")
    assert message.endswith(
        " bytes, and registries take 4194304 at most; split it into several images"
    )


def test_nothing_left(world: World) -> None:
    """A target whose every image is optional and missing is an error, not an empty index."""
    outcome = plan(world, entry(f"{APP}:absent", "linux/amd64", optional=True))
    assert [shown(error) for error in outcome.errors] == [
        (
            "ImageMismatch",
            4,
            (
                "spec.yaml:1:1: every image of the target is optional, and none exists; build at least "
                "one of them first"
            ),
        )
    ]
