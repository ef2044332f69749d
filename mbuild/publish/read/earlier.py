"""Which images of an index published earlier may stay in the next one without being read."""

from __future__ import annotations

from collections.abc import Iterable

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index
from mbuild.oci.platform import Platform, satisfies

_TOLD_BY_CONFIG = {"windows": "os_version", "arm": "variant"}
"""What an entry must have, by OS or architecture, to be as complete as its config makes it."""


def find_image(
    indexes: Iterable[Index], descriptor: Descriptor, wanted: Platform
) -> Descriptor | None:
    """Find the entry of the same manifest, in digest, size and type, that is for `wanted`.

    An entry that another tool may have written without what its config says (the os.version
    of Windows, the variant of arm) is not found, nor one that says more than is wanted and no
    config is likely to tell (an earlier spec may have): the config has to be read.
    """
    for index in indexes:
        for entry in index.images:
            if _is_same(entry, descriptor) and entry.platform and _fits(entry.platform, wanted):
                return entry
    return None


def is_listed(indexes: Iterable[Index], descriptor: Descriptor) -> bool:
    """Tell whether an index has an entry of the same manifest, whatever it is for."""
    return any(_is_same(entry, descriptor) for index in indexes for entry in index.manifests)


def _is_same(one: Descriptor, other: Descriptor) -> bool:
    return (one.digest, one.size, one.media_type) == (other.digest, other.size, other.media_type)


def _fits(offered: Platform, wanted: Platform) -> bool:
    told = [_TOLD_BY_CONFIG.get(word) for word in (offered.os, offered.architecture)]
    needed = ("os", "architecture", *filter(None, told))
    is_whole = all(getattr(offered, field) for field in needed)
    return is_whole and satisfies(offered, wanted) and not _says_more(offered, wanted)


def _says_more(offered: Platform, wanted: Platform) -> bool:
    if set(offered.os_features) != set(wanted.os_features):
        return True
    return offered.os != "windows" and offered.os_version != wanted.os_version
