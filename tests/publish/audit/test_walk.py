"""The way from an index down to its parts: what is met, what is counted, what is left alone."""

import json
from typing import Any

import pytest

from mbuild.oci.digest import digest_of
from mbuild.publish.audit.findings import Counts
from tests.publish.audit.auditing import (
    AMD64,
    ARM64,
    CONFIG,
    LAYER,
    PROOF,
    audit,
    lines,
    published,
)
from tests.publish.world import APP, World, index_of, remade
from tests.support.images import (
    OCI_INDEX,
    Image,
    Index,
    make_index,
)


@pytest.fixture
def world() -> World:
    """A repository with an index of two images and their attestations."""
    return published()


def test_nested(world: World) -> None:
    """Indexes within an index are walked; what lies in them has the platform they have."""
    inner = index_of((AMD64, {"platform": None}))
    entry = {"mediaType": OCI_INDEX, "digest": inner.digest, "size": inner.size}
    outer = nest(inner, {**entry, "platform": {"os": "linux", "architecture": "amd64"}})
    world[APP].put("1.0", outer)
    world[APP].blobs.pop(LAYER)
    one = audit(world)
    assert (one.images, one.counts.manifests) == (1, 2)
    assert lines(one) == [f"layer {LAYER} of linux/amd64 is missing: no such blob"]
    world[APP].manifests.pop(inner.digest)
    assert lines(audit(world)) == [
        f"index {inner.digest} of linux/amd64 is missing: no such manifest"
    ]


def nest(inner: Index, entry: dict[str, Any] | None = None) -> Index:
    """An index whose only entry is another index."""
    named = {"mediaType": OCI_INDEX, "digest": inner.digest, "size": inner.size}
    value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry or named]}
    return Index(json.dumps(value).encode(), OCI_INDEX, (inner,))


@pytest.mark.parametrize(("levels", "is_whole"), [(7, True), (8, False)])
def test_depth(world: World, levels: int, is_whole: bool) -> None:
    """An index may not lie at any depth."""
    index = make_index(ARM64)
    for _ in range(levels):
        index = nest(index)
    world[APP].put("1.0", index)
    one = audit(world)
    assert one.is_whole is is_whole
    if not is_whole:
        assert lines(one) == [
            (
                f"manifest {ARM64.digest} of linux/arm64 lies below more than 8 indexes, and was not "
                "looked at"
            )
        ]
        assert f"fetch_manifest app {ARM64.digest}" not in world.calls()


def foreign(media_type: str, **more: object) -> Image:
    """An image with a second layer that registries need not have."""
    layers = json.loads(ARM64.manifest)["layers"]
    digest = str(digest_of(b"elsewhere"))
    named = {"mediaType": media_type, "digest": digest, "size": 9, **more}
    return remade(ARM64, layers=[*layers, named])


@pytest.mark.parametrize(
    "image",
    [
        foreign("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"),
        foreign("application/vnd.oci.image.layer.nondistributable.v1.tar"),
        foreign("application/vnd.oci.image.layer.v1.tar", urls=["https://layers.test/1"]),
    ],
    ids=["docker", "oci", "urls"],
)
def test_foreign_layer(world: World, image: Image) -> None:
    """A layer that lies elsewhere is not asked for, and is counted apart."""
    world[APP].put("1.0", make_index(image))
    one = audit(world)
    assert one.is_whole
    assert (one.counts.layers, one.counts.foreign) == (1, 1)


def test_empty_index(world: World) -> None:
    """An index without entries is whole."""
    world[APP].put("1.0", make_index())
    assert audit(world).counts == Counts()


@pytest.mark.parametrize(
    ("attested", "label"),
    [(ARM64.digest, f"attestation of {ARM64.digest}"), ("", "attestation of nothing")],
    ids=["not listed", "not said"],
)
def test_attestation_of_what(world: World, attested: str, label: str) -> None:
    """An attestation of an image that is not listed is named by what it attests."""
    notes = {"vnd.docker.reference.type": "attestation-manifest"}
    if attested:
        notes["vnd.docker.reference.digest"] = attested
    world[APP].put("1.0", index_of((PROOF, {"annotations": notes})))
    world[APP].manifests.pop(PROOF.digest)
    (finding,) = audit(world).findings
    assert finding.platforms == (label,)


def test_one_manifest_for_two_platforms(world: World) -> None:
    """A manifest that stands twice in the index is asked for once, and both places are named."""
    other = {"os": "linux", "architecture": "arm", "variant": "v7"}
    world[APP].put("1.0", index_of((ARM64, {}), (ARM64, {"platform": other})))
    world[APP].blobs.pop(CONFIG)
    one = audit(world)
    assert (one.images, one.counts.manifests) == (2, 1)
    assert lines(one) == [f"config {CONFIG} of linux/arm64, linux/arm/v7 is missing: no such blob"]
