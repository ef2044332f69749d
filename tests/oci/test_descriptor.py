"""Descriptors: read from JSON, written as an index's entries."""

from typing import Any

import pytest
from hypothesis import given

from mbuild.oci.descriptor import (
    Descriptor,
    descriptor_at,
    descriptor_from,
    make_annotations,
    to_docker_dict,
    to_oci_dict,
)
from mbuild.oci.digest import parse_digest
from mbuild.oci.media_types import OCI_MANIFEST
from mbuild.oci.platform import Platform
from tests.oci.strategies import descriptors, docker_descriptors

DIGEST = "sha256:" + "a" * 64
SUBJECT = "sha256:" + "b" * 64
LEAST: dict[str, Any] = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 0}
MOST: dict[str, Any] = {
    "mediaType": OCI_MANIFEST,
    "digest": DIGEST,
    "size": 1210,
    "urls": ["https://example.com/1"],
    "annotations": {"a": "1", "b": ""},
    "data": "e30=",
    "platform": {"architecture": "arm", "os": "linux", "variant": "v7"},
    "artifactType": "application/x",
}
IN_DOCKER = ("mediaType", "size", "digest", "urls", "platform")


def test_least() -> None:
    """Media type, digest and size make a descriptor; a size of nothing is a size."""
    descriptor = Descriptor(OCI_MANIFEST, parse_digest(DIGEST), 0)
    assert descriptor_from(LEAST) == descriptor
    assert [*to_oci_dict(descriptor).items()] == [*LEAST.items()]


def test_most() -> None:
    """All fields are read, and written in the order of image-spec's Go type."""
    descriptor = Descriptor(
        OCI_MANIFEST,
        parse_digest(DIGEST),
        1210,
        platform=Platform("linux", "arm", "v7"),
        annotations=(("a", "1"), ("b", "")),
        urls=("https://example.com/1",),
        data="e30=",
        artifact_type="application/x",
    )
    assert descriptor_from(MOST) == descriptor
    assert [*to_oci_dict(descriptor).items()] == [*MOST.items()]
    assert [*to_docker_dict(descriptor).items()] == [(key, MOST[key]) for key in IN_DOCKER]


def test_unknown_fields_are_passed_over() -> None:
    """A field of a later specification changes nothing."""
    assert descriptor_from({**LEAST, "later": {"a": 1}}) == descriptor_from(LEAST)


BAD = {
    "nothing": ({}, "'size' is missing or negative"),
    "no size": ({**LEAST, "size": None}, "'size' is missing or negative"),
    "negative size": ({**LEAST, "size": -1}, "'size' is missing or negative"),
    "size as text": ({**LEAST, "size": "1"}, "'size' is not a whole number"),
    "no digest": ({**LEAST, "digest": ""}, "'digest' is missing"),
    "short digest": (
        {**LEAST, "digest": "sha256:" + "a" * 63},
        f"'sha256:{'a' * 63}' is not a digest: sha256 has 64 hex digits, not 63",
    ),
    "no media type": ({**LEAST, "mediaType": ""}, "'mediaType' is missing"),
    "platform as text": ({**LEAST, "platform": "linux"}, "'platform' is not an object"),
    "os as number": ({**LEAST, "platform": {"os": 1}}, "'os' is not a string"),
    "annotation as number": (
        {**LEAST, "annotations": {"a": 1}},
        "'annotations' is not an object of strings",
    ),
    "urls as text": ({**LEAST, "urls": "u"}, "'urls' is not a list"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_refused(data: dict[str, Any], message: str) -> None:
    """A descriptor with a field missing or of another type is refused, and the field named."""
    with pytest.raises(ValueError, match=r".") as caught:
        descriptor_from(data)
    assert str(caught.value) == message


def test_refused_with_its_place() -> None:
    """Where a descriptor stands in a larger document, the error says where."""
    with pytest.raises(ValueError, match=r"^in layers\[2\]: 'size' is missing or negative$"):
        descriptor_at("layers[2]", {})


@given(descriptors())
def test_oci_round_trip(descriptor: Descriptor) -> None:
    """An entry of an OCI index is read back as it was."""
    assert descriptor_from(to_oci_dict(descriptor)) == descriptor


@given(docker_descriptors())
def test_docker_round_trip(descriptor: Descriptor) -> None:
    """An entry of a Docker list is read back as it was."""
    assert descriptor_from(to_docker_dict(descriptor)) == descriptor


def test_annotations_are_sorted_by_bytes() -> None:
    """Keys are in the order of their UTF-8 bytes, as Go sorts them, not of UTF-16 units."""
    pairs = {"\U0001f433": "4", "\uffee": "3", "b": "2", "a": "1", "B": "0"}
    assert make_annotations(pairs) == (
        ("B", "0"),
        ("a", "1"),
        ("b", "2"),
        ("\uffee", "3"),
        ("\U0001f433", "4"),
    )


def annotated(**annotations: str) -> Descriptor:
    """A descriptor with annotations, an underscore standing for a dot."""
    pairs = {key.replace("_", "."): value for key, value in annotations.items()}
    return Descriptor(OCI_MANIFEST, parse_digest(DIGEST), 1, annotations=make_annotations(pairs))


ATTESTATION = annotated(
    vnd_docker_reference_type="attestation-manifest", vnd_docker_reference_digest=SUBJECT
)
ZSTD = annotated(io_github_containers_compression_zstd="true")


def test_attestation() -> None:
    """An attestation, and what it speaks of, are marked by annotations, as buildx has it."""
    assert ATTESTATION.is_attestation
    assert ATTESTATION.attests == SUBJECT


def test_no_attestation() -> None:
    """A digest alone, or a reference of another type, makes no attestation."""
    other = annotated(vnd_docker_reference_type="other", vnd_docker_reference_digest=SUBJECT)
    assert not other.is_attestation
    assert other.attests == ""


def test_zstd() -> None:
    """The zstd twin of an image is marked by its annotation."""
    assert ZSTD.is_zstd
    assert not annotated(io_github_containers_compression_zstd="false").is_zstd
    assert not ATTESTATION.is_zstd
