"""Pieces of an archive: layers compressed on the way give the same bytes however they are read."""

import gzip
import random
import zlib

import pytest

from mbuild.store.archive.file import CHUNK, MemoryStream
from mbuild.store.archive.pieces import LEVEL, BytesPiece, GzipStream
from mbuild.store.archive.steps import drain

LAYER = bytes(random.Random(0).choices(b"abcdefgh\0", k=3 * CHUNK + 17))


@pytest.mark.parametrize("size", [1000, 65_536, CHUNK, 10 * CHUNK])
def test_the_same_bytes(size: int) -> None:
    """Whatever is asked for at a time, they are what zlib makes of the whole."""
    packer = zlib.compressobj(LEVEL, zlib.DEFLATED, 31)
    whole = packer.compress(LAYER) + packer.flush()
    stream = GzipStream(MemoryStream(LAYER))
    assert b"".join(iter(lambda: stream.read(size), b"")) == whole
    assert gzip.decompress(whole) == LAYER


def test_header() -> None:
    """The header of gzip has neither name nor time (RFC 1952)."""
    start = GzipStream(MemoryStream(LAYER)).read(10)
    assert start[:8] == b"\x1f\x8b\x08\x00\x00\x00\x00\x00"


def test_skip() -> None:
    """What is passed over is left out, and no more than there is."""
    stream = GzipStream(MemoryStream(LAYER))
    whole = GzipStream(MemoryStream(LAYER)).read(len(LAYER))
    assert stream.skip(100) == 100
    assert stream.read(50) == whole[100:150]
    assert stream.skip(len(LAYER)) == len(whole) - 150
    assert (stream.skip(1), stream.read(1)) == (0, b"")
    stream.close()


def test_bytes() -> None:
    """Bytes in memory are read from any offset."""
    piece = BytesPiece(b"abcdef")
    assert piece.size == 6
    stream = drain(piece.open(2))
    assert (stream.read(2), stream.skip(1), stream.read(9)) == (b"cd", 1, b"f")
