"""Pieces: the bytes of a blob as an archive gives them, read from any offset."""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import Protocol

from mbuild.store.archive.file import CHUNK, MemoryStream, Stream
from mbuild.store.archive.headers import Header
from mbuild.store.archive.members import Members
from mbuild.store.archive.steps import Steps

LEVEL = 5
"""Of zlib's levels: 6 makes layers 1 % smaller, and takes nearly twice as long, two times over."""


class Piece(Protocol):
    """A blob whose size is known, and whose bytes can be read."""

    @property
    def size(self) -> int:
        """Give the number of bytes."""

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Open a stream of the bytes from an offset on; what is before it may have to be read."""


@dataclass(frozen=True, slots=True)
class MemberPiece:
    """A member of the archive, as it is."""

    members: Members
    header: Header

    @property
    def name(self) -> str:
        """Give the archive's name."""
        return self.members.name

    @property
    def size(self) -> int:
        """Give the member's size."""
        return self.header.size

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Open the member."""
        return self.members.open(self.header, offset)


@dataclass(frozen=True, slots=True)
class GzippedPiece:
    """A member that is compressed on the way; `size` is the number of compressed bytes."""

    member: MemberPiece
    size: int

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Compress from the start, and drop what comes before the offset."""
        stream = GzipStream((yield from self.member.open()))
        try:
            while offset and (passed := stream.skip(min(offset, CHUNK))):
                offset -= passed
                yield
        except BaseException:
            stream.close()
            raise
        return stream


@dataclass(frozen=True, slots=True)
class BytesPiece:
    """Bytes that are held in memory."""

    raw: bytes

    @property
    def size(self) -> int:
        """Give their number."""
        return len(self.raw)

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Read from memory."""
        yield
        return MemoryStream(self.raw[offset:])


class GzipStream:
    """A stream compressed with gzip: no name, no time, one level, so that it is always the same.

    The same zlib makes the same bytes of it; another version may make others.
    """

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._gzip = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
        self._ready = bytearray()
        self._is_over = False

    def read(self, size: int) -> bytes:
        """Compress on."""
        while len(self._ready) < size and not self._is_over:
            chunk = self._stream.read(CHUNK)
            self._is_over = not chunk
            self._ready += self._gzip.compress(chunk) if chunk else self._gzip.flush()
        piece = bytes(self._ready[:size])
        del self._ready[:size]
        return piece

    def skip(self, size: int) -> int:
        """Compress, and drop what comes of it."""
        left = size
        while left and (piece := self.read(min(left, CHUNK))):
            left -= len(piece)
        return size - left

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()
