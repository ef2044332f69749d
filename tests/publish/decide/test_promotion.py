"""Promotion: an index passes on with all that it lists, whatever that is, each fetched once."""

from typing import Any

import pytest

from mbuild.oci.media_types import OCI_MANIFEST
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    changes_of,
    entry,
    publish,
    remade,
    shown,
    tags_of,
    target,
)
from tests.support.images import (
    OCI_INDEX,
    SCHEMA_1,
    Image,
    Index,
    attests,
    digest_of,
    make_attestation,
    make_image,
    make_index,
    nest,
)

AMD64, ARM64, S390X = (make_image(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
PROOF = make_attestation(AMD64)
STRAY = make_attestation(make_image("linux/riscv64"))
PLAIN = make_image("linux/amd64", seed="chart")
HELM = "application/vnd.cncf.helm.config.v1+json"
SBOM = remade(PLAIN, annotations={"kind": "sbom"})
CHART = remade(
    PLAIN,
    config={"mediaType": HELM, "digest": digest_of(PLAIN.config), "size": len(PLAIN.config)},
)
UNKNOWN = {"platform": {"os": "unknown", "architecture": "unknown"}}
BARE: dict[str, Any] = {"platform": None}
INNER = nest((S390X, {}), (SBOM, {**BARE, "artifactType": "application/vnd.example"}))
WHOLE = nest(
    (AMD64, {"annotations": {"of": "entry"}}),
    (PROOF, {"annotations": attests(AMD64.digest)}),
    (CHART, BARE),
    (INNER, {}),
    (ARM64, {}),
    (STRAY, {"annotations": attests(digest_of(b"another image"))}),
    (make_image("linux/amd64", seed="set apart"), UNKNOWN),
)
CHILDREN = {child.digest for child in (*WHOLE.children, *INNER.children)}
SOURCE = entry(f"{BUILDS}:1.0")


def world_of(index: Index) -> World:
    """A world whose repository of builds holds an index at 1.0."""
    world = World()
    world[BUILDS].put("1.0", index)
    return world


@pytest.mark.parametrize(
    "source", [f"{BUILDS}:1.0", f"{BUILDS}@{WHOLE.digest}"], ids=["tag", "digest"]
)
def test_everything(source: str) -> None:
    """Attestations, artifacts, indexes within, and what is set apart: all of it goes along."""
    world = world_of(WHOLE)
    outcomes = publish(world, target(entry(source), images=(APP, MIRROR)))
    for outcome, name in zip(outcomes, (APP, MIRROR), strict=True):
        assert (outcome.errors, outcome.verified) == ((), True)
        assert changes_of(outcome) == [("linux/amd64", "added"), ("linux/arm64", "added")]
        assert world[name].tags == {"1.0": WHOLE.digest}
        assert set(world[name].manifests) == CHILDREN | {WHOLE.digest}


def test_fetched_once() -> None:
    """Each manifest is fetched once, for two repositories too, and no config to know a platform."""
    world = world_of(WHOLE)
    publish(world, target(SOURCE, images=(APP, MIRROR)))
    fetched = [line for line in world.calls("fetch_manifest") if " builds " in line]
    assert len(fetched) == len(set(fetched)) == len(CHILDREN) + 1
    assert world.calls("fetch_blob") == []


def test_order() -> None:
    """An index within is put when what it lists is there, and before the index itself."""
    world = world_of(WHOLE)
    publish(world, target(SOURCE))
    puts = [line.split()[2] for line in world.calls("put_manifest")]
    inner = puts.index(INNER.digest)
    assert all(puts.index(child.digest) < inner for child in INNER.children)
    assert inner < puts.index(WHOLE.digest)


def test_again() -> None:
    """What the target's index lists is not asked for again, unless it has no platform."""
    world = world_of(WHOLE)
    publish(world, target(SOURCE))
    world.log.clear()
    (outcome,) = publish(world, target(SOURCE))
    assert (tags_of(outcome), world.writes) == ([("1.0", "kept")], [])
    assert outcome.differences.further == ()
    assert {change for _, change in changes_of(outcome)} == {"kept"}
    asked = {line.split()[-1] for line in world.calls() if "sha256" in line}
    within = {child.digest for child in INNER.children}
    assert asked == {WHOLE.digest, INNER.digest, CHART.digest, *within}


def test_within_the_repository() -> None:
    """From one tag to another of a repository nothing but the index is fetched or written."""
    index = make_index(AMD64, ARM64, attestations=True)
    world = World()
    world[APP].put("1.0", index)
    (outcome,) = publish(world, target(entry(f"{APP}:1.0"), tags=("stable",)))
    assert outcome.errors == ()
    assert world.calls("fetch_manifest") == ["fetch_manifest app 1.0"]
    assert [line.split()[0] for line in world.writes] == ["put_manifest"] * 2
    assert world[APP].tags == {"1.0": index.digest, "stable": index.digest}


def test_twice_the_same() -> None:
    """An index that lists one platform twice passes on: it is not mbuild's to judge."""
    index = make_index(AMD64, make_image("linux/amd64", seed=1))
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    assert (outcome.errors, world[APP].tags) == ((), {"1.0": index.digest})
    (again,) = publish(world, target(SOURCE))
    assert changes_of(again) == [("linux/amd64", "kept")] * 2


def test_an_artifact_as_an_image() -> None:
    """A manifest that is listed as an image and as none is told as the image, and unchanged."""
    world = world_of(nest((CHART, {}), (CHART, BARE)))
    publish(world, target(SOURCE))
    (again,) = publish(world, target(SOURCE))
    assert changes_of(again) == [("linux/amd64", "kept")]


@pytest.mark.parametrize("subject", [CHART, PROOF, INNER], ids=["artifact", "attestation", "index"])
def test_attestation_of_no_image(subject: Image | Index) -> None:
    """What speaks of an artifact, an attestation or an index goes along with it."""
    says = {PROOF.digest: {"annotations": attests(AMD64.digest)}, CHART.digest: BARE}
    about = remade(PROOF, annotations={"of": subject.digest})
    index = nest(
        (AMD64, {}),
        (subject, says.get(subject.digest, {})),
        (about, {"annotations": attests(subject.digest)}),
    )
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    assert outcome.errors == ()
    assert world[APP].tags == {"1.0": index.digest}
    assert about.digest in world[APP].manifests


def test_required_of_an_index_within() -> None:
    """Images of an index within are in the result: what is required of images is of them too."""
    inner = nest((AMD64, {}), (PROOF, {"annotations": attests(AMD64.digest)}), (ARM64, {}))
    world = world_of(nest((inner, BARE)))
    required = ("linux/arm64", "linux/s390x")
    (outcome,) = publish(world, target(SOURCE, require=required, attestations="require"))
    assert [str(error) for error in outcome.errors] == [
        (
            f"spec.yaml:3:5: {BUILDS}:1.0: {ARM64.digest} in it has no attestation, and the spec says "
            "attestations: require; build it with provenance or an SBOM, or let the spec say keep"
        ),
        (
            "spec.yaml:1:1: required platform linux/s390x is not in the result, which holds "
            "linux/amd64, linux/arm64; publish its image, or take it out of require"
        ),
    ]
    assert world.writes == []


def test_only_artifacts() -> None:
    """An index without any image passes on too."""
    index = nest((CHART, BARE))
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    assert (outcome.errors, outcome.platforms) == ((), ())
    assert world[APP].tags == {"1.0": index.digest}


def test_annotated() -> None:
    """With an annotation the index is written anew, and holds all that it held."""
    world = world_of(WHOLE)
    (outcome,) = publish(world, target(SOURCE, annotations=(("a", "1"),)))
    assert outcome.errors == ()
    held = world[APP].manifests[world[APP].tags["1.0"]].raw.decode()
    flat = CHILDREN - {INNER.digest}
    assert {digest for digest in CHILDREN if digest in held} == flat
    assert set(world[APP].manifests) >= flat


def test_stripped() -> None:
    """Without attestations, those of images that are not there go too; the rest stays."""
    world = world_of(WHOLE)
    (outcome,) = publish(world, target(SOURCE, attestations="strip"))
    assert (outcome.errors, outcome.attestations) == ((), 0)
    held = world[APP].manifests[world[APP].tags["1.0"]].raw.decode()
    expected = CHILDREN - {INNER.digest, PROOF.digest, STRAY.digest}
    assert {digest for digest in CHILDREN if digest in held} == expected


LOST: list[tuple[str, Image | Index]] = [
    ("image", ARM64),
    ("attestation", PROOF),
    ("artifact", CHART),
    ("index within", INNER),
    ("image of an index within", S390X),
]


@pytest.mark.parametrize("lost", [one for _, one in LOST], ids=[name for name, _ in LOST])
def test_lost_manifest(lost: Image | Index) -> None:
    """A manifest that is listed and not there is an error before anything is written."""
    world = world_of(WHOLE)
    del world[BUILDS].manifests[lost.digest]
    (outcome,) = publish(world, target(SOURCE))
    expected = (
        f"spec.yaml:3:5: {BUILDS}:1.0: it is an index that lists {lost.digest}, which does not "
        "exist; build and push it again"
    )
    assert [shown(error) for error in outcome.errors] == [("SourceError", 4, expected)]
    assert world.writes == []


def test_lost_blob() -> None:
    """A layer that is not there is an error, and no tag is touched."""
    world = world_of(WHOLE)
    lost = digest_of(S390X.layers[0])
    del world[BUILDS].blobs[lost]
    (outcome,) = publish(world, target(SOURCE))
    assert [(type(error).__name__, error.exit_code) for error in outcome.errors] == [
        ("SourceError", 4)
    ]
    assert (world[APP].tags, tags_of(outcome)) == ({}, [("1.0", "untouched")])


TYPES = [
    (
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "its type 'application/vnd.oci.image.layer.v1.tar+gzip' is not that of an image",
    ),
    (
        SCHEMA_1,
        (
            "it is a Docker schema 1 manifest, which no current client reads; "
            "push the image again with a current docker"
        ),
    ),
]


@pytest.mark.parametrize(("media_type", "message"), TYPES, ids=["layer", "schema 1"])
def test_not_to_be_copied(media_type: str, message: str) -> None:
    """What no registry takes for a manifest is named, and nothing is moved."""
    index = nest((AMD64, {}), (ARM64, {**UNKNOWN, "mediaType": media_type}))
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    expected = f"spec.yaml:3:5: {BUILDS}:1.0: it is an index that lists {ARM64.digest}: {message}"
    assert [str(error) for error in outcome.errors] == [expected]
    assert world.writes == []


def test_docker_list() -> None:
    """A Docker list passes on as one."""
    images = [make_image(f"linux/{name}", docker=True) for name in ("amd64", "arm64")]
    index = make_index(*images, docker=True)
    world = world_of(index)
    (outcome,) = publish(world, target(SOURCE))
    assert outcome.errors == ()
    held = world[APP].manifests[index.digest]
    assert (held.raw, held.media_type) == (index.manifest, index.media_type)


def test_one_image() -> None:
    """An image that is no index is put into one."""
    world = World()
    world[BUILDS].put("1.0", AMD64)
    (outcome,) = publish(world, target(SOURCE))
    assert outcome.index
    assert (outcome.index.media_type, changes_of(outcome)) == (
        OCI_INDEX,
        [("linux/amd64", "added")],
    )
    assert world[APP].manifests[AMD64.digest].media_type == OCI_MANIFEST
