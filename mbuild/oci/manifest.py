"""A manifest as it came: its bytes, and an image manifest's config, layers and subject."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mbuild.oci import media_types
from mbuild.oci.descriptor import Annotations, Descriptor, descriptor_at, make_annotations
from mbuild.oci.digest import Digest
from mbuild.oci.fields import (
    optional,
    optional_map,
    optional_objects,
    optional_text,
    parse_object,
)

MAX_MANIFEST_SIZE = 4 * 1024 * 1024
"""The largest manifest or config in bytes; distribution-spec, "Pushing Manifests"."""


@dataclass(frozen=True, slots=True)
class Content:
    """A manifest or index, byte for byte as it came, with its media type and digest."""

    media_type: str
    digest: Digest
    raw: bytes

    @property
    def size(self) -> int:
        """Give the size in bytes."""
        return len(self.raw)

    def descriptor(self) -> Descriptor:
        """Give the descriptor that names these bytes."""
        return Descriptor(self.media_type, self.digest, self.size)


@dataclass(frozen=True, slots=True)
class ImageManifest:
    """What an image manifest holds (image-spec, manifest.md; Docker's manifest-v2-2)."""

    config: Descriptor
    layers: tuple[Descriptor, ...]
    subject: Descriptor | None = None
    annotations: Annotations = ()
    artifact_type: str = ""

    @property
    def blobs(self) -> tuple[Descriptor, ...]:
        """Give config and layers, each digest once, in order."""
        return tuple({blob.digest: blob for blob in (self.config, *self.layers)}.values())


def parse_image_manifest(raw: bytes) -> ImageManifest:
    """Parse an OCI or Docker schema 2 image manifest.

    Raises ValueError that names the field for anything that is not one.
    """
    data = parse_object(raw)
    if optional(data, "schemaVersion", int, 0) != 2:
        raise ValueError("'schemaVersion' is not 2")
    config = optional(data, "config", dict, None)
    if config is None:
        raise ValueError("'config' is missing")
    if "manifests" in data:
        raise ValueError("it has 'config' and, like an index, 'manifests'")
    subject = optional(data, "subject", dict, None)
    return ImageManifest(
        config=descriptor_at("config", config),
        layers=tuple(
            descriptor_at(f"layers[{position}]", layer)
            for position, layer in enumerate(optional_objects(data, "layers"))
        ),
        subject=None if subject is None else descriptor_at("subject", subject),
        annotations=make_annotations(dict(optional_map(data, "annotations"))),
        artifact_type=optional_text(data, "artifactType"),
    )


def media_type_of(raw: bytes, declared: str) -> str:
    """Decide what a manifest is: from its own `mediaType`, else `declared`, else its shape.

    `declared` is the Content-Type or the descriptor's media type, and may be empty or
    something general (`text/plain`). Raises ValueError for bytes that are not a JSON
    object, for a body that says another manifest type than `declared`
    (distribution-spec, "Pulling manifests"), and for a shape that is none of these.
    """
    data = parse_object(raw)
    declared = declared.partition(";")[0].strip().lower()
    inside = optional_text(data, "mediaType")
    known = media_types.INDEXES | media_types.IMAGE_MANIFESTS | media_types.SCHEMA1
    if inside and declared in known and inside != declared:
        raise ValueError(f"it was served as {declared}, and says of itself {inside}")
    if inside or declared in known:
        return inside or declared
    return _media_type_by_shape(data)


def _media_type_by_shape(data: Mapping[str, Any]) -> str:
    if data.get("schemaVersion") == 1:
        return media_types.DOCKER_SCHEMA1_SIGNED
    if "manifests" in data:
        return media_types.OCI_INDEX
    if "config" in data and "layers" in data:
        return media_types.OCI_MANIFEST
    raise ValueError("it is neither an image manifest nor an index")
