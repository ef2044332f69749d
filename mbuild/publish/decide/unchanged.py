"""Unchanged: whether a target passes an index on as it is, byte for byte."""

from __future__ import annotations

from mbuild.oci import media_types
from mbuild.oci.conversion import is_of_kind
from mbuild.oci.index import Index
from mbuild.spec.spec import Target


def keeps_bytes(target: Target, index: Index) -> bool:
    """Tell whether a target is made of this index alone, and changes nothing of it.

    `index` is read flat: what indexes within it list counts too.
    """
    if len(target.sources) > 1 or target.remove or target.annotations:
        return False
    entry = target.sources[0]
    if entry.platform is not None or entry.annotations:
        return False
    if target.convert and not all(is_of_kind(it.media_type, target.format) for it in index.images):
        return False
    if target.format not in {"auto", _format_of(index.media_type)}:
        return False
    return target.attestations != "strip" or not any(it.is_attestation for it in index.manifests)


def _format_of(media_type: str) -> str:
    return "docker" if media_types.is_docker(media_type) else "oci"
