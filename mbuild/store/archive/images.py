"""What an archive of either kind gives: images by name, and blobs by digest."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Protocol

from mbuild.errors import SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.store.archive.pieces import Piece


class Images(Protocol):
    """The images in one archive; `where` is how an error names what was asked for."""

    @property
    def tags(self) -> tuple[str, ...]:
        """Give the names of the images."""

    async def candidates(self, tag: str) -> tuple[Descriptor, ...]:
        """Give the images that a tag, or no tag, may mean."""

    async def by_tag(self, tag: str, where: str) -> Content:
        """Give the manifest of an image, with empty text that of the only one.

        Raises NotFound for none, and an error that lists them for several.
        """

    async def by_digest(self, digest: Digest, where: str) -> Content:
        """Give a manifest; raises NotFound for none."""

    async def referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Give the manifests that have this one as their subject."""

    async def piece(self, digest: Digest) -> Piece | None:
        """Give a blob, None where there is none."""


@contextlib.contextmanager
def explain_broken(where: str) -> Iterator[None]:
    """Blame the archive for text in it that cannot be read."""
    try:
        yield
    except ValueError as error:
        raise SourceError(
            f"the archive is broken: {error.args[0]}", where=where, hint="make the archive again"
        ) from None
