"""Candidates: the images in an index.json that a tag, or no tag, may mean."""

from __future__ import annotations

import re

from mbuild.errors import StoreError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import is_set_apart
from mbuild.store.layout_index import REF_NAME, LayoutIndex

_MANIFESTS = media_types.IMAGE_MANIFESTS | media_types.INDEXES | media_types.SCHEMA1
_BESIDE_AN_IMAGE = re.compile(r"sha(256|512)-[0-9a-f]{64,128}(\.[a-z]+)?")
"""Tags of what belongs to an image: the referrers' fallback tag, and cosign's."""


def find_candidates(index: LayoutIndex, tag: str) -> tuple[Descriptor, ...]:
    """Give each manifest once that `tag` stands for, or with empty text each image, in order.

    Signatures, attestations and artifacts are no images, where an image is there too.
    """
    first: dict[Digest, Descriptor] = {}
    for entry in index.find(tag):
        first.setdefault(entry.digest, entry)
    distinct = tuple(first.values())
    images = tuple(entry for entry in distinct if _is_image(entry))
    return distinct if tag else images or distinct


def pick_candidate(
    index: LayoutIndex, tag: str, *, noun: str = "layout", where: str = ""
) -> Descriptor | None:
    """Give the only candidate, None where there is none.

    Raises StoreError for several, which lists them: `noun` is what they are in, `where` its
    name with the tag.
    """
    found = find_candidates(index, tag)
    if len(found) > 1:
        names = ((not tag and one.annotation(REF_NAME)) or f"@{one.digest}" for one in found)
        raise StoreError(
            f"the {'tag' if tag else noun} stands for several images",
            where=where,
            hint=f"say which one: {', '.join(names)}",
        )
    return found[0] if found else None


def _is_image(entry: Descriptor) -> bool:
    is_beside = bool(_BESIDE_AN_IMAGE.fullmatch(entry.annotation(REF_NAME)))
    is_manifest = entry.media_type in _MANIFESTS
    return is_manifest and not (is_beside or entry.artifact_type or is_set_apart(entry))
