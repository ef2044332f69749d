"""An index: the ordered list of a multi-platform image's entries, and its exact bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from mbuild.oci import media_types
from mbuild.oci.descriptor import (
    Annotations,
    Descriptor,
    descriptor_at,
    make_annotations,
    to_docker_dict,
    to_oci_dict,
)
from mbuild.oci.digest import digest_of
from mbuild.oci.fields import (
    optional,
    optional_map,
    optional_objects,
    optional_text,
    parse_object,
)
from mbuild.oci.go_json import go_json
from mbuild.oci.manifest import Content


@dataclass(frozen=True, slots=True)
class Index:
    """An OCI index (image-spec, image-index.md) or a Docker manifest list.

    `manifests` keeps its order and may hold equal platforms: clients take the first match.
    """

    media_type: str
    manifests: tuple[Descriptor, ...]
    annotations: Annotations = ()
    artifact_type: str = ""
    subject: Descriptor | None = None

    @property
    def images(self) -> tuple[Descriptor, ...]:
        """Give the entries a client may pull: attestations and other `unknown` ones left out."""
        return tuple(entry for entry in self.manifests if not is_set_apart(entry))

    @property
    def indexes(self) -> tuple[Descriptor, ...]:
        """Give the entries that are indexes themselves."""
        return tuple(one for one in self.manifests if media_types.is_index(one.media_type))

    def attestations_of(self, image: Descriptor) -> tuple[Descriptor, ...]:
        """Give the attestation entries that speak of one of the images, in order."""
        digest = str(image.digest)
        return tuple(entry for entry in self.manifests if entry.attests == digest)


def is_set_apart(entry: Descriptor) -> bool:
    """Tell whether no client may choose the entry: an attestation, or `unknown/unknown`."""
    return entry.is_attestation or (entry.platform is not None and entry.platform.is_unknown)


def is_surely_no_image(entry: Descriptor) -> bool:
    """Tell whether the entry says itself that it is none: set apart, an artifact, an index.

    Some tools write the config's type of an image as its `artifactType`.
    """
    is_artifact = entry.artifact_type not in {"", *media_types.IMAGE_CONFIGS}
    return is_set_apart(entry) or is_artifact or media_types.is_index(entry.media_type)


def to_bytes(index: Index) -> bytes:
    """Write the index: the same index gives the same bytes, and so the same digest.

    An OCI index has the key order of image-spec's Go types, a Docker list that of
    distribution's; both two spaces deep and without a final newline.
    """
    if index.media_type == media_types.DOCKER_LIST:
        return go_json(
            {
                "schemaVersion": 2,
                "mediaType": index.media_type,
                "manifests": [to_docker_dict(entry) for entry in index.manifests],
            }
        )
    return go_json(_oci_pairs(index))


def _oci_pairs(index: Index) -> dict[str, Any]:
    pairs = {
        "schemaVersion": 2,
        "mediaType": index.media_type,
        "artifactType": index.artifact_type,
        "manifests": [to_oci_dict(entry) for entry in index.manifests],
        "subject": to_oci_dict(index.subject) if index.subject else None,
        "annotations": dict(index.annotations),
    }
    return {key: value for key, value in pairs.items() if value or key == "manifests"}


def to_content(index: Index) -> Content:
    """Give the index as the bytes that are pushed, with their digest."""
    raw = to_bytes(index)
    return Content(index.media_type, digest_of(raw), raw)


def parse_index(raw: bytes) -> Index:
    """Parse an OCI index or a Docker manifest list.

    Raises ValueError that names the field for anything that is not one.
    """
    data = parse_object(raw)
    if optional(data, "schemaVersion", int, 0) != 2:
        raise ValueError("'schemaVersion' is not 2")
    if "manifests" not in data:
        raise ValueError("'manifests' is missing")
    if "config" in data or "layers" in data:
        raise ValueError("it has 'manifests' and, like an image manifest, 'config' or 'layers'")
    media_type = optional_text(data, "mediaType") or media_types.OCI_INDEX
    if not media_types.is_index(media_type):
        raise ValueError(f"'mediaType' is {media_type!r}, not an index's")
    subject = optional(data, "subject", dict, None)
    return Index(
        media_type=media_type,
        manifests=tuple(
            descriptor_at(f"manifests[{position}]", entry)
            for position, entry in enumerate(optional_objects(data, "manifests"))
        ),
        annotations=make_annotations(dict(optional_map(data, "annotations"))),
        artifact_type=optional_text(data, "artifactType"),
        subject=None if subject is None else descriptor_at("subject", subject),
    )
