"""Manifests: an image's config and layers, and what kind of manifest bytes are."""

import json
from typing import Any

import pytest

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of, parse_digest
from mbuild.oci.manifest import (
    Content,
    ImageManifest,
    media_type_of,
    parse_image_manifest,
)

LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar+gzip"


def blob(letter: str, media_type: str = LAYER_TYPE) -> dict[str, Any]:
    """The JSON object of a descriptor whose digest is one letter again and again."""
    return {"mediaType": media_type, "digest": f"sha256:{letter * 64}", "size": 1}


def described(letter: str, media_type: str = LAYER_TYPE) -> Descriptor:
    """The descriptor that `blob` is the JSON of."""
    return Descriptor(media_type, parse_digest(f"sha256:{letter * 64}"), 1)


CONFIG = blob("c", media_types.OCI_CONFIG)
IMAGE: dict[str, Any] = {"schemaVersion": 2, "config": CONFIG, "layers": [blob("a"), blob("b")]}


def test_content() -> None:
    """Content knows its size and the descriptor that names it."""
    content = Content(media_types.OCI_MANIFEST, digest_of(b"{}"), b"{}")
    assert content.size == 2
    assert content.descriptor() == Descriptor(media_types.OCI_MANIFEST, digest_of(b"{}"), 2)


def test_image() -> None:
    """An image manifest gives its config and its layers, in order."""
    manifest = parse_image_manifest(json.dumps(IMAGE).encode())
    assert manifest == ImageManifest(
        described("c", media_types.OCI_CONFIG), (described("a"), described("b"))
    )


def test_image_with_everything() -> None:
    """Subject and annotations are read too; layers may be absent."""
    more = {**IMAGE, "subject": blob("d"), "annotations": {"b": "2", "a": "1"}, "layers": None}
    manifest = parse_image_manifest(json.dumps(more).encode())
    assert manifest.layers == ()
    assert manifest.subject == described("d")
    assert manifest.annotations == (("a", "1"), ("b", "2"))


def test_blobs() -> None:
    """Config and layers are all its blobs, one that stands twice given once."""
    layers = [blob("a"), blob("b"), blob("a")]
    manifest = parse_image_manifest(json.dumps({**IMAGE, "layers": layers}).encode())
    assert [blob.digest.encoded[0] for blob in manifest.blobs] == ["c", "a", "b"]


BAD = {
    "schema 1": ({**IMAGE, "schemaVersion": 1}, "'schemaVersion' is not 2"),
    "no schema version": ({"config": CONFIG}, "'schemaVersion' is not 2"),
    "no config": ({"schemaVersion": 2, "layers": []}, "'config' is missing"),
    "half an index": (
        {**IMAGE, "manifests": []},
        "it has 'config' and, like an index, 'manifests'",
    ),
    "config as text": ({**IMAGE, "config": "x"}, "'config' is not an object"),
    "config without size": (
        {**IMAGE, "config": {"mediaType": "x", "digest": CONFIG["digest"]}},
        "in config: 'size' is missing or negative",
    ),
    "layer without digest": (
        {**IMAGE, "layers": [blob("a"), {"mediaType": "x", "size": 1}]},
        "in layers[1]: 'digest' is missing",
    ),
    "layers as object": ({**IMAGE, "layers": {}}, "'layers' is not a list"),
    "bad subject": ({**IMAGE, "subject": {"size": 1}}, "in subject: 'mediaType' is missing"),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_refused(data: dict[str, Any], message: str) -> None:
    """Anything but an image manifest is refused, and the field named."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_image_manifest(json.dumps(data).encode())
    assert str(caught.value) == message


OCI = media_types.OCI_MANIFEST
LIST = media_types.DOCKER_LIST
SIGNED = media_types.DOCKER_SCHEMA1_SIGNED
KINDS: dict[str, tuple[dict[str, Any], str, str]] = {
    "both say the same": ({"mediaType": OCI}, OCI, OCI),
    "served with a charset": ({"mediaType": OCI}, f"{OCI}; charset=utf-8", OCI),
    "served in upper case": ({}, OCI.upper(), OCI),
    "body says it": ({"mediaType": LIST}, "", LIST),
    "served as text": ({"mediaType": LIST}, "text/plain", LIST),
    "header says it": ({"manifests": []}, LIST, LIST),
    "body says something of its own": ({"mediaType": "a/b"}, "application/json", "a/b"),
    "shape of an index": ({"manifests": []}, "", media_types.OCI_INDEX),
    "shape of an image": ({"config": {}, "layers": []}, "text/plain", OCI),
    "shape of schema 1": ({"schemaVersion": 1, "fsLayers": []}, "application/json", SIGNED),
    "schema 1": ({"schemaVersion": 1}, media_types.DOCKER_SCHEMA1, media_types.DOCKER_SCHEMA1),
}


@pytest.mark.parametrize(("data", "declared", "expected"), KINDS.values(), ids=KINDS)
def test_media_type(data: dict[str, Any], declared: str, expected: str) -> None:
    """A manifest is what it says of itself, else what it is served as, else what it looks like."""
    assert media_type_of(json.dumps(data).encode(), declared) == expected


LIARS = {
    "another type": (
        b'{"mediaType": "application/vnd.docker.distribution.manifest.list.v2+json"}',
        OCI,
        f"it was served as {OCI}, and says of itself {LIST}",
    ),
    "no shape": (b'{"config": {}}', "", "it is neither an image manifest nor an index"),
    "html": (b"<html>", OCI, "not JSON: Expecting value at line 1 column 1"),
    "type as number": (b'{"mediaType": 2}', OCI, "'mediaType' is not a string"),
}


@pytest.mark.parametrize(("raw", "declared", "message"), LIARS.values(), ids=LIARS)
def test_media_type_refused(raw: bytes, declared: str, message: str) -> None:
    """Bytes that contradict their header, or look like nothing known, are refused."""
    with pytest.raises(ValueError, match=r".") as caught:
        media_type_of(raw, declared)
    assert str(caught.value) == message
