"""A reference to an image on this disk, in an OCI image layout or in an archive.

Source: containers-transports(5) for `oci:`, `oci-archive:` and `docker-archive:`.
"""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass, replace
from typing import Literal

from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.registry_reference import TAG, parse_reference, with_tail

_LAYOUT_WORD = r"[A-Za-z0-9]+(?:(?:[-._:@+]|--)[A-Za-z0-9]+)*"
_LAYOUT_TAG = re.compile(rf"{_LAYOUT_WORD}(?:/{_LAYOUT_WORD})*")
_SOURCE_NUMBER = re.compile(r"@[0-9]{1,9}", re.ASCII)

ArchiveTransport = Literal["oci-archive", "docker-archive"]


@dataclass(frozen=True, slots=True)
class LayoutReference:
    """An image in an OCI image layout directory: `oci:DIR[:TAG]`, as skopeo and podman write it.

    `directory` is a path as it was written, or joined to a folder by whoever read it.
    """

    directory: str
    tag: str = ""
    digest: Digest | None = None

    @property
    def repository(self) -> str:
        """Give `oci:DIR`, the name of what holds the image."""
        return f"oci:{self.directory}"

    @property
    def familiar(self) -> str:
        """Give the repository as people write it."""
        return self.repository

    def __str__(self) -> str:
        return with_tail(self.repository, self.tag, self.digest)

    def with_tag(self, tag: str) -> LayoutReference:
        """Give the same layout at a tag, and no digest."""
        return replace(self, tag=tag, digest=None)

    def within(self, folder: str) -> LayoutReference:
        """Give the same layout with its path joined to a folder."""
        return replace(self, directory=_joined(folder, self.directory))

    @property
    def normal(self) -> str:
        """Give the repository with its path normalised: the same however it is written."""
        return f"oci:{posixpath.normpath(self.directory)}"


@dataclass(frozen=True, slots=True)
class ArchiveReference:
    """An image in a tar archive: `oci-archive:FILE[:TAG]` or `docker-archive:FILE[:REF]`.

    `tag` is what is written after the file: of a docker-archive a name and tag (`app:1`), or
    `@N`, the image at that place in it, counted from 0.
    """

    transport: ArchiveTransport
    file: str
    tag: str = ""
    digest: Digest | None = None

    @property
    def repository(self) -> str:
        """Give `oci-archive:FILE` or `docker-archive:FILE`, the name of what holds the image."""
        return f"{self.transport}:{self.file}"

    @property
    def familiar(self) -> str:
        """Give the repository as people write it."""
        return self.repository

    def __str__(self) -> str:
        return with_tail(self.repository, self.tag, self.digest)

    @property
    def is_docker(self) -> bool:
        """Tell whether it is one that `docker save` writes, and no layout in a tar."""
        return self.transport == "docker-archive"

    def with_tag(self, tag: str) -> ArchiveReference:
        """Give the same archive at a tag, and no digest."""
        return replace(self, tag=tag, digest=None)

    def within(self, folder: str) -> ArchiveReference:
        """Give the same archive with its path joined to a folder."""
        return replace(self, file=_joined(folder, self.file))

    @property
    def normal(self) -> str:
        """Give the repository with its path normalised: the same however it is written."""
        return f"{self.transport}:{posixpath.normpath(self.file)}"


LocalReference = LayoutReference | ArchiveReference
"""An image on this disk: without a tag it is the only one of what holds it."""


def _joined(folder: str, path: str) -> str:
    return posixpath.normpath(posixpath.join(folder, path))


def parse_layout_reference(text: str) -> LayoutReference:
    """Parse `oci:DIR[:TAG][@DIGEST]`; a colon inside DIR cannot be written, as in skopeo.

    TAG is what the layout says in org.opencontainers.image.ref.name, and may thus be a
    whole reference. Raises ValueError for an empty directory or a tag that is not one.
    """
    directory, tag, digest = _split_local(text)
    if not directory:
        raise ValueError(f"{text!r} is not a reference: oci: needs a directory, oci:DIR[:TAG]")
    _check_layout_tag(text, tag, "a layout")
    return LayoutReference(directory, tag or "", digest)


def parse_archive_reference(text: str) -> ArchiveReference:
    """Parse `oci-archive:FILE[:TAG][@DIGEST]` or `docker-archive:FILE[:REF][@DIGEST]`.

    The first colon after the transport's ends FILE, as in skopeo. REF is a reference with a
    tag, `latest` if it has none, or `@N`. Raises ValueError.
    """
    transport: ArchiveTransport = (
        "oci-archive" if text.startswith("oci-archive:") else "docker-archive"
    )
    file, tag, digest = _split_local(text)
    if not file:
        form = f"{transport}:FILE[:{'TAG' if transport == 'oci-archive' else 'REF'}]"
        raise ValueError(f"{text!r} is not a reference: {transport}: needs a file, {form}")
    if transport == "oci-archive":
        _check_layout_tag(text, tag, "an archive")
    elif tag is not None:
        _check_docker_ref(text, tag)
    return ArchiveReference(transport, file, tag or "", digest)


def _split_local(text: str) -> tuple[str, str | None, Digest | None]:
    """Split what follows the transport into path, tag and digest."""
    _, _, rest = text.partition(":")
    name, at, digest_text = rest.rpartition("@sha256:")
    digest = parse_digest(f"sha256:{digest_text}") if at else None
    path, colon, tag = (name if at else rest).partition(":")
    return path, tag if colon else None, digest


def _check_layout_tag(text: str, tag: str | None, place: str) -> None:
    if tag is not None and not (TAG.fullmatch(tag) or _LAYOUT_TAG.fullmatch(tag)):
        raise ValueError(f"{text!r} is not a reference: {tag!r} cannot be a tag in {place}")


def _check_docker_ref(text: str, ref: str) -> None:
    if _SOURCE_NUMBER.fullmatch(ref):
        return
    try:
        parse_reference(ref)
    except ValueError as error:
        raise ValueError(f"{text!r} is not a reference: {error.args[0]}") from None
