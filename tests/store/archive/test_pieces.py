"""Pieces of an archive: layers compressed on the way give the same bytes however they are read."""

import gzip
import random
import zlib
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from mbuild.errors import SourceError
from mbuild.oci.digest import digest_of
from mbuild.store.archive.docker_layers import HashedStream
from mbuild.store.archive.file import CHUNK, MemoryStream
from mbuild.store.archive.members import MemberStream
from mbuild.store.archive.pieces import LEVEL, BytesPiece, GzippedPiece, GzipStream, MemberPiece
from mbuild.store.archive.steps import drain
from tests.store.archive.world import members_of
from tests.support.archives import make_tar

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


def test_compressing_what_is_cut_short(tmp_path: Path) -> None:
    """A member that the archive ends within is told while it is passed over, too."""
    path = tmp_path / "app.tar"
    path.write_bytes(make_tar({"layer": LAYER}))
    members = members_of(path)
    header = members.find("layer")
    assert header
    piece = GzippedPiece(MemberPiece(members, replace(header, size=len(LAYER) * 2)), 10**6)
    for offset in (0, 900_000):
        with (
            pytest.raises(SourceError, match="it is cut short: it ends within a member"),
            closing(drain(piece.open(offset))) as stream,
        ):
            stream.read(10**6)


def test_member_stream() -> None:
    """A member is read and passed over to its end, and not into the next one."""
    stream = MemberStream(MemoryStream(b"abcdefgh"), 6, "archive")
    assert (stream.read(2), stream.skip(3), stream.read(9), stream.skip(9)) == (b"ab", 3, b"f", 0)


def test_hashed_stream() -> None:
    """What is passed over is hashed as if it were read."""
    stream = HashedStream(MemoryStream(LAYER))
    assert stream.skip(len(LAYER) - 5) == len(LAYER) - 5
    assert (stream.read(9), stream.skip(1)) == (LAYER[-5:], 0)
    assert stream.digest == digest_of(LAYER)


def test_bytes() -> None:
    """Bytes in memory are read from any offset."""
    piece = BytesPiece(b"abcdef")
    assert piece.size == 6
    stream = drain(piece.open(2))
    assert (stream.read(2), stream.skip(1), stream.read(9)) == (b"cd", 1, b"f")
