"""Made images as the values the code under test takes."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.oci.manifest import Content
from mbuild.registry.source import OpenSource
from tests.support import images


def content_of(made: images.Content) -> Content:
    """The manifest of a made image or index."""
    return Content(made.media_type, parse_digest(made.digest), made.manifest)


def blob_descriptor(blob: bytes, *, size: int | None = None) -> Descriptor:
    """The descriptor of a blob, perhaps with a size that is wrong."""
    digest = parse_digest(images.digest_of(blob))
    return Descriptor("application/octet-stream", digest, len(blob) if size is None else size)


def stream_of(*chunks: bytes, error: Exception | None = None) -> OpenSource:
    """A blob's source that gives chunks, and then perhaps fails."""

    async def give(offset: int) -> AsyncIterator[bytes]:
        for chunk in chunks:
            if chunk[offset:]:
                yield chunk[offset:]
            offset = max(0, offset - len(chunk))
        if error:
            raise error

    @asynccontextmanager
    async def open_source(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        yield give(offset)

    return open_source
