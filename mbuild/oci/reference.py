"""A reference: the name of an image, in a registry, in a layout or in an archive."""

from __future__ import annotations

import re

from mbuild.oci.local_reference import (
    ArchiveReference,
    LayoutReference,
    LocalReference,
    parse_archive_reference,
    parse_layout_reference,
)
from mbuild.oci.registry_reference import (
    DEFAULT_TAG,
    HUB,
    Reference,
    check_tag,
    is_domain,
    parse_reference,
    with_default_tag,
)

__all__ = [
    "DEFAULT_TAG",
    "HUB",
    "AnyReference",
    "ArchiveReference",
    "LayoutReference",
    "LocalReference",
    "Reference",
    "asked_for",
    "check_tag",
    "is_domain",
    "parse_any_reference",
    "parse_archive_reference",
    "parse_layout_reference",
    "parse_reference",
    "with_default_tag",
]

_OTHER_FORM = re.compile(r"(?P<scheme>docker|https?)://|(?:containers-storage|dir|docker-daemon):")

AnyReference = Reference | LocalReference


def parse_any_reference(text: str) -> AnyReference:
    """Parse a layout's, an archive's or a registry reference; raises ValueError.

    Other transports and URLs are refused by name: `dir:app` would be read as an image of
    Docker Hub.
    """
    other = _OTHER_FORM.match(text)
    if other and other["scheme"]:
        raise ValueError(f"{text!r} is not a reference: write it without {other[0]}")
    if other:
        raise ValueError(f"{text!r} is not a reference: {other[0]} is no transport mbuild knows")
    if text.startswith("oci:"):
        return parse_layout_reference(text)
    if text.startswith(("oci-archive:", "docker-archive:")):
        return parse_archive_reference(text)
    return parse_reference(text)


def asked_for(reference: AnyReference) -> str:
    """Give what a repository is asked for: the digest, else the tag, else `latest`.

    Of a layout or archive without a tag it is empty text, which means its only image.
    """
    if reference.digest:
        return str(reference.digest)
    default = "" if isinstance(reference, LocalReference) else DEFAULT_TAG
    return reference.tag or default
