"""An index that is passed on whole keeps its bytes; one that is changed in any way is made anew."""

import json
from typing import Any

import pytest

from mbuild.spec.spec import Entry
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    changes_of,
    entry,
    publish,
    tags_of,
    target,
)
from tests.support.images import (
    DOCKER_LIST,
    OCI_INDEX,
    Image,
    Index,
    attests,
    digest_of,
    make_attestation,
    make_image,
)

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
DOCKER = make_image("linux/amd64", docker=True)
PROOF = make_attestation(AMD64)
ANNOTATIONS = (("a", "1"),)
SOURCE = entry(f"{BUILDS}:1.0")


def compact(*entries: tuple[Image, dict[str, Any]], media_type: str = OCI_INDEX) -> Index:
    """An index as skopeo and Go write it: no space, keys in an order of their own, annotated."""
    listed = [
        {key: value for key, value in {**child.descriptor(), **says}.items() if value is not None}
        for child, says in entries
    ]
    value = {
        "manifests": listed,
        "mediaType": media_type,
        "schemaVersion": 2,
        "annotations": {"z": "<1>", "a": "ü"},
        "com.example.unknown": True,
    }
    raw = json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode() + b"\n"
    return Index(raw, media_type, tuple(child for child, _ in entries))


WHOLE = compact(
    (AMD64, {"annotations": {"of": "entry"}}),
    (PROOF, {"annotations": attests(AMD64.digest)}),
    (ARM64, {}),
)


def world_of(index: Index) -> World:
    """A world whose repository of builds holds an index at 1.0."""
    world = World()
    world[BUILDS].put("1.0", index)
    return world


@pytest.mark.parametrize("form", ["auto", "oci"])
def test_promotion(form: Any) -> None:
    """The bytes, and so the digest and all annotations, are those of the source everywhere."""
    world = world_of(WHOLE)
    given = target(SOURCE, images=(APP, MIRROR), tags=("1.0", "latest"), format=form)
    planned, _ = publish(world, given, dry_run=True)
    outcomes = publish(world, given)
    assert planned.index == outcomes[0].index
    for outcome, name in zip(outcomes, (APP, MIRROR), strict=True):
        assert (outcome.errors, outcome.verified, outcome.attestations) == ((), True, 1)
        assert changes_of(outcome) == [("linux/amd64", "added"), ("linux/arm64", "added")]
        assert world[name].tags == dict.fromkeys(("1.0", "latest"), WHOLE.digest)
        held = world[name].manifests[WHOLE.digest]
        assert (held.raw, held.media_type) == (WHOLE.manifest, OCI_INDEX)
        assert {AMD64.digest, ARM64.digest, PROOF.digest} < set(world[name].manifests)


def test_promotion_again() -> None:
    """What was passed on once is kept the next time."""
    world = world_of(WHOLE)
    publish(world, target(SOURCE))
    world.log.clear()
    (outcome,) = publish(world, target(SOURCE))
    assert (tags_of(outcome), world.writes) == ([("1.0", "kept")], [])
    assert {change for _, change in changes_of(outcome)} == {"kept"}


def test_by_digest_within_the_repository() -> None:
    """A tag is moved to an index of the same repository, which is all that is written."""
    world = World()
    world[APP].put("", WHOLE)
    publish(world, target(entry(f"{APP}@{WHOLE.digest}"), tags=("stable",)))
    assert world[APP].tags == {"stable": WHOLE.digest}
    assert not [line for line in world.writes if "blob" in line]


CHANGED: dict[str, tuple[tuple[Entry, ...], dict[str, Any]]] = {
    "one platform": ((entry(f"{BUILDS}:1.0", "linux/amd64"),), {}),
    "annotations of the entry": ((entry(f"{BUILDS}:1.0", annotations=ANNOTATIONS),), {}),
    "annotations of the index": ((SOURCE,), {"annotations": ANNOTATIONS}),
    "another image": ((SOURCE, entry(f"{BUILDS}:s390x")), {}),
    "no attestations": ((SOURCE,), {"attestations": "strip"}),
}


@pytest.mark.parametrize(("entries", "more"), CHANGED.values(), ids=CHANGED)
def test_changed(entries: tuple[Entry, ...], more: dict[str, Any]) -> None:
    """Where the target asks for anything but the whole index as it is, mbuild writes its own."""
    world = world_of(WHOLE)
    world[BUILDS].put("s390x", make_image("linux/s390x"))
    (outcome,) = publish(world, target(*entries, **more))
    assert outcome.errors == ()
    assert outcome.index
    assert str(outcome.index.digest) != WHOLE.digest
    raw = world[APP].manifests[world[APP].tags["1.0"]].raw
    assert raw.startswith(b'{\n  "schemaVersion": 2,')
    assert b"com.example.unknown" not in raw


FORMATS = [
    ("auto", OCI_INDEX, True),
    ("oci", OCI_INDEX, True),
    ("docker", OCI_INDEX, False),
    ("auto", DOCKER_LIST, True),
    ("oci", DOCKER_LIST, False),
    ("docker", DOCKER_LIST, True),
]


@pytest.mark.parametrize(
    ("form", "media_type", "is_kept"), FORMATS, ids=[f"{a} of {b[12:18]}" for a, b, _ in FORMATS]
)
def test_format(form: Any, media_type: str, is_kept: bool) -> None:
    """The bytes are kept where the format is left open, or is the one that the source has."""
    index = compact((DOCKER, {}), media_type=media_type)
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE, format=form, convert=False))
    assert outcome.errors == ()
    assert (world[APP].tags["1.0"] == index.digest) is is_kept


def test_docker_list_of_others() -> None:
    """A Docker list that holds what mbuild would write in none is passed on all the same."""
    index = compact((AMD64, {"annotations": {"a": "1"}}), media_type=DOCKER_LIST)
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    assert (outcome.errors, world[APP].tags) == ((), {"1.0": index.digest})


def test_entry_without_platform() -> None:
    """An entry that names no platform stays so, and is told by what the image's config says."""
    index = compact((AMD64, {"platform": None}))
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    assert changes_of(outcome) == [("linux/amd64", "added")]
    assert world[APP].tags == {"1.0": index.digest}


def test_without_a_type() -> None:
    """An index whose bytes leave its type to the registry keeps them, and that type."""
    raw = json.dumps({"schemaVersion": 2, "manifests": [AMD64.descriptor()]}).encode()
    world = world_of(Index(raw, OCI_INDEX, (AMD64,)))
    publish(world, target(SOURCE))
    held = world[APP].manifests[digest_of(raw)]
    assert (held.raw, held.media_type) == (raw, OCI_INDEX)
