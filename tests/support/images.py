"""Small images, indexes and layouts, made byte by byte without the code under test."""

import hashlib
import io
import json
import random
import struct
import tarfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
DOCKER_MANIFEST = "application/vnd.docker.distribution.manifest.v2+json"
DOCKER_LIST = "application/vnd.docker.distribution.manifest.list.v2+json"
DOCKER_CONFIG = "application/vnd.docker.container.image.v1+json"
DOCKER_LAYER = "application/vnd.docker.image.rootfs.diff.tar.gzip"
IN_TOTO = "application/vnd.in-toto+json"
SCHEMA_1 = "application/vnd.docker.distribution.manifest.v1+prettyjws"


def digest_of(content: bytes) -> str:
    """The sha256 digest of `content`, as text."""
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


@dataclass(frozen=True, slots=True)
class Image:
    """One image: the manifest's exact bytes, its config and its layers."""

    manifest: bytes
    media_type: str
    config: bytes
    layers: tuple[bytes, ...]
    platform: Mapping[str, Any]

    @property
    def digest(self) -> str:
        """The manifest's digest."""
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """The manifest's size in bytes."""
        return len(self.manifest)

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """Config and layers, in the order they are pushed."""
        return (*self.layers, self.config)

    @property
    def children(self) -> "tuple[Content, ...]":
        """No image has children; an index does."""
        return ()

    def descriptor(self, **more: Any) -> dict[str, Any]:
        """The entry an index holds of this image."""
        entry = {"mediaType": self.media_type, "digest": self.digest, "size": self.size}
        return {**entry, "platform": dict(self.platform), **more}


@dataclass(frozen=True, slots=True)
class Index:
    """One index or manifest list and the images it names."""

    manifest: bytes
    media_type: str
    children: "tuple[Any, ...]"

    @property
    def digest(self) -> str:
        """The index's digest."""
        return digest_of(self.manifest)

    @property
    def size(self) -> int:
        """The index's size in bytes."""
        return len(self.manifest)

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """An index has no blobs of its own."""
        return ()


Content = Image | Index


def to_platform(text: str) -> dict[str, Any]:
    """Give the JSON object of `os/arch[/variant][:os.version]`, nothing normalised."""
    name, _, os_version = text.partition(":")
    os, architecture, *variant = name.split("/")
    platform = {"architecture": architecture, "os": os}
    if os_version:
        platform["os.version"] = os_version
    if variant:
        platform["variant"] = variant[0]
    return platform


def make_image(
    platform: str = "linux/amd64",
    *,
    docker: bool = False,
    layers: int = 1,
    size: int = 64,
    seed: int | str = 0,
) -> Image:
    """Make an image whose layers each hold one file of `size` random bytes.

    The same arguments give the same bytes; another `seed`, or another platform, other ones.
    """
    said = to_platform(platform)
    archives = [_layer(f"{seed}/{platform}/{number}", size) for number in range(layers)]
    config = _json(
        {
            **said,
            "config": {"Env": [f"SEED={seed}"]},
            "rootfs": {"type": "layers", "diff_ids": [digest_of(raw) for raw, _ in archives]},
        }
    )
    packed = tuple(archive for _, archive in archives)
    return _image(said, config, packed, docker=docker)


def with_base(image: Image, base: bytes) -> Image:
    """The same image upon a layer that others have too."""
    return _image(image.platform, image.config, (base, *image.layers), docker=False)


def _image(
    platform: Mapping[str, Any], config: bytes, layers: tuple[bytes, ...], *, docker: bool
) -> Image:
    media_type = DOCKER_MANIFEST if docker else OCI_MANIFEST
    manifest = {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": _blob(DOCKER_CONFIG if docker else OCI_CONFIG, config),
        "layers": [_blob(DOCKER_LAYER if docker else OCI_LAYER, layer) for layer in layers],
    }
    return Image(_json(manifest), media_type, config, layers, platform)


def make_attestation(image: Image) -> Image:
    """Make the attestation manifest that buildx puts beside an image."""
    unknown = {"architecture": "unknown", "os": "unknown"}
    statement = _json({"_type": "https://in-toto.io/Statement/v0.1", "subject": image.digest})
    rootfs = {"type": "layers", "diff_ids": [digest_of(statement)]}
    config = _json({**unknown, "config": {}, "rootfs": rootfs})
    predicate = {"in-toto.io/predicate-type": "https://slsa.dev/provenance/v0.2"}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": _blob(OCI_CONFIG, config),
        "layers": [{**_blob(IN_TOTO, statement), "annotations": predicate}],
    }
    return Image(_json(manifest), OCI_MANIFEST, config, (statement,), unknown)


def make_index(
    *images: Image,
    docker: bool = False,
    attestations: bool = False,
    annotations: Mapping[str, str] | None = None,
) -> Index:
    """Make an index of images; with `attestations`, one follows each of them as from buildx."""
    children, entries = [], []
    for image in images:
        children.append(image)
        entries.append(image.descriptor())
        if attestations:
            attestation = make_attestation(image)
            children.append(attestation)
            entries.append(attestation.descriptor(annotations=attests(image.digest)))
    media_type = DOCKER_LIST if docker else OCI_INDEX
    index: dict[str, Any] = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    if annotations:
        index["annotations"] = dict(annotations)
    return Index(_json(index), media_type, tuple(children))


def nest(*children: tuple[Content, Mapping[str, Any]], docker: bool = False) -> Index:
    """Make an index of images and indexes, each with what its entry says; None takes a key away."""
    entries = []
    for child, says in children:
        named = {"mediaType": child.media_type, "digest": child.digest, "size": child.size}
        listed = child.descriptor() if isinstance(child, Image) else named
        both = {**listed, **says}
        entries.append({key: value for key, value in both.items() if value is not None})
    media_type = DOCKER_LIST if docker else OCI_INDEX
    index = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    return Index(_json(index), media_type, tuple(child for child, _ in children))


def attests(digest: str) -> dict[str, str]:
    """The annotations that mark an entry as the attestation of an image."""
    return {
        "vnd.docker.reference.digest": digest,
        "vnd.docker.reference.type": "attestation-manifest",
    }


def write_layout(directory: Path, contents: Mapping[str, Content]) -> Path:
    """Write an OCI image layout that holds each content at its tag; give the directory."""
    blobs = directory / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    (directory / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
    entries = []
    for tag, content in contents.items():
        for blob in blobs_of(content):
            (blobs / digest_of(blob).removeprefix("sha256:")).write_bytes(blob)
        entry = {"mediaType": content.media_type, "digest": content.digest, "size": content.size}
        name = {"org.opencontainers.image.ref.name": tag}
        entries.append({**entry, "annotations": name} if tag else entry)
    (directory / "index.json").write_bytes(_json({"schemaVersion": 2, "manifests": entries}))
    return directory


def blobs_of(content: Content) -> tuple[bytes, ...]:
    """Everything a layout stores for a content: blobs, children, and the manifest last."""
    below = tuple(blob for child in content.children for blob in blobs_of(child))
    return (*below, *content.blobs, content.manifest)


def _blob(media_type: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": media_type, "size": len(content), "digest": digest_of(content)}


def _layer(seed: str, size: int) -> tuple[bytes, bytes]:
    """Give a tar archive with one file, plain and gzipped, with no clock in it."""
    content = random.Random(seed).randbytes(size)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.USTAR_FORMAT) as archive:
        entry = tarfile.TarInfo("file")
        entry.size = len(content)
        archive.addfile(entry, io.BytesIO(content))
    return raw.getvalue(), _stored_gzip(raw.getvalue())


def _stored_gzip(content: bytes) -> bytes:
    """Wrap content as gzip (RFC 1952) in stored blocks: compressed ones depend on the zlib."""
    blocks = [content[at : at + 0xFFFF] for at in range(0, len(content), 0xFFFF)] or [b""]
    deflated = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), 0xFFFF - len(block)) + block
        for block in blocks
    )
    header = b"\x1f\x8b\x08" + bytes(6) + b"\xff"
    return header + deflated + struct.pack("<II", zlib.crc32(content), len(content) & 0xFFFFFFFF)


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, indent=2).encode()
