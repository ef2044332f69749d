"""Tar archives of images, made member by member without the code under test."""

import gzip
import io
import json
import sys
import tarfile
from collections.abc import Iterable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.support.images import (
    DOCKER_CONFIG,
    OCI_CONFIG,
    OCI_MANIFEST,
    Content,
    Image,
    digest_of,
    write_layout,
)

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

Members = dict[str, bytes]
PACKINGS = ("plain", "gzip", "zstd")
OCI_PLAIN_LAYER = "application/vnd.oci.image.layer.v1.tar"


def make_tar(members: Mapping[str, bytes] | Iterable[tuple[str, bytes | str]]) -> bytes:
    """A tar of files in order; text in the place of bytes makes a symbolic link to it."""
    pairs = members.items() if isinstance(members, Mapping) else members
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, content in pairs:
            entry = tarfile.TarInfo(name)
            if isinstance(content, str):
                entry.type, entry.linkname = tarfile.SYMTYPE, content
                archive.addfile(entry)
            else:
                entry.size = len(content)
                archive.addfile(entry, io.BytesIO(content))
    return raw.getvalue()


def packed(tar: bytes, packing: str = "plain") -> bytes:
    """A tar as it is, or compressed."""
    if packing == "gzip":
        return gzip.compress(tar, mtime=0)
    return zstd.compress(tar) if packing == "zstd" else tar


def write_tar(path: Path, members: Mapping[str, bytes], packing: str = "plain") -> Path:
    """Write an archive, and give its path."""
    path.write_bytes(packed(make_tar(members), packing))
    return path


def oci_members(contents: Mapping[str, Content]) -> Members:
    """The files of a layout that holds contents by tag."""
    with TemporaryDirectory() as name:
        root = write_layout(Path(name) / "layout", contents)
        files = sorted(path for path in root.rglob("*") if path.is_file())
        return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def plain_layers(image: Image) -> list[bytes]:
    """The layers of an image, unpacked."""
    return [gzip.decompress(layer) for layer in image.layers]


def docker_members(images: Mapping[str, Image]) -> Members:
    """What `docker save` wrote up to version 24: images by name, `""` for one without."""
    members: Members = {}
    saved = []
    for name, image in images.items():
        names = []
        for raw in plain_layers(image):
            names.append(f"{digest_of(raw)[7:]}/layer.tar")
            members[names[-1]] = raw
            members[f"{digest_of(raw)[7:]}/VERSION"] = b"1.0"
        config = f"{digest_of(image.config)[7:]}.json"
        members[config] = image.config
        tags = [name] if name else None
        saved.append({"Config": config, "RepoTags": tags, "Layers": names})
    return {**members, "manifest.json": json.dumps(saved).encode()}


def new_docker_members(name: str, image: Image, *, is_packed: bool = False) -> Members:
    """What `docker save` writes from version 25 on: a layout too, its layers unpacked.

    With `is_packed`, as from containerd's store: the layers as they were pulled.
    """
    layers = list(image.layers) if is_packed else plain_layers(image)
    blobs = [image.config, *layers]
    members: Members = {f"blobs/sha256/{digest_of(raw)[7:]}": raw for raw in blobs}
    manifest = json.dumps(
        {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": _described(OCI_CONFIG, image.config),
            "layers": [_described(OCI_PLAIN_LAYER, raw) for raw in layers],
        }
    ).encode()
    saved = {
        "Config": f"blobs/sha256/{digest_of(image.config)[7:]}",
        "RepoTags": [name],
        "Layers": [f"blobs/sha256/{digest_of(raw)[7:]}" for raw in layers],
        "LayerSources": {digest_of(raw): _described(OCI_PLAIN_LAYER, raw) for raw in layers},
    }
    named = {"annotations": {"org.opencontainers.image.ref.name": name.partition(":")[2]}}
    return {
        **members,
        f"blobs/sha256/{digest_of(manifest)[7:]}": manifest,
        "index.json": json.dumps(
            {"schemaVersion": 2, "manifests": [{**_described(OCI_MANIFEST, manifest), **named}]}
        ).encode(),
        "manifest.json": json.dumps([saved]).encode(),
        "oci-layout": b'{"imageLayoutVersion": "1.0.0"}',
    }


def made_config(image: Image) -> dict[str, object]:
    """The descriptor of an image's config in a Docker manifest."""
    return _described(DOCKER_CONFIG, image.config)


def _described(media_type: str, raw: bytes) -> dict[str, object]:
    return {"mediaType": media_type, "size": len(raw), "digest": digest_of(raw)}
