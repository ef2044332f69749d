"""What inspect shows, as lines and as a document."""

import json

import pytest

from mbuild.oci.digest import digest_of
from mbuild.oci.manifest import Content
from mbuild.report.text import human_size
from mbuild.report.tree import inspect_document, inspect_lines
from tests.support.images import Image, Index, make_attestation, make_image, make_index
from tests.support.values import content_of

NAME = "registry.test/team/app"
AMD64, WINDOWS = make_image("linux/amd64", layers=2), make_image("windows/amd64:10.0.1")
PROOF = make_attestation(AMD64)
INDEX = make_index(AMD64, attestations=True)
MIXED = make_index(AMD64, WINDOWS)
TYPE = AMD64.media_type


def test_index() -> None:
    """An index is a table of its entries; an attestation says of which image it speaks."""
    assert list(inspect_lines(NAME, content_of(INDEX))) == [
        f"{NAME}@{INDEX.digest}",
        f"  OCI index, {INDEX.size} bytes",
        f"  linux/amd64                         {AMD64.digest}  {AMD64.size} B  OCI image",
        f"  attestation of {AMD64.digest[:19]}  {PROOF.digest}  {PROOF.size} B  OCI image",
    ]


def test_index_without_platform() -> None:
    """An entry without a platform has a dash, and one with an os.version shows it."""
    value = json.loads(MIXED.manifest)
    del value["manifests"][0]["platform"]
    raw = json.dumps(value).encode()
    shown = list(inspect_lines(NAME, Content(MIXED.media_type, digest_of(raw), raw)))
    assert [line.split()[0] for line in shown[2:]] == ["-", "windows/amd64:10.0.1"]


def test_controls() -> None:
    """What an index says of itself cannot move the cursor or change a terminal's colours."""
    value = json.loads(INDEX.manifest)
    value["manifests"][0]["mediaType"] = "a\x1b[31m"
    value["manifests"][0]["platform"]["os"] = "b\x1b]0;c\x07"
    raw = json.dumps(value).encode()
    shown = "\n".join(inspect_lines(NAME, Content(INDEX.media_type, digest_of(raw), raw)))
    assert "a [31m" in shown
    assert all(char.isprintable() for char in shown.replace("\n", ""))


def test_image() -> None:
    """An image is a table of its config and layers."""
    shown = list(inspect_lines(NAME, content_of(AMD64)))
    assert shown[:2] == [f"{NAME}@{AMD64.digest}", f"  OCI image, {AMD64.size} bytes"]
    manifest = json.loads(AMD64.manifest)
    blobs = [("config", manifest["config"]), *(("layer", layer) for layer in manifest["layers"])]
    assert [line.split() for line in shown[2:]] == [
        [role, blob["digest"], *human_size(blob["size"]).split(), blob["mediaType"]]
        for role, blob in blobs
    ]


def test_index_document() -> None:
    """The same as a document: each entry as it stands in the index."""
    document = inspect_document(NAME, content_of(INDEX))
    head = {"version": 1, "image": NAME, "digest": INDEX.digest, "size": INDEX.size}
    entries = document.pop("manifests")
    assert document == {**head, "mediaType": INDEX.media_type}
    assert entries == json.loads(INDEX.manifest)["manifests"]


def test_image_document() -> None:
    """An image's document has its config and layers as descriptors."""
    document = inspect_document(NAME, content_of(AMD64))
    manifest = json.loads(AMD64.manifest)
    assert (document["config"], document["layers"]) == (manifest["config"], manifest["layers"])
    assert list(document) == [
        "version", "image", "digest", "size", "mediaType", "config", "layers",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "kind"),
    [
        (make_image(docker=True), "Docker image"),
        (make_index(make_image(docker=True), docker=True), "Docker manifest list"),
    ],
    ids=["image", "list"],
)
def test_docker(content: Image | Index, kind: str) -> None:
    """Docker's kinds have their own names."""
    shown = list(inspect_lines(NAME, content_of(content)))
    assert shown[1] == f"  {kind}, {content.size} bytes"


@pytest.mark.parametrize("media_type", [INDEX.media_type, TYPE], ids=["index", "image"])
def test_malformed(media_type: str) -> None:
    """Bytes that are not what their type says raise ValueError, in either form."""
    content = Content(media_type, digest_of(b"{}"), b"{}")
    with pytest.raises(ValueError, match="schemaVersion"):
        list(inspect_lines(NAME, content))
    with pytest.raises(ValueError, match="schemaVersion"):
        inspect_document(NAME, content)
