"""Manifests of one kind made ones of the other: whole bytes, and what cannot be."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.oci.conversion import Conversion, convert_manifest, is_of_kind
from mbuild.oci.manifest import parse_image_manifest
from tests.support.images import (
    DOCKER_CONFIG,
    DOCKER_LAYER,
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_CONFIG,
    OCI_INDEX,
    OCI_LAYER,
    OCI_MANIFEST,
    digest_of,
    make_image,
)

DIGEST = digest_of(b"blob")
DOCKER = "application/vnd.docker.image.rootfs"
OCI = "application/vnd.oci.image.layer"
URLS = ["https://example.com/layer"]
PAIRS = {
    "plain": (f"{DOCKER}.diff.tar", f"{OCI}.v1.tar"),
    "gzip": (DOCKER_LAYER, OCI_LAYER),
    "foreign": (f"{DOCKER}.foreign.diff.tar", f"{OCI}.nondistributable.v1.tar"),
    "foreign gzip": (f"{DOCKER}.foreign.diff.tar.gzip", f"{OCI}.nondistributable.v1.tar+gzip"),
}


def blob(media_type: str, **more: Any) -> dict[str, Any]:
    """A descriptor of five bytes."""
    return {"mediaType": media_type, "digest": DIGEST, "size": 5, **more}


def manifest(
    media_type: str, config: dict[str, Any], *layers: dict[str, Any], **more: Any
) -> bytes:
    """A manifest as nobody writes it: the order of its keys is none that is taken over."""
    value = {"layers": layers, "config": config, "mediaType": media_type, "schemaVersion": 2}
    return json.dumps({**more, **value}, indent=1).encode()


def oci(*layers: dict[str, Any], config: dict[str, Any] | None = None, **more: Any) -> bytes:
    """An OCI manifest."""
    return manifest(OCI_MANIFEST, config or blob(OCI_CONFIG), *layers, **more)


def docker(*layers: dict[str, Any], config: dict[str, Any] | None = None, **more: Any) -> bytes:
    """A Docker manifest."""
    return manifest(DOCKER_MANIFEST, config or blob(DOCKER_CONFIG), *layers, **more)


def text_of(conversion: Conversion) -> str:
    """The bytes that came out, as text, after a look at what says what they are."""
    content = conversion.content
    assert str(content.digest) == digest_of(content.raw)
    assert content.media_type == json.loads(content.raw)["mediaType"]
    return content.raw.decode()


def test_to_docker() -> None:
    """The bytes are those of Docker's types, in their order, without white space."""
    conversion = convert_manifest(oci(blob(OCI_LAYER, urls=URLS), blob(f"{OCI}.v1.tar")), "docker")
    assert text_of(conversion) == (
        f'{{"schemaVersion":2,"mediaType":"{DOCKER_MANIFEST}",'
        f'"config":{{"mediaType":"{DOCKER_CONFIG}","size":5,"digest":"{DIGEST}"}},"layers":['
        f'{{"mediaType":"{DOCKER_LAYER}","size":5,"digest":"{DIGEST}","urls":["{URLS[0]}"]}},'
        f'{{"mediaType":"{DOCKER}.diff.tar","size":5,"digest":"{DIGEST}"}}]}}'
    )
    assert conversion.lost == ()


def test_to_oci() -> None:
    """The bytes are those of image-spec's types; annotations have a place there."""
    layer = blob(DOCKER_LAYER, annotations={"of": "layer"})
    conversion = convert_manifest(docker(layer, annotations={"b": "<", "a": "1"}), "oci")
    assert text_of(conversion) == (
        f'{{"schemaVersion":2,"mediaType":"{OCI_MANIFEST}",'
        f'"config":{{"mediaType":"{OCI_CONFIG}","digest":"{DIGEST}","size":5}},"layers":['
        f'{{"mediaType":"{OCI_LAYER}","digest":"{DIGEST}","size":5,"annotations":{{"of":"layer"}}}}],'
        '"annotations":{"a":"1","b":"\\u003c"}}'
    )
    assert conversion.lost == ()


def test_no_layers() -> None:
    """An image without layers has an empty list of them."""
    assert json.loads(text_of(convert_manifest(oci(), "docker")))["layers"] == []


@pytest.mark.parametrize(("docker_type", "oci_type"), PAIRS.values(), ids=PAIRS)
def test_layer_types(docker_type: str, oci_type: str) -> None:
    """Each type has one of the other kind, and stays where it is of that kind already."""
    for given_type in (docker_type, oci_type):
        for raw, kind, expected in (
            (oci(blob(given_type)), "docker", docker_type),
            (docker(blob(given_type)), "oci", oci_type),
        ):
            (layer,) = json.loads(text_of(convert_manifest(raw, kind)))["layers"]
            assert layer["mediaType"] == expected


def test_zstd_to_oci() -> None:
    """Layers that a builder compressed with zstd, under a name of its own, have a type in OCI."""
    raw = docker(blob(f"{DOCKER}.diff.tar.zstd"))
    (layer,) = json.loads(text_of(convert_manifest(raw, "oci")))["layers"]
    assert layer["mediaType"] == f"{OCI}.v1.tar+zstd"


def test_lost_annotations() -> None:
    """Docker has no annotations: the keys of all that there were are told, each once."""
    raw = oci(
        blob(OCI_LAYER, annotations={"b": "1", "c": "2"}),
        blob(OCI_LAYER, annotations={"b": "3"}),
        config=blob(OCI_CONFIG, annotations={"d": "4"}),
        annotations={"a": "5"},
    )
    conversion = convert_manifest(raw, "docker")
    assert conversion.lost == ("a", "b", "c", "d")
    assert "annotations" not in text_of(conversion)


SUBJECT = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 5}
REFUSED = {
    "zstd": (
        oci(blob(f"{OCI}.v1.tar+zstd")), "docker",
        f"its layer {DIGEST} is of type '{OCI}.v1.tar+zstd'",
    ),
    "encrypted": (
        oci(blob(f"{OCI}.v1.tar+gzip+encrypted")), "docker",
        f"its layer {DIGEST} is of type '{OCI}.v1.tar+gzip+encrypted'",
    ),
    "layer of another sort": (
        docker(blob("text/plain")), "oci", f"its layer {DIGEST} is of type 'text/plain'",
    ),
    "config of another sort": (
        docker(config=blob("application/vnd.docker.plugin.v1+json")), "oci",
        f"its config {DIGEST} is of type 'application/vnd.docker.plugin.v1+json'",
    ),
    "artifact": (
        oci(artifactType="application/vnd.example"), "docker",
        "it is an artifact of type 'application/vnd.example'",
    ),
    "subject": (oci(subject=SUBJECT), "docker", f"it has the subject {DIGEST}"),
    "no manifest": (b"{}", "docker", "'schemaVersion' is not 2"),
}  # fmt: skip


@pytest.mark.parametrize(("raw", "kind", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(raw: bytes, kind: str, message: str) -> None:
    """What the other kind has no place for is named."""
    with pytest.raises(ValueError, match=r".") as raised:
        convert_manifest(raw, kind)
    assert str(raised.value) == message


@given(st.integers(0, 3), st.booleans())
def test_there_and_back(layers: int, is_docker: bool) -> None:
    """Made one of the other kind and back, a manifest names the same blobs, and stays so."""
    image = make_image(layers=layers, docker=is_docker)
    kinds = ("oci", "docker") if is_docker else ("docker", "oci")
    there = convert_manifest(image.manifest, kinds[0]).content
    back = convert_manifest(there.raw, kinds[1]).content
    assert parse_image_manifest(back.raw) == parse_image_manifest(image.manifest)
    assert convert_manifest(back.raw, kinds[0]).content == there


def test_kinds() -> None:
    """Docker's types are of one kind, all others of the other."""
    docker_types, oci_types = (DOCKER_MANIFEST, DOCKER_LIST), (OCI_MANIFEST, OCI_INDEX)
    assert all(is_of_kind(one, "docker") and not is_of_kind(one, "oci") for one in docker_types)
    assert all(is_of_kind(one, "oci") and not is_of_kind(one, "docker") for one in oci_types)
