"""Progress of copies: who wants to show it is told of each blob, and how far it has come."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Protocol

from mbuild.oci.descriptor import Descriptor
from mbuild.registry.source import Checked


class Meter(Protocol):
    """Is told how far one blob has come on its way to one target."""

    def reach(self, position: int) -> None:
        """Take note that so many of its first bytes are sent; fewer than before after a break."""

    def end(self, *, is_sent: bool) -> None:
        """Take note that it is there, or that it will not come."""


class Progress(Protocol):
    """Is told which copies a run has to make. It never waits, and never raises."""

    def expect(self, blob: Descriptor, copies: int) -> None:
        """Take note that a blob may have to be copied, to so many targets."""

    def spare(self, blob: Descriptor, copies: int) -> None:
        """Take note that so many of these copies need not be made, or cannot be."""

    def begin(self, blob: Descriptor, source: str, target: str) -> Meter:
        """Take note that one of them begins, and give what is told of its bytes."""


class Unwatched:
    """Progress, and a meter, that nobody looks at."""

    def expect(self, blob: Descriptor, copies: int) -> None:
        """Do nothing."""

    def spare(self, blob: Descriptor, copies: int) -> None:
        """Do nothing."""

    def begin(self, blob: Descriptor, source: str, target: str) -> Meter:  # noqa: ARG002
        """Give what does nothing."""
        return self

    def reach(self, position: int) -> None:
        """Do nothing."""

    def end(self, *, is_sent: bool) -> None:
        """Do nothing."""


unwatched: Progress = Unwatched()


class Metered(Checked):
    """A source whose bytes are counted when whoever reads them comes for more."""

    def __init__(self, source: Checked, meter: Meter) -> None:
        self._source = source
        self._meter = meter

    @asynccontextmanager
    async def __call__(self, offset: int, /) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the source at the offset; what lies before it counts as sent."""
        async with self._source(offset) as chunks:
            yield self._counted(chunks, offset)

    async def _counted(self, chunks: AsyncIterator[bytes], position: int) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            yield chunk
            position += len(chunk)
            self._meter.reach(position)
