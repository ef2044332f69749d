"""Conversion of a target's images: what becomes of each, what is told, and what is refused."""

import json
from dataclasses import replace
from typing import Any

import pytest

from mbuild.oci.conversion import convert_manifest
from mbuild.oci.digest import digest_of
from mbuild.publish.outcome import Outcome
from mbuild.spec.spec import Entry, Format
from tests.publish.world import (
    APP,
    BUILDS,
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
from tests.support.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Image,
    attests,
    make_attestation,
    make_image,
    make_index,
    nest,
)

OCI, DOCKER = make_image("linux/amd64"), make_image("linux/arm64", docker=True)
TWIN = {"io.github.containers.compression.zstd": "true"}
BOTH = (entry(f"{BUILDS}:oci", line=3), entry(f"{BUILDS}:docker", line=4))


def converted(image: Image, kind: str) -> Image:
    """The image in the other kind's form; its bytes are proven elsewhere."""
    content = convert_manifest(image.manifest, kind).content
    return replace(image, manifest=content.raw, media_type=content.media_type)


@pytest.fixture
def world() -> World:
    """A repository with an image of each kind."""
    world = World()
    world[BUILDS].put("oci", OCI)
    world[BUILDS].put("docker", DOCKER)
    return world


def push(
    world: World, *entries: Entry, kind: Any = "docker", dry_run: bool = False, **more: Any
) -> Outcome:
    """Publish with a conversion; give the only outcome."""
    wanted = target(*entries, format=kind, convert=True, **more)
    (outcome,) = publish(world, wanted, dry_run=dry_run)
    return outcome


def refusals(world: World, *entries: Entry, **more: Any) -> list[tuple[str, int, str]]:
    """What a conversion to Docker is refused for."""
    outcome = push(world, *entries, **more)
    assert not world.writes
    return [shown(error) for error in outcome.errors]


def published(world: World) -> dict[str, Any]:
    """The index that the tag holds."""
    return dict(json.loads(world[APP].manifests[world[APP].tags["1.0"]].raw))


@pytest.mark.parametrize(
    ("kind", "index_type", "manifest_type"),
    [("docker", DOCKER_LIST, DOCKER_MANIFEST), ("oci", OCI_INDEX, OCI_MANIFEST)],
)
def test_mixed_images(world: World, kind: str, index_type: str, manifest_type: str) -> None:
    """All images are of the kind asked for; one that was so already stays as it is."""
    outcome = push(world, *BOTH, kind=kind)
    assert tags_of(outcome) == [("1.0", "created")]
    index = published(world)
    assert index["mediaType"] == index_type
    assert {child["mediaType"] for child in index["manifests"]} == {manifest_type}
    expected = (
        [converted(OCI, kind), DOCKER] if kind == "docker" else [OCI, converted(DOCKER, kind)]
    )
    assert [child["digest"] for child in index["manifests"]] == [one.digest for one in expected]
    for image in expected:
        assert world[APP].manifests[image.digest].raw == image.manifest
        assert all(str(digest_of(blob)) in world[APP].blobs for blob in image.blobs)
    told = [(one.platform, one.converted) for one in outcome.platforms]
    origins = [(name, str(origin.digest)) for name, origin in told if origin]
    assert origins == (
        [("linux/amd64", OCI.digest)] if kind == "docker" else [("linux/arm64", DOCKER.digest)]
    )


def test_nothing_to_do(world: World) -> None:
    """A conversion gives the same bytes again: the second run writes nothing."""
    push(world, *BOTH)
    world.log.clear()
    outcome = push(world, *BOTH)
    assert tags_of(outcome) == [("1.0", "kept")]
    assert changes_of(outcome) == [("linux/amd64", "kept"), ("linux/arm64", "kept")]
    assert not world.writes


def test_published_unconverted_before(world: World) -> None:
    """An image that the target has in its old form, and that was not read, is read for it."""
    entries = (entry(f"{BUILDS}:oci", "linux/amd64"), entry(f"{BUILDS}:docker", "linux/arm64"))
    publish(world, target(*entries, format="oci", convert=False))
    outcome = push(world, *entries, kind="oci")
    assert changes_of(outcome) == [("linux/amd64", "kept"), ("linux/arm64", "changed")]
    assert published(world)["manifests"][1]["digest"] == converted(DOCKER, "oci").digest


def test_plan_of_a_chain(world: World) -> None:
    """A target that is made of a converted one is planned, and published, with what that has."""
    first = target(*BOTH, format="docker", convert=True)
    second = target(entry(f"{APP}:1.0"), images=[MIRROR])
    planned = publish(world, first, second, dry_run=True)
    assert not world.writes
    done = publish(world, first, second)
    assert [one.index for one in planned] == [one.index for one in done]
    assert planned[0].index == planned[1].index
    assert converted(OCI, "docker").digest in world[MIRROR].manifests


def test_whole_index(world: World) -> None:
    """An index is made one of the other kind with all its images; its annotations are told of."""
    says = {"annotations": {"of": "entry", "b": "c"}}
    annotated = remade(OCI, annotations={"of": "image"})
    world[BUILDS].put("whole", index_of((annotated, says), (DOCKER, {"data": "e30="})))
    outcome = push(world, entry(f"{BUILDS}:whole"))
    entries = published(world)["manifests"]
    assert [one["digest"] for one in entries] == [
        converted(annotated, "docker").digest,
        DOCKER.digest,
    ]
    assert [sorted(one) for one in entries] == [["digest", "mediaType", "platform", "size"]] * 2
    assert outcome.warnings == (
        (f"{BUILDS}:whole: a Docker list and its images hold no annotations, left out: b, of"),
    )


def test_annotated_entry_of_a_docker_image(world: World) -> None:
    """A Docker image in an OCI index stays as it is, and its entry loses its annotations."""
    world[BUILDS].put("whole", index_of((DOCKER, {"annotations": {"a": "b"}})))
    outcome = push(world, entry(f"{BUILDS}:whole"))
    assert published(world)["manifests"][0]["digest"] == DOCKER.digest
    assert [one.converted for one in outcome.platforms] == [None]
    assert outcome.warnings == (
        f"{BUILDS}:whole: a Docker list and its images hold no annotations, left out: a",
    )


def test_index_of_the_right_images(world: World) -> None:
    """A list whose images are right already is only made anew, as an index of the other kind."""
    world[BUILDS].put("index", make_index(DOCKER))
    outcome = push(world, entry(f"{BUILDS}:index"))
    assert (outcome.errors, outcome.warnings) == ((), ())
    assert published(world)["mediaType"] == DOCKER_LIST
    assert [one["digest"] for one in published(world)["manifests"]] == [DOCKER.digest]
    assert [one.converted for one in outcome.platforms] == [None]


def test_attestation(world: World) -> None:
    """An attestation speaks of the image by its new digest, and that it cannot is a warning."""
    proof = make_attestation(DOCKER)
    says = {"annotations": attests(DOCKER.digest)}
    world[BUILDS].put("proven", index_of((DOCKER, {}), (proof, says)))
    outcome = push(world, entry(f"{BUILDS}:proven"), kind="oci")
    image, attestation = published(world)["manifests"]
    assert attestation["digest"] == proof.digest
    assert attestation["annotations"] == attests(image["digest"])
    assert outcome.warnings == (
        (
            f"{BUILDS}:proven: converted, it has another digest than the one its attestations "
            "were made for"
        ),
    )


def test_skipped(world: World) -> None:
    """An optional image that is not there has nothing to convert."""
    outcome = push(world, *BOTH, entry(f"{BUILDS}:none", "linux/s390x", optional=True))
    assert changes_of(outcome)[-1] == ("linux/s390x", "skipped")


def test_refused_images(world: World) -> None:
    """All images that cannot be converted are told, by name; of an index by digest too."""
    layer = {"mediaType": "application/vnd.oci.image.layer.v1.tar+zstd", "size": 1}
    zstd = remade(OCI, layers=[{**layer, "digest": OCI.digest}])
    arm = remade(make_image("linux/arm64"), artifactType="application/x")
    world[BUILDS].put("zstd", zstd)
    world[BUILDS].put("whole", index_of((arm, {})))
    hint = "build it as what is asked for, or let the spec say another format"
    entries = (entry(f"{BUILDS}:zstd", line=3), entry(f"{BUILDS}:whole", line=4))
    assert refusals(world, *entries) == [
        (
            "ImageMismatch", 4,
            (f"spec.yaml:3:5: {BUILDS}:zstd: it cannot be converted to a Docker image: its layer "
            f"{OCI.digest} is of type '{layer['mediaType']}'; {hint}"),
        ),
        (
            "ImageMismatch", 4,
            (f"spec.yaml:4:5: {BUILDS}:whole ({arm.digest}): it cannot be converted to a Docker "
            f"image: it is an artifact of type 'application/x'; {hint}"),
        ),
    ]  # fmt: skip


def test_refused_to_oci(world: World) -> None:
    """The message says what the image should have become."""
    world[BUILDS].put("odd", remade(DOCKER, layers=[{**DOCKER.descriptor(), "mediaType": "x/y"}]))
    ((_, _, message),) = refusals(world, entry(f"{BUILDS}:odd"), kind="oci")
    assert "it cannot be converted to an OCI image: its layer" in message


def test_refused_beside_attestations(world: World) -> None:
    """What a list cannot hold is told with what cannot be converted: a twin, an attestation."""
    twin = make_image("linux/amd64", seed="twin", docker=True)
    world[BUILDS].put("twins", index_of((DOCKER, {}), (twin, {"annotations": TWIN})))
    world[BUILDS].put("proven", make_index(OCI, attestations=True))
    told = refusals(world, entry(f"{BUILDS}:twins", line=3), entry(f"{BUILDS}:proven", line=4))
    assert [message for _, _, message in told] == [
        (
            f"spec.yaml:3:5: {BUILDS}:twins: its entry has annotations, which a Docker list cannot "
            "hold; use format: auto"
        ),
        (
            f"spec.yaml:4:5: {BUILDS}:proven: it has attestations, which a Docker list cannot hold; "
            "use format: auto, or set attestations: strip"
        ),
    ]


def test_gone_meanwhile(world: World) -> None:
    """An image that is listed already, and is gone when it is to be converted, is an error."""
    source = entry(f"{BUILDS}@{DOCKER.digest}", "linux/arm64")
    publish(world, target(source, format="oci", convert=False))
    del world[BUILDS].manifests[DOCKER.digest]
    outcome = push(world, source, kind="oci")
    assert [shown(error)[:2] for error in outcome.errors] == [("SourceError", 4)]


def test_not_asked_for(world: World) -> None:
    """Unsaid, either kind refuses an image of the other; told not to, only a Docker list does."""
    formats: tuple[Format, ...] = ("oci", "docker")
    for kind in formats:
        (outcome,) = publish(world, target(*BOTH, format=kind))
        assert [shown(error)[:2] for error in outcome.errors] == [("ImageMismatch", 4)]
    (outcome,) = publish(world, target(*BOTH, format="docker", convert=False))
    assert [shown(error)[:2] for error in outcome.errors] == [("ImageMismatch", 4)]
    (outcome,) = publish(world, target(*BOTH, format="oci", convert=False))
    assert (outcome.errors, outcome.warnings) == ((), ())


def test_config_is_not_read_again(world: World) -> None:
    """Where the target has the converted image for that platform, its config tells nothing new."""
    entries = (
        entry(f"{BUILDS}:oci", "linux/amd64", line=3),
        entry(f"{BUILDS}:docker", "linux/arm64", line=4),
    )
    push(world, *entries)
    world.log.clear()
    assert tags_of(push(world, *entries)) == [("1.0", "kept")]
    assert world.calls("fetch_blob") == []
    world.log.clear()
    other = entry(f"{BUILDS}:oci", "linux/amd64/v2", line=3)
    push(world, other, entries[1], dry_run=True)
    assert len(world.calls("fetch_blob")) == 1


def test_unconvertible_beside_a_published_list(world: World) -> None:
    """What cannot be converted is told as such, whatever the target holds."""
    push(world, *BOTH)
    world[BUILDS].put("odd", remade(OCI, artifactType="application/x"))
    world.log.clear()
    ((kind, code, message),) = refusals(world, entry(f"{BUILDS}:odd", "linux/amd64"))
    assert (kind, code) == ("ImageMismatch", 4)
    assert "it is an artifact of type 'application/x'" in message


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_nested_index(world: World, kind: str) -> None:
    """Images in an index within an index are converted too: then nothing is nested any more."""
    inner = make_index(DOCKER, docker=True) if kind == "oci" else make_index(OCI)
    world[BUILDS].put("nested", nest((inner, {"platform": None})))
    outcome = push(world, entry(f"{BUILDS}:nested"), kind=kind)
    assert outcome.errors == ()
    image = converted(DOCKER if kind == "oci" else OCI, kind)
    assert [one["digest"] for one in published(world)["manifests"]] == [image.digest]


def test_index_that_is_right_already(world: World) -> None:
    """An index with nothing to convert is passed on byte for byte."""
    index = make_index(OCI, make_image("linux/arm64"), annotations={"a": "b"})
    world[BUILDS].put("whole", index)
    outcome = push(world, entry(f"{BUILDS}:whole"), kind="oci")
    assert outcome.index
    assert str(outcome.index.digest) == index.digest


def test_base(world: World) -> None:
    """What a target starts from is converted with the rest, though it was not read."""
    windows = make_image("windows/amd64:10.0.1", docker=True)
    world[APP].put("1.0", make_index(windows, docker=True))
    base = entry(f"{APP}:1.0", line=2)
    outcome = push(world, *BOTH, kind="oci", base=base)
    assert outcome.errors == ()
    images = (converted(windows, "oci"), OCI, converted(DOCKER, "oci"))
    assert [one["digest"] for one in published(world)["manifests"]] == [it.digest for it in images]


def test_referrers(world: World) -> None:
    """What belongs to an image as it was is not copied beside it as it is, and that is told."""
    (outcome,) = publish(
        world, target(*BOTH, format="docker", convert=True, images=[MIRROR], referrers="copy")
    )
    assert outcome.warnings == (
        f"{BUILDS}:oci: converted, so what is signed or said of it as it was is not copied",
    )
