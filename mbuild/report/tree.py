"""What `inspect` shows: an index's entries, or an image manifest's config and layers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from mbuild.errors import one_line
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, to_oci_dict
from mbuild.oci.index import parse_index
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.report.text import human_size, short, table

_KINDS = {
    media_types.OCI_INDEX: "OCI index",
    media_types.OCI_MANIFEST: "OCI image",
    media_types.DOCKER_LIST: "Docker manifest list",
    media_types.DOCKER_MANIFEST: "Docker image",
}


def inspect_lines(name: str, content: Content) -> Iterator[str]:
    """Give the table of an index's entries, or of an image's config and layers.

    Raises ValueError where the bytes are not what their media type says.
    """
    yield f"{name}@{content.digest}"
    yield f"  {kind_name(content.media_type)}, {content.size} bytes"
    yield from table([tuple(map(one_line, row)) for row in _rows(content)], indent=2)


def _rows(content: Content) -> list[tuple[str, ...]]:
    if media_types.is_index(content.media_type):
        return [
            (
                _platform_name(entry),
                str(entry.digest),
                f"{entry.size} B",
                kind_name(entry.media_type),
            )
            for entry in parse_index(content.raw).manifests
        ]
    manifest = parse_image_manifest(content.raw)
    blobs = [("config", manifest.config), *(("layer", layer) for layer in manifest.layers)]
    return [
        (role, str(blob.digest), human_size(blob.size), blob.media_type) for role, blob in blobs
    ]


def kind_name(media_type: str) -> str:
    """Give a manifest's media type in words a person uses, or as it stands."""
    return _KINDS.get(media_type) or one_line(media_type)


def _platform_name(entry: Descriptor) -> str:
    if entry.is_attestation:
        return f"attestation of {short(entry.attests)}"
    return str(entry.platform) if entry.platform else "-"


def inspect_document(name: str, content: Content) -> dict[str, Any]:
    """Give the same as a JSON document.

    Raises ValueError where the bytes are not what their media type says.
    """
    document: dict[str, Any] = {
        "version": 1,
        "image": name,
        "digest": str(content.digest),
        "size": content.size,
        "mediaType": content.media_type,
    }
    if media_types.is_index(content.media_type):
        entries = parse_index(content.raw).manifests
        return document | {"manifests": [to_oci_dict(entry) for entry in entries]}
    manifest = parse_image_manifest(content.raw)
    return document | {
        "config": to_oci_dict(manifest.config),
        "layers": [to_oci_dict(layer) for layer in manifest.layers],
    }
