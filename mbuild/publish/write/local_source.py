"""Bytes of a layout or archive: where they are wrong, the image is at fault, and no registry."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mbuild.errors import IntegrityError, SourceError
from mbuild.registry.source import Checked


class LocalSource(Checked):
    """A checked source whose wrong bytes are a SourceError."""

    def __init__(self, source: Checked) -> None:
        self._source = source

    @asynccontextmanager
    async def __call__(self, offset: int, /) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open it."""
        async with self._source(offset) as chunks:
            yield _blamed(chunks)


async def _blamed(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    try:
        async for chunk in chunks:
            yield chunk
    except IntegrityError as error:
        raise SourceError(
            error.message, where=error.where, hint="build or export the image again"
        ) from error
