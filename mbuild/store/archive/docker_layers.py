"""A layer of a docker archive: what it is once compressed, known before it is sent."""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.media_types import DOCKER_LAYER, DOCKER_LAYER_ZSTD
from mbuild.store.archive.codecs import ZstdDecoder, find_codec, other_compression
from mbuild.store.archive.docker_manifest import hash_in_name
from mbuild.store.archive.file import CHUNK, Openable, Stream, read_start
from mbuild.store.archive.packed import PackedArchive
from mbuild.store.archive.pieces import BytesPiece, GzippedPiece, GzipStream, MemberPiece, Piece
from mbuild.store.archive.steps import Steps

LARGEST_KEPT = 4 * 1024 * 1024
MOST_KEPT = 16 * 1024 * 1024
"""Compressed layers up to this size, so many bytes in all, need not be compressed again."""


class Allowance:
    """How many bytes of compressed layers may still be kept in memory; threads share it."""

    def __init__(self, left: int = MOST_KEPT) -> None:
        self._left = left
        self._lock = threading.Lock()

    def take(self, size: int) -> bool:
        """Take some of it, where there is as much left."""
        with self._lock:
            if size > self._left:
                return False
            self._left -= size
            return True


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer as it travels: its descriptor, and its bytes."""

    descriptor: Descriptor
    piece: Piece


def examine_layer(member: MemberPiece, diff_id: Digest, allowance: Allowance) -> Steps[Layer]:
    """Read a layer, in steps, to know its digest and size as it travels.

    One that is compressed travels as it is, any other is compressed with gzip. Raises
    ImageMismatch where it does not unpack to what the config says, or is not what it is
    named by.
    """
    start = yield from read_start(member)
    if other := other_compression(start):
        raise ImageMismatch(
            f"layer {member.header.name!r} is compressed with {other}, "
            "and only gzip and zstd are read",
            where=member.name,
            hint="save the image again with docker or podman",
        )
    codec = find_codec(start)
    if codec is None:
        return (yield from _compress(member, diff_id, allowance))
    _check(member, diff_id, (yield from _hash(PackedArchive(member, codec, is_layer=True))))
    media_type = DOCKER_LAYER_ZSTD if codec is ZstdDecoder else DOCKER_LAYER
    return Layer(Descriptor(media_type, (yield from _own_digest(member)), member.size), member)


def _own_digest(member: MemberPiece) -> Steps[Digest]:
    """Hash a member as it is, and compare that with its name."""
    digest = yield from _hash(member)
    named = hash_in_name(member.header.name)
    if named and named != digest:
        raise ImageMismatch(
            f"layer {member.header.name!r} does not hash to its name",
            where=member.name,
            hint="make the archive again",
        )
    return digest


def _compress(member: MemberPiece, diff_id: Digest, allowance: Allowance) -> Steps[Layer]:
    plain = HashedStream((yield from member.open()))
    stream = GzipStream(plain)
    hasher, size = hashlib.sha256(), 0
    kept = bytearray()
    try:
        while chunk := stream.read(CHUNK):
            hasher.update(chunk)
            size += len(chunk)
            if size > LARGEST_KEPT:
                kept.clear()
            else:
                kept += chunk
            yield
    finally:
        stream.close()
    _check(member, diff_id, plain.digest)
    descriptor = Descriptor(DOCKER_LAYER, Digest("sha256", hasher.hexdigest()), size)
    if len(kept) == size and allowance.take(size):
        return Layer(descriptor, BytesPiece(bytes(kept)))
    return Layer(descriptor, GzippedPiece(member, size))


def _hash(source: Openable) -> Steps[Digest]:
    stream = HashedStream((yield from source.open()))
    try:
        while stream.read(CHUNK):
            yield
    finally:
        stream.close()
    return stream.digest


def _check(member: MemberPiece, diff_id: Digest, found: Digest) -> None:
    if found != diff_id:
        raise ImageMismatch(
            f"layer {member.header.name!r} is not what the image's config says: "
            f"it unpacks to {found}, not to {diff_id}",
            where=member.name,
            hint="save the image again",
        )


class HashedStream:
    """A stream that hashes what is read of it."""

    def __init__(self, stream: Stream) -> None:
        self._stream = stream
        self._hasher = hashlib.sha256()

    @property
    def digest(self) -> Digest:
        """Give the digest of all that was read."""
        return Digest("sha256", self._hasher.hexdigest())

    def read(self, size: int) -> bytes:
        """Read on."""
        chunk = self._stream.read(size)
        self._hasher.update(chunk)
        return chunk

    def skip(self, size: int) -> int:
        """Pass over bytes, hashing them."""
        left = size
        while left and (chunk := self.read(min(left, CHUNK))):
            left -= len(chunk)
        return size - left

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()
