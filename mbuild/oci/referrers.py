"""Referrers: manifests that speak of another one, and the tags by which they are found."""

from __future__ import annotations

import re

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, descriptor_at, make_annotations
from mbuild.oci.digest import Digest
from mbuild.oci.fields import optional, optional_map, optional_text, parse_object
from mbuild.oci.manifest import Content

COSIGN_SUFFIXES = (".sig", ".att", ".sbom")
"""Signatures, attestations and SBOMs as cosign tags them beside an image."""

_LONGEST_TAG = 128
_NO_TAG_CHARACTER = re.compile(r"[^a-zA-Z0-9._-]")


def referrers_tag(subject: Digest) -> str:
    """Give the tag of a manifest's referrers in a registry that has no API for them.

    Source: distribution-spec, "Referrers Tag Schema".
    """
    tag = f"{subject.algorithm[:32]}-{subject.encoded[:64]}"
    return _NO_TAG_CHARACTER.sub("-", tag)


def cosign_tags(subject: Digest) -> tuple[str, ...]:
    """Give the tags under which cosign keeps what belongs to a manifest.

    A digest longer than sha256's makes no tag at all, and has none.
    """
    tags = (f"{subject.algorithm}-{subject.encoded}{suffix}" for suffix in COSIGN_SUFFIXES)
    return tuple(tag for tag in tags if len(tag) <= _LONGEST_TAG)


def subject_of(content: Content) -> Descriptor | None:
    """Give the manifest that this one speaks of; ValueError for a subject that is none."""
    subject = optional(parse_object(content.raw), "subject", dict, None)
    return None if subject is None else descriptor_at("subject", subject)


def referrer_descriptor(content: Content) -> Descriptor:
    """Give a referrer's entry in a list of referrers, as a registry writes it.

    An image manifest without an artifact type of its own has that of its config; an index
    has none. Source: distribution-spec, "Listing Referrers". Raises ValueError.
    """
    data = parse_object(content.raw)
    artifact_type = optional_text(data, "artifactType")
    if not artifact_type and not media_types.is_index(content.media_type):
        artifact_type = optional_text(optional(data, "config", dict, {}), "mediaType")
    return Descriptor(
        content.media_type,
        content.digest,
        content.size,
        annotations=make_annotations(dict(optional_map(data, "annotations"))),
        artifact_type=artifact_type,
    )
