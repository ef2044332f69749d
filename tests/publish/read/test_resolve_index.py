"""A source that is itself an index: the image for the platform is taken, its attestation follows."""

from typing import Any

import pytest

from mbuild.errors import TransportError
from mbuild.oci.platform import parse_platform
from tests.publish.world import APP, World, entry, errors_of, index_of, remade, resolve, sources_of
from tests.support.images import (
    Index,
    attests,
    digest_of,
    make_attestation,
    make_image,
    make_index,
    nest,
)
from tests.support.memory_store import StoreFault
from tests.support.values import content_of

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64, attestations=True)
PROOF = make_attestation(ARM64)


@pytest.fixture
def world() -> World:
    """A repository that holds what buildx pushes."""
    world = World()
    world[APP].put("1.0", INDEX)
    return world


@pytest.mark.parametrize("policy", ["keep", "require"])
def test_attestation_follows(world: World, policy: str) -> None:
    """The entry of the platform is taken with what the index says of it, and its attestation."""
    (source,) = sources_of(world, entry(f"{APP}:1.0", "linux/arm64"), attestations=policy)
    assert source.child.content == content_of(ARM64)
    assert source.listed
    assert source.listed.digest == source.child.content.digest
    (attestation,) = source.attestations
    assert attestation.child.content == content_of(PROOF)
    assert dict(attestation.descriptor.annotations) == attests(ARM64.digest)


def test_attestation_is_stripped(world: World) -> None:
    """Attestations that are not wanted are not even fetched."""
    (source,) = sources_of(world, entry(f"{APP}:1.0", "linux/arm64"), attestations="strip")
    assert source.attestations == ()
    asked = world.calls("fetch_manifest")
    assert asked == ["fetch_manifest app 1.0", f"fetch_manifest app {ARM64.digest}"]


def test_all_images(world: World) -> None:
    """Without a platform every image is taken, in the index's order, each with its attestation."""
    sources = sources_of(world, entry(f"{APP}:1.0"))
    assert [source.child.content for source in sources] == [content_of(AMD64), content_of(ARM64)]
    assert [len(source.attestations) for source in sources] == [1, 1]


def test_index_fetched_once(world: World) -> None:
    """Two entries of one index fetch it once, side by side with nothing twice."""
    sources_of(world, entry(f"{APP}:1.0", "linux/arm64"), entry(f"{APP}:1.0", "linux/amd64"))
    asked = world.calls("fetch_manifest")
    assert len(asked) == len(set(asked)) == 5


def test_platform_is_completed() -> None:
    """What the config leaves out is taken from the index, and never the other way round."""
    image = make_image("windows/amd64")
    says = {"platform": {"os": "windows", "architecture": "arm64", "os.version": "10.0.1"}}
    world = World()
    world[APP].put("1.0", index_of((image, says)))
    (source,) = sources_of(world, entry(f"{APP}:1.0", "windows/arm64"))
    assert source.found == parse_platform("windows/amd64:10.0.1")


def test_entry_without_platform() -> None:
    """An index of one image that names no platform leaves it to the config."""
    world = World()
    world[APP].put("1.0", index_of((ARM64, {"platform": None})))
    (source,) = sources_of(world, entry(f"{APP}:1.0", "linux/arm64"))
    assert source.found == parse_platform("linux/arm64")


def listing(**says: Any) -> Index:
    """An index that says of the image what it is told to."""
    return index_of((AMD64, says))


ABSENT = digest_of(b"absent")
UNUSABLE = [
    (
        "other size", listing(size=7), "ImageMismatch",
        f"it is an index that gives {AMD64.digest} 7 bytes, and the manifest has {AMD64.size}",
    ),
    (
        "child lost", listing(digest=ABSENT), "SourceError",
        f"it is an index that lists {ABSENT}, which does not exist; build and push it again",
    ),
    (
        "no such platform", make_index(ARM64), "ImageMismatch",
        ("it is an index without linux/amd64; it holds linux/arm64; "
        "name another platform or another image"),
    ),
    (
        "malformed", listing(digest="sha256:abc"), "ImageMismatch",
        (f"its {INDEX.media_type} is malformed: in manifests[0]: 'sha256:abc' is not a digest: it "
        "must look like sha256: and 64 hex digits; push it again"),
    ),
    (
        "artifact within",
        index_of((remade(AMD64, config={"mediaType": "text/plain", "digest": ABSENT, "size": 1}), {})),
        "ImageMismatch", "it is no image: its config has type 'text/plain'",
    ),
]  # fmt: skip


@pytest.mark.parametrize("platform", ["linux/amd64"])
@pytest.mark.parametrize(
    ("index", "kind", "message"), [one[1:] for one in UNUSABLE], ids=[one[0] for one in UNUSABLE]
)
def test_unusable(platform: str, index: Index, kind: str, message: str) -> None:
    """An index that lies, or lacks what it lists, is refused, optional or not, with code 4."""
    world = World()
    world[APP].put("1.0", index)
    given = entry(f"{APP}:1.0", platform, optional=True)
    expected = (kind, 4, f"spec.yaml:3:5: {APP}:1.0: {message}")
    assert errors_of(lambda: resolve(world, given)) == [expected]


NESTED_IN = nest((AMD64, {}), (make_index(ARM64, attestations=True), {"platform": None}))


def test_index_within_an_index() -> None:
    """The images of an index within the index are chosen from as if they stood in it."""
    world = World()
    world[APP].put("1.0", NESTED_IN)
    (source,) = sources_of(world, entry(f"{APP}:1.0", "linux/arm64"))
    assert source.child.content == content_of(ARM64)
    assert [one.child.content for one in source.attestations] == [content_of(PROOF)]


def test_all_of_an_index_within() -> None:
    """Beside another source an index within the index gives its images, and is not kept itself."""
    world = World()
    world[APP].put("1.0", NESTED_IN)
    world[APP].put("s390x", make_image("linux/s390x"))
    sources = sources_of(world, entry(f"{APP}:1.0"), entry(f"{APP}:s390x"))
    assert [str(source.found) for source in sources] == [
        "linux/amd64",
        "linux/arm64",
        "linux/s390x",
    ]
    assert all(source.is_image for source in sources)


def test_lost_index_within() -> None:
    """An index within the index that is not there is an error, whatever is wanted."""
    world = World()
    world[APP].put("1.0", NESTED_IN)
    lost = NESTED_IN.children[1].digest
    del world[APP].manifests[lost]
    expected = (
        f"spec.yaml:3:5: {APP}:1.0: it is an index that lists {lost}, which does not exist; "
        "build and push it again"
    )
    found = errors_of(lambda: resolve(world, entry(f"{APP}:1.0", "linux/amd64")))
    assert found == [("SourceError", 4, expected)]


def test_lost_attestation(world: World) -> None:
    """An attestation that is listed and not there is an error, as a child would be."""
    del world[APP].manifests[PROOF.digest]
    expected = (
        "SourceError",
        4,
        (
            f"spec.yaml:3:5: {APP}:1.0: it is an index that lists {PROOF.digest}, which does not "
            "exist; build and push it again"
        ),
    )
    assert errors_of(lambda: resolve(world, entry(f"{APP}:1.0", "linux/arm64"))) == [expected]


def test_every_fault_of_an_index(world: World) -> None:
    """Several faults within one index are told one by one, all at the entry's place."""
    for image in (AMD64, ARM64):
        error = TransportError("no answer", where=f"{APP}@{image.digest}")
        world[APP].faults.append(StoreFault("fetch_manifest", image.digest, error=error))
    assert errors_of(lambda: resolve(world, entry(f"{APP}:1.0"))) == [
        ("TransportError", 6, f"spec.yaml:3:5: {APP}@{image.digest}: no answer")
        for image in (AMD64, ARM64)
    ]
