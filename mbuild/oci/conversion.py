"""An image manifest of one kind made one of the other: other media types, the same blobs."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, to_docker_dict, to_oci_dict
from mbuild.oci.digest import digest_of
from mbuild.oci.go_json import compact_go_json
from mbuild.oci.manifest import Content, ImageManifest, parse_image_manifest

_DOCKER_TO_OCI: Mapping[str, str] = {
    media_types.DOCKER_CONFIG: media_types.OCI_CONFIG,
    "application/vnd.docker.image.rootfs.diff.tar": "application/vnd.oci.image.layer.v1.tar",
    "application/vnd.docker.image.rootfs.diff.tar.gzip": (
        "application/vnd.oci.image.layer.v1.tar+gzip"
    ),
    "application/vnd.docker.image.rootfs.diff.tar.zstd": (
        "application/vnd.oci.image.layer.v1.tar+zstd"
    ),
    "application/vnd.docker.image.rootfs.foreign.diff.tar": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar"
    ),
    "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip": (
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
    ),
}

_OCI_TO_DOCKER: Mapping[str, str] = {
    oci: docker
    for docker, oci in _DOCKER_TO_OCI.items()
    # Docker's documents have no zstd: some builders write it, and many clients fail on it.
    if not docker.endswith(".zstd")
}


@dataclass(frozen=True, slots=True)
class Conversion:
    """The manifest of the other kind; `lost` are the keys of annotations it has no place for."""

    content: Content
    lost: tuple[str, ...] = ()


def is_of_kind(media_type: str, kind: str) -> bool:
    """Tell whether a manifest's type is one of the `kind` oci or docker."""
    return media_types.is_docker(media_type) == (kind == "docker")


def convert_manifest(raw: bytes, kind: str) -> Conversion:
    """Make an image manifest one of the `kind` oci or docker.

    Config and layers stay as they are, byte for byte, under the media types of that kind; so
    the same manifest always gives the same bytes. They have the form that Go's encoding/json
    gives the types of image-spec and of distribution: no white space. Raises ValueError, which
    says what it is, for what that kind has no counterpart of.
    """
    manifest = parse_image_manifest(raw)
    return _to_docker(manifest) if kind == "docker" else _to_oci(manifest)


def _to_oci(manifest: ImageManifest) -> Conversion:
    pairs = {
        **_parts(media_types.OCI_MANIFEST, manifest, _DOCKER_TO_OCI, to_oci_dict),
        **({"annotations": dict(manifest.annotations)} if manifest.annotations else {}),
    }
    return Conversion(_written(pairs))


def _to_docker(manifest: ImageManifest) -> Conversion:
    if manifest.artifact_type:
        raise ValueError(f"it is an artifact of type {manifest.artifact_type!r}")
    if manifest.subject:
        raise ValueError(f"it has the subject {manifest.subject.digest}")
    pairs = _parts(media_types.DOCKER_MANIFEST, manifest, _OCI_TO_DOCKER, to_docker_dict)
    annotated = (manifest.annotations, *(blob.annotations for blob in _blobs(manifest)))
    lost = sorted({key for annotations in annotated for key, _ in annotations})
    return Conversion(_written(pairs), tuple(lost))


def _parts(
    media_type: str,
    manifest: ImageManifest,
    types: Mapping[str, str],
    write: Callable[[Descriptor], dict[str, Any]],
) -> dict[str, Any]:
    """Give what both kinds have, in the order in which both have it."""
    return {
        "schemaVersion": 2,
        "mediaType": media_type,
        "config": write(_retyped("its config", manifest.config, types)),
        "layers": [write(_retyped("its layer", layer, types)) for layer in manifest.layers],
    }


def _retyped(part: str, blob: Descriptor, types: Mapping[str, str]) -> Descriptor:
    """Give a blob's descriptor with the other kind's type; it may have that already."""
    media_type = types.get(blob.media_type, blob.media_type)
    if media_type not in types.values():
        raise ValueError(f"{part} {blob.digest} is of type {blob.media_type!r}")
    return replace(blob, media_type=media_type)


def _blobs(manifest: ImageManifest) -> tuple[Descriptor, ...]:
    return (manifest.config, *manifest.layers)


def _written(pairs: dict[str, Any]) -> Content:
    raw = compact_go_json(pairs)
    return Content(pairs["mediaType"], digest_of(raw), raw)
