"""A descriptor: the media type, digest and size of content, and what an index says of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.fields import (
    optional,
    optional_map,
    optional_text,
    optional_texts,
    required_text,
)
from mbuild.oci.platform import Platform, platform_from

Annotations = tuple[tuple[str, str], ...]
"""Annotations as pairs, sorted by key: a frozen mapping."""

REFERENCE_TYPE = "vnd.docker.reference.type"
REFERENCE_DIGEST = "vnd.docker.reference.digest"
ATTESTATION = "attestation-manifest"
ZSTD = "io.github.containers.compression.zstd"


@dataclass(frozen=True, slots=True)
class Descriptor:
    """A descriptor as in image-spec, descriptor.md; `size` is in bytes."""

    media_type: str
    digest: Digest
    size: int
    platform: Platform | None = None
    annotations: Annotations = ()
    urls: tuple[str, ...] = ()
    data: str = ""
    artifact_type: str = ""

    def annotation(self, key: str) -> str:
        """Give an annotation's value, or empty text."""
        return dict(self.annotations).get(key, "")

    @property
    def is_attestation(self) -> bool:
        """Tell whether this is an attestation manifest, as buildx adds them to an index."""
        return self.annotation(REFERENCE_TYPE) == ATTESTATION

    @property
    def attests(self) -> str:
        """Give the digest of the image an attestation speaks of, or empty text."""
        return self.annotation(REFERENCE_DIGEST) if self.is_attestation else ""

    @property
    def is_zstd(self) -> bool:
        """Tell whether the entry is marked as the zstd twin of another one."""
        return self.annotation(ZSTD) == "true"


def make_annotations(pairs: Mapping[str, str]) -> Annotations:
    """Make annotations of a mapping, sorted by the bytes of their keys as Go sorts them."""
    return tuple(sorted(pairs.items(), key=lambda pair: pair[0].encode()))


def descriptor_from(data: Mapping[str, Any]) -> Descriptor:
    """Read a descriptor's JSON object.

    Raises ValueError that names the field for a missing or mistyped one, a negative size or
    a malformed digest.
    """
    size = optional(data, "size", int, -1)
    if size < 0:
        raise ValueError("'size' is missing or negative")
    platform = optional(data, "platform", dict, None)
    return Descriptor(
        media_type=required_text(data, "mediaType"),
        digest=parse_digest(required_text(data, "digest")),
        size=size,
        platform=None if platform is None else platform_from(platform),
        annotations=make_annotations(dict(optional_map(data, "annotations"))),
        urls=optional_texts(data, "urls"),
        data=optional_text(data, "data"),
        artifact_type=optional_text(data, "artifactType"),
    )


def descriptor_at(field: str, data: Mapping[str, Any]) -> Descriptor:
    """Read a descriptor that stands in `field`, which the ValueError then names too."""
    try:
        return descriptor_from(data)
    except ValueError as error:
        raise ValueError(f"in {field}: {error.args[0]}") from None


def to_oci_dict(descriptor: Descriptor) -> dict[str, Any]:
    """Give the JSON object of an OCI index entry, keys in the order the index bytes have them."""
    platform = descriptor.platform
    return _without_empty(
        {
            "mediaType": descriptor.media_type,
            "digest": str(descriptor.digest),
            "size": descriptor.size,
            "urls": list(descriptor.urls),
            "annotations": dict(descriptor.annotations),
            "data": descriptor.data,
            "platform": platform.to_dict() if platform else None,
            "artifactType": descriptor.artifact_type,
        }
    )


def to_docker_dict(descriptor: Descriptor) -> dict[str, Any]:
    """Give the JSON object of a Docker manifest list entry.

    Annotations, data and artifactType have no place in a Docker list (distribution,
    manifest-v2-2 document).
    """
    platform = descriptor.platform
    return _without_empty(
        {
            "mediaType": descriptor.media_type,
            "size": descriptor.size,
            "digest": str(descriptor.digest),
            "urls": list(descriptor.urls),
            "platform": platform.to_dict() if platform else None,
        }
    )


def _without_empty(pairs: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in pairs.items() if value or key == "size"}
