"""Referrers are found at their sources, level by level, within bounds; and read, as they are said."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from mbuild.errors import StoreError
from mbuild.oci.digest import parse_digest
from mbuild.publish.read.fetch_referrers import fetch_referrers
from mbuild.publish.read.library import Library
from mbuild.publish.read.referrer import Referrer
from mbuild.publish.read.referrers import DEEPEST, MOST, find_referrers
from mbuild.publish.read.source import Child
from mbuild.store.layout import LayoutStore
from mbuild.store.store import Store
from tests.publish.world import BUILDS, MIRROR, World, errors_of, remade, run
from tests.store.world import blob_path
from tests.support.artifacts import (
    fallback_tag,
    list_referrers,
    make_index_referrer,
    make_referrer,
    make_signatures,
)
from tests.support.images import (
    OCI_INDEX,
    Content,
    Image,
    Index,
    digest_of,
    make_image,
    write_layout,
)
from tests.support.memory_store import StoreFault
from tests.support.values import content_of

AMD64 = make_image("linux/amd64")
SBOM = make_referrer(AMD64)
HINT = "remove it from what lists it, or leave out 'referrers: copy'"
TOO_MUCH = "leave out 'referrers: copy', or remove what is too much"
AT = f"{BUILDS}@{AMD64.digest}"


@pytest.fixture
def world() -> World:
    """A build in a repository."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    return world


def find(*stores: Store, subject: Content = AMD64, policy: Any = "keep") -> list[str]:
    """The digests of what belongs to a manifest, in order."""
    subjects = [(store, parse_digest(subject.digest)) for store in stores]
    found = run(lambda: find_referrers(subjects, policy=policy))
    return [str(one.digest) for one in found]


def chain_of(world: World, length: int) -> list[Image]:
    """Referrers of which each belongs to the one before."""
    chain: list[Image] = []
    for number in range(length):
        chain.append(make_referrer(chain[-1] if chain else AMD64, text=f"{number}"))
        world[BUILDS].put("", chain[-1])
    return chain


def fetch(store: Store, made: Content, **changes: Any) -> Referrer:
    """Read what is said to belong to the image."""
    descriptor = replace(content_of(made).descriptor(), **changes)
    referrer = Referrer(parse_digest(AMD64.digest), Child(descriptor, store))

    async def work() -> Referrer:
        library = Library()
        try:
            (read,) = await fetch_referrers([referrer], library)
            return read
        finally:
            await library.close()

    return run(work)


# --- Finding ---


def test_levels(world: World) -> None:
    """What belongs to something stands behind it."""
    chain = chain_of(world, DEEPEST - 1)
    assert find(world[BUILDS]) == [one.digest for one in chain]


def test_too_deep(world: World) -> None:
    """A chain that does not end soon is an error."""
    chain_of(world, DEEPEST)
    message = f"referrers of referrers are more than {DEEPEST} deep; {TOO_MUCH}"
    assert errors_of(lambda: find(world[BUILDS])) == [("SourceError", 4, message)]


def test_circle(world: World) -> None:
    """A registry that lists an image as its own referrer's is asked about each once."""
    world[BUILDS].lists_subjects = False
    world[BUILDS].put(fallback_tag(AMD64), list_referrers(SBOM))
    world[BUILDS].put(fallback_tag(SBOM), list_referrers(AMD64))
    assert find(world[BUILDS]) == [SBOM.digest, AMD64.digest]


def test_too_many(world: World) -> None:
    """More than can be meant is an error, before any of them is looked at."""
    sboms = [replace(SBOM, manifest=SBOM.manifest + b" " * number) for number in range(MOST + 1)]
    world[BUILDS].lists_subjects = False
    world[BUILDS].put(fallback_tag(AMD64), list_referrers(*sboms))
    message = f"more than {MOST} referrers belong to its images; {TOO_MUCH}"
    assert errors_of(lambda: find(world[BUILDS])) == [("SourceError", 4, message)]
    assert len(world.calls("list_referrers")) == 1


def test_each_repository(world: World) -> None:
    """The same image in two repositories may have something else in each."""
    other = make_referrer(AMD64, text="other")
    world[BUILDS].put("", SBOM)
    world[MIRROR].put("", other)
    assert find(world[BUILDS], world[MIRROR], world[BUILDS]) == [SBOM.digest, other.digest]


def test_cosign(world: World) -> None:
    """Cosign's tags are found behind the list, each with its name."""
    signatures = make_signatures(AMD64, "alice")
    world[BUILDS].put("", SBOM)
    world[BUILDS].put(f"{fallback_tag(AMD64)}.att", signatures)
    subject = (world[BUILDS], parse_digest(AMD64.digest))
    found = run(lambda: find_referrers([subject], policy="keep"))
    assert [(one.tag, one.found_at) for one in found] == [
        ("", AT),
        (f"{fallback_tag(AMD64)}.att", f"{BUILDS}:{fallback_tag(AMD64)}.att"),
    ]


def test_broken_layout(tmp_path: Path) -> None:
    """What is broken in a layout is a matter of the images: code 4, each error for itself."""
    contents: dict[str, Content] = {fallback_tag(AMD64): SBOM, "x": AMD64}
    layout = LayoutStore(str(write_layout(tmp_path / "l", contents)))
    (error,) = errors_of(lambda: find(layout))
    assert error[:2] == ("SourceError", 4)
    (tmp_path / "l" / "index.json").write_text("{")
    assert {error[:2] for error in errors_of(lambda: find(layout))} == {("SourceError", 4)}


# --- Reading ---


def test_read(world: World) -> None:
    """What was found is read with its bytes."""
    world[BUILDS].put("", SBOM)
    assert fetch(world[BUILDS], SBOM).child.content == content_of(SBOM)


def test_index(world: World) -> None:
    """An index is read with all that it lists, each index in it behind what it lists."""
    parts = (make_image("linux/arm64"), make_image("linux/s390x"))
    inner = make_index_referrer(AMD64, parts[1])
    outer = nested(AMD64, parts[0], inner)
    for made in (*parts, inner):
        world[BUILDS].put("", made)
    world[BUILDS].put_bytes("", outer.manifest, OCI_INDEX)
    read = fetch(world[BUILDS], outer)
    digests = [str(one.descriptor.digest) for one in read.parts]
    assert digests == [parts[0].digest, parts[1].digest, inner.digest]


def nested(subject: Content, *children: Content) -> Index:
    """An index of anything whose subject is another manifest."""
    entries = [
        {"mediaType": one.media_type, "digest": one.digest, "size": one.size} for one in children
    ]
    named = {"mediaType": subject.media_type, "digest": subject.digest, "size": subject.size}
    manifest = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": entries, "subject": named}
    return Index(json.dumps(manifest).encode(), OCI_INDEX, ())


def test_indexes_too_deep(world: World) -> None:
    """Indexes within one another are followed so far, and no further."""
    made = nested(AMD64)
    for _ in range(DEEPEST + 1):
        world[BUILDS].put_bytes("", made.manifest, OCI_INDEX)
        made = nested(AMD64, made)
    world[BUILDS].put_bytes("", made.manifest, OCI_INDEX)
    message = f"{AT}: indexes stand in it more than {DEEPEST} deep; {HINT}"
    assert errors_of(lambda: fetch(world[BUILDS], made)) == [("SourceError", 4, message)]


def test_missing_parts(world: World) -> None:
    """Every part of an index that is missing is told."""
    parts = (make_image("linux/arm64"), make_image("linux/s390x"))
    bundle = make_index_referrer(AMD64, *parts)
    world[BUILDS].put_bytes("", bundle.manifest, OCI_INDEX)
    assert errors_of(lambda: fetch(world[BUILDS], bundle)) == [
        ("SourceError", 4, f"{AT}: {part.digest} does not exist; {HINT}") for part in parts
    ]


MANIFESTLESS, MALFORMED = remade(SBOM, config=None), remade(SBOM, artifactType=3)
AGAIN = "push it again"
BUILD_AGAIN = "build or export the image again"


@pytest.mark.parametrize(
    ("made", "changes", "message"),
    [
        (
            SBOM,
            {"media_type": "application/vnd.oci.artifact.manifest.v1+json"},
            (
                f"{SBOM.digest} has type 'application/vnd.oci.artifact.manifest.v1+json', which is "
                f"neither an image manifest's nor an index's; {HINT}"
            ),
        ),
        (
            SBOM,
            {"size": 7},
            (
                f"{SBOM.digest} is listed with 7 bytes of {SBOM.media_type}, and has {SBOM.size} of "
                f"{SBOM.media_type}; {HINT}"
            ),
        ),
        (
            MANIFESTLESS,
            {},
            f"{MANIFESTLESS.digest}: its {SBOM.media_type} is malformed: 'config' is missing; {AGAIN}",
        ),
        (
            MALFORMED,
            {},
            (
                f"{MALFORMED.digest}: its {SBOM.media_type} is malformed: 'artifactType' is not a "
                f"string; {AGAIN}"
            ),
        ),
    ],
    ids=["type", "size", "no manifest", "no artifact type"],
)
def test_not_as_listed(world: World, made: Image, changes: Any, message: str) -> None:
    """What is not what its list says, or no manifest, is an error that names what it belongs to."""
    world[BUILDS].put("", made)
    errors = errors_of(lambda: fetch(world[BUILDS], made, **changes))
    assert errors == [("ImageMismatch", 4, f"{AT}: {message}")]


def test_failure_keeps_its_place(world: World) -> None:
    """An error that knows its place keeps it."""
    error = StoreError("broken", where="there")
    world[BUILDS].faults.append(StoreFault("fetch_manifest", error=error))
    assert errors_of(lambda: fetch(world[BUILDS], SBOM)) == [("StoreError", 6, "there: broken")]


def test_layout_without_blobs(tmp_path: Path) -> None:
    """Every blob that a layout has lost is found before anything is written."""
    directory = write_layout(tmp_path / "l", {"app": AMD64, "sbom": SBOM})
    lost = {"config": digest_of(SBOM.config), "layer": digest_of(SBOM.layers[0])}
    for digest in lost.values():
        blob_path(directory, digest).unlink()
    layout = LayoutStore(str(directory))
    where = f"{layout.name}@{AMD64.digest}: {SBOM.digest}"
    assert errors_of(lambda: fetch(layout, SBOM)) == [
        ("SourceError", 4, f"{where}: its {kind} {digest} does not exist; {BUILD_AGAIN}")
        for kind, digest in lost.items()
    ]
