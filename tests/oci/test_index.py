"""Indexes: their exact bytes, which are their digest, and reading them back."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from mbuild.oci.descriptor import Descriptor, make_annotations
from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.index import (
    Index,
    is_set_apart,
    is_surely_no_image,
    parse_index,
    to_bytes,
    to_content,
)
from mbuild.oci.media_types import DOCKER_LIST, DOCKER_MANIFEST, OCI_CONFIG, OCI_INDEX, OCI_MANIFEST
from mbuild.oci.platform import Platform
from tests.oci.strategies import indexes

A, B, C, D = (Digest("sha256", letter * 64) for letter in "abcd")
UNKNOWN = Platform("unknown", "unknown")

IMAGE = Descriptor(
    OCI_MANIFEST,
    A,
    1210,
    platform=Platform("linux", "arm64", "v8"),
    annotations=make_annotations({"z": "<&>", "a": "\u2028é"}),
)
WINDOWS = Descriptor(
    OCI_MANIFEST,
    B,
    1211,
    platform=Platform("windows", "amd64", "", "10.0.26100.1742", ("win32k",)),
    urls=("https://example.com/?a=1&b=2",),
    data="e30=",
    artifact_type="application/x",
)
ATTESTATION = Descriptor(
    OCI_MANIFEST,
    C,
    566,
    platform=UNKNOWN,
    annotations=make_annotations(
        {
            "vnd.docker.reference.type": "attestation-manifest",
            "vnd.docker.reference.digest": str(A),
        }
    ),
)
SUBJECT = Descriptor(OCI_MANIFEST, D, 7)
OCI = Index(
    OCI_INDEX,
    (IMAGE, ATTESTATION, WINDOWS),
    annotations=make_annotations({"org.opencontainers.image.version": "1.4", "B": ""}),
    artifact_type="application/y",
    subject=SUBJECT,
)
OCI_BYTES = rb"""{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "artifactType": "application/y",
  "manifests": [
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "size": 1210,
      "annotations": {
        "a": "\u2028@",
        "z": "\u003c\u0026\u003e"
      },
      "platform": {
        "architecture": "arm64",
        "os": "linux",
        "variant": "v8"
      }
    },
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
      "size": 566,
      "annotations": {
        "vnd.docker.reference.digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        "vnd.docker.reference.type": "attestation-manifest"
      },
      "platform": {
        "architecture": "unknown",
        "os": "unknown"
      }
    },
    {
      "mediaType": "application/vnd.oci.image.manifest.v1+json",
      "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "size": 1211,
      "urls": [
        "https://example.com/?a=1\u0026b=2"
      ],
      "data": "e30=",
      "platform": {
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.26100.1742",
        "os.features": [
          "win32k"
        ]
      },
      "artifactType": "application/x"
    }
  ],
  "subject": {
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "digest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd",
    "size": 7
  },
  "annotations": {
    "B": "",
    "org.opencontainers.image.version": "1.4"
  }
}""".replace(b"@", "é".encode())

DOCKER = Index(
    DOCKER_LIST,
    (
        Descriptor(DOCKER_MANIFEST, A, 528, platform=Platform("linux", "arm", "v7")),
        replace(WINDOWS, media_type=DOCKER_MANIFEST, data="", artifact_type=""),
    ),
)
DOCKER_BYTES = rb"""{
  "schemaVersion": 2,
  "mediaType": "application/vnd.docker.distribution.manifest.list.v2+json",
  "manifests": [
    {
      "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
      "size": 528,
      "digest": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "platform": {
        "architecture": "arm",
        "os": "linux",
        "variant": "v7"
      }
    },
    {
      "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
      "size": 1211,
      "digest": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb",
      "urls": [
        "https://example.com/?a=1\u0026b=2"
      ],
      "platform": {
        "architecture": "amd64",
        "os": "windows",
        "os.version": "10.0.26100.1742",
        "os.features": [
          "win32k"
        ]
      }
    }
  ]
}"""
EMPTY_BYTES = b"""{
  "schemaVersion": 2,
  "mediaType": "application/vnd.oci.image.index.v1+json",
  "manifests": []
}"""
GOLDEN = {
    "oci": (OCI, OCI_BYTES),
    "docker": (DOCKER, DOCKER_BYTES),
    "empty": (Index(OCI_INDEX, ()), EMPTY_BYTES),
}


@pytest.mark.parametrize(("index", "raw"), GOLDEN.values(), ids=GOLDEN)
def test_bytes(index: Index, raw: bytes) -> None:
    """An index is written byte for byte as written down here by hand, and read back."""
    assert to_bytes(index) == raw
    assert parse_index(raw) == index


def test_docker_has_no_place_for_oci_fields() -> None:
    """A Docker list leaves out what only an OCI index can say."""
    assert json.loads(to_bytes(replace(OCI, media_type=DOCKER_LIST))).keys() == {
        "schemaVersion",
        "mediaType",
        "manifests",
    }


def test_content() -> None:
    """What is pushed is the bytes, their digest and their media type."""
    content = to_content(OCI)
    assert (content.media_type, content.raw) == (OCI_INDEX, OCI_BYTES)
    assert content.digest == digest_of(OCI_BYTES)


@given(indexes())
def test_round_trip(index: Index) -> None:
    """What is written is read back the same, and written again with the same bytes."""
    raw = to_bytes(index)
    assert parse_index(raw) == index
    assert to_bytes(parse_index(raw)) == raw


@given(indexes())
def test_form(index: Index) -> None:
    """Whatever is in it, an index is valid JSON two spaces deep with nothing after it."""
    raw = to_bytes(index)
    assert raw.startswith(b'{\n  "schemaVersion": 2,\n  "mediaType": "application/')
    assert raw.endswith(b"\n}")
    assert not {*"<>&\u2028\u2029"} & {*raw.decode()}


def test_order_of_annotations() -> None:
    """The order in which annotations are given does not change the bytes."""
    one = make_annotations({"a": "1", "b": "2"})
    other = make_annotations({"b": "2", "a": "1"})
    assert to_bytes(replace(OCI, annotations=one)) == to_bytes(replace(OCI, annotations=other))


def test_images_and_attestations() -> None:
    """Attestations are set apart from images, and found by the image they speak of."""
    assert OCI.images == (IMAGE, WINDOWS)
    assert OCI.attestations_of(IMAGE) == (ATTESTATION,)
    assert OCI.attestations_of(WINDOWS) == ()


APART = {
    "image": (IMAGE, False),
    "no platform": (SUBJECT, False),
    "attestation": (ATTESTATION, True),
    "attestation with a platform": (replace(ATTESTATION, platform=IMAGE.platform), True),
    "unknown without annotation": (replace(SUBJECT, platform=UNKNOWN), True),
    "empty platform": (replace(SUBJECT, platform=Platform("", "")), False),
}


@pytest.mark.parametrize(("entry", "expected"), APART.values(), ids=APART)
def test_set_apart(entry: Descriptor, expected: bool) -> None:
    """No client may choose an attestation or an entry for an unknown platform."""
    assert is_set_apart(entry) is expected


ENTRY: dict[str, Any] = {"mediaType": OCI_MANIFEST, "digest": str(A), "size": 1}
FOREIGN = {
    "no media type": {"manifests": [ENTRY]},
    "manifests null": {"manifests": None},
    "no platform": {"manifests": [{**ENTRY, "platform": None}]},
    "empty platform": {"manifests": [{**ENTRY, "platform": {"architecture": "", "os": ""}}]},
    "only features": {"manifests": [{**ENTRY, "platform": {"features": ["sse4"]}}]},
    "nested index": {"manifests": [{**ENTRY, "mediaType": OCI_INDEX}]},
    "unknown entry": {"manifests": [{**ENTRY, "mediaType": "application/x"}]},
    "unknown fields": {"manifests": [{**ENTRY, "x": 1}], "y": [2]},
    "twice the same": {"manifests": [ENTRY, ENTRY]},
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_foreign(data: dict[str, Any]) -> None:
    """An index as other tools write them is read, entry by entry."""
    index = parse_index(json.dumps({"schemaVersion": 2, **data}).encode())
    assert index.media_type == OCI_INDEX
    assert len(index.manifests) == len(data["manifests"] or [])


BAD: dict[str, tuple[dict[str, Any], str]] = {
    "schema 1": ({"schemaVersion": 1}, "'schemaVersion' is not 2"),
    "schema version as text": ({"schemaVersion": "2"}, "'schemaVersion' is not a whole number"),
    "an image": ({"config": {}, "layers": []}, "'manifests' is missing"),
    "half an image": (
        {"manifests": [], "layers": []},
        "it has 'manifests' and, like an image manifest, 'config' or 'layers'",
    ),
    "another media type": (
        {"manifests": [], "mediaType": OCI_MANIFEST},
        f"'mediaType' is '{OCI_MANIFEST}', not an index's",
    ),
    "manifests as object": ({"manifests": {}}, "'manifests' is not a list"),
    "entry as text": ({"manifests": ["x"]}, "'manifests' is not a list of objects"),
    "entry without size": (
        {"manifests": [ENTRY, {**ENTRY, "size": None}]},
        "in manifests[1]: 'size' is missing or negative",
    ),
    "entry with an odd platform": (
        {"manifests": [{**ENTRY, "platform": {"os.features": "win32k"}}]},
        "in manifests[0]: 'os.features' is not a list",
    ),
    "subject as text": ({"manifests": [], "subject": "x"}, "'subject' is not an object"),
    "bad subject": ({"manifests": [], "subject": {}}, "in subject: 'size' is missing or negative"),
    "annotation as number": (
        {"manifests": [], "annotations": {"a": 1}},
        "'annotations' is not an object of strings",
    ),
}


@pytest.mark.parametrize(("data", "message"), BAD.values(), ids=BAD)
def test_refused(data: dict[str, Any], message: str) -> None:
    """Anything but an index is refused, and the field named."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_index(json.dumps({"schemaVersion": 2, **data}).encode())
    assert str(caught.value) == message


NO_IMAGES = [
    ("image", IMAGE, False),
    ("artifact", WINDOWS, True),
    ("attestation", ATTESTATION, True),
    ("set apart", replace(IMAGE, platform=UNKNOWN), True),
    ("index", replace(IMAGE, media_type=OCI_INDEX), True),
    ("type of its config", replace(IMAGE, artifact_type=OCI_CONFIG), False),
    ("other type", replace(IMAGE, media_type="application/json"), False),
]


@pytest.mark.parametrize(
    ("entry", "expected"), [one[1:] for one in NO_IMAGES], ids=[one[0] for one in NO_IMAGES]
)
def test_surely_no_image(entry: Descriptor, expected: bool) -> None:
    """What an entry says of itself may tell that it is none; of another type it may be one."""
    assert is_surely_no_image(entry) is expected


def test_indexes() -> None:
    """The entries that are indexes themselves, of both kinds, in order."""
    kinds = (OCI_MANIFEST, DOCKER_LIST, OCI_INDEX)
    entries = tuple(replace(IMAGE, media_type=kind) for kind in kinds)
    assert Index(OCI_INDEX, entries).indexes == entries[1:]
