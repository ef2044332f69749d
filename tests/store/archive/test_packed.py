"""Compressed archives: from any offset the bytes are those of the tar, and damage is told."""

import gzip
import random
import sys
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.errors import SourceError
from mbuild.store.archive.codecs import GzipDecoder, ZstdDecoder, find_codec, other_compression
from mbuild.store.archive.file import look_at
from mbuild.store.archive.packed import MOST_PARKED, MOST_POINTS, PackedArchive
from mbuild.store.archive.steps import drain
from tests.store.archive.world import AGAIN

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

KINDS = ("gzip", "zstd")


def content_of(size: int) -> bytes:
    """Bytes that compress a little, always the same."""
    chosen = random.Random(size).choices(b"abcdefgh", k=size)
    return bytes(chosen)


def compress(kind: str, *parts: bytes) -> bytes:
    """One member or frame for each part."""
    make = zstd.compress if kind == "zstd" else lambda part: gzip.compress(part, 1, mtime=0)
    return b"".join(map(make, parts))


def opened(path: Path, raw: bytes, *, spacing: int = 1000) -> PackedArchive:
    """The archive of a file that holds these bytes."""
    path.write_bytes(raw)
    codec = find_codec(raw)
    assert codec
    return PackedArchive(look_at(path, "archive"), codec, spacing=spacing)


def read(archive: PackedArchive, offset: int, size: int) -> bytes:
    """Read so many bytes from an offset on."""
    stream = drain(archive.open(offset))
    try:
        return stream.read(size)
    finally:
        stream.close()


@pytest.mark.parametrize("kind", KINDS)
@given(
    sizes=st.lists(st.integers(0, 30_000), min_size=1, max_size=4),
    reads=st.lists(st.tuples(st.integers(0, 70_000), st.integers(0, 70_000)), max_size=8),
    spacing=st.sampled_from([1, 100, 5_000, 10**9]),
)
def test_any_offset(
    kind: str, sizes: list[int], reads: list[tuple[int, int]], spacing: int
) -> None:
    """Wherever reading begins, and whatever was read before, it gives what stands there."""
    parts = [content_of(size) for size in sizes]
    whole = b"".join(parts)
    with TemporaryDirectory() as folder:
        archive = opened(Path(folder) / "a", compress(kind, *parts), spacing=spacing)
        for offset, size in reads:
            assert read(archive, offset, size) == whole[offset : offset + size]


@pytest.mark.parametrize("kind", KINDS)
def test_side_by_side(tmp_path: Path, kind: str) -> None:
    """Streams do not disturb one another, and one that is closed is of use to the next."""
    whole = content_of(100_000)
    archive = opened(tmp_path / "a", compress(kind, whole))
    streams = [drain(archive.open(offset)) for offset in (0, 50_000, 20_000, 90_000)]
    for step in range(3):
        for stream, offset in zip(streams, (0, 50_000, 20_000, 90_000), strict=True):
            start = offset + step * 1000
            assert stream.read(1000) == whole[start : start + 1000]
    for stream in streams:
        stream.close()
    assert read(archive, 95_000, 9000) == whole[95_000:]
    assert len(archive._parked) <= MOST_PARKED


def test_points_have_a_bound(tmp_path: Path) -> None:
    """However long the archive, so many copies of the decoder are kept, and serve everywhere."""
    whole = content_of(200_000)
    archive = opened(tmp_path / "a", compress("gzip", whole), spacing=100)
    stream = drain(archive.open())
    while stream.read(97):
        pass
    stream.close()
    assert 20 < len(archive._points) <= MOST_POINTS
    for offset in (0, 1, 99_999, 150_000, 199_999):
        assert read(archive, offset, 10) == whole[offset : offset + 10]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    "rest", [bytes(700), b"anything else", b"x"], ids=["zeros", "text", "byte"]
)
def test_what_follows(tmp_path: Path, kind: str, rest: bytes) -> None:
    """What is behind the compressed data, and none itself, is no part of the archive."""
    archive = opened(tmp_path / "a", compress(kind, b"abc", b"def") + rest)
    assert read(archive, 1, 100) == b"bcdef"


def test_skippable_frames(tmp_path: Path) -> None:
    """Frames of zstd that say something of the others, as parallel tools write, are passed over."""
    skippable = b"\x50\x2a\x4d\x18" + (4).to_bytes(4, "little") + b"size"
    raw = skippable + compress("zstd", b"abc") + skippable + compress("zstd", b"def")
    assert read(opened(tmp_path / "a", raw), 2, 100) == b"cdef"


@pytest.mark.parametrize("kind", KINDS)
def test_cut_short(tmp_path: Path, kind: str) -> None:
    """Compressed data without their end are told as such."""
    archive = opened(tmp_path / "a", compress(kind, content_of(5000))[:-20])
    for _ in range(2):
        with pytest.raises(SourceError) as caught:
            read(archive, 0, 10_000)
        told = "archive: it is cut short: its compressed data have no end"
        assert str(caught.value) == f"{told}; {AGAIN}"


@pytest.mark.parametrize("kind", KINDS)
def test_damaged(tmp_path: Path, kind: str) -> None:
    """Compressed data that are damaged are told with the reason, from the start and further on."""
    raw = bytearray(compress(kind, content_of(5000)))
    raw[12:40] = bytes(28)
    archive = opened(tmp_path / "a", bytes(raw))
    for offset in (0, 4000):
        with pytest.raises(SourceError, match=f"its {kind} compression cannot be read"):
            read(archive, offset, 10_000)


def test_a_bomb_is_read_in_pieces(tmp_path: Path) -> None:
    """What unpacks to a thousand times its size is given as slowly as it is asked for."""
    archive = opened(tmp_path / "a", compress("gzip", bytes(50_000_000)))
    stream = drain(archive.open(49_000_000))
    assert stream.read(10) == bytes(10)
    assert stream.skip(2_000_000) == 999_990
    stream.close()


def test_decoders() -> None:
    """A gzip decoder can be copied until it has ended, a zstd one never."""
    gzipped, packed = GzipDecoder(), ZstdDecoder()
    assert gzipped.feed(compress("gzip", b"abc")[:10], 10) == b""
    copy = gzipped.copy()
    assert copy
    for decoder in (gzipped, copy):
        assert decoder.feed(compress("gzip", b"abc")[10:] + b"rest", 10) == b"abc"
        assert (decoder.eof, decoder.rest) == (True, b"rest")
    assert copy.copy() is None
    assert packed.feed(compress("zstd", b"abc") + b"rest", 10) == b"abc"
    assert (packed.eof, packed.rest, packed.copy()) == (True, b"rest", None)


def test_first_bytes() -> None:
    """A compression is told by the first bytes, and by nothing else."""
    assert find_codec(zlib.compress(b"abc")) is None
    assert find_codec(b"") is None
    assert other_compression(b"BZhello.txt") == ""
