"""The members of a tar by name: safe names only, links followed, twins compared."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Generator, Iterable, Mapping
from typing import Protocol

from mbuild.errors import SourceError
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.store.archive.codecs import find_codec, other_compression
from mbuild.store.archive.file import CHUNK, ArchiveFile, Stream
from mbuild.store.archive.headers import Header, HeaderReader, show
from mbuild.store.archive.packed import PackedArchive

SMALL = ("index.json", "manifest.json", "oci-layout", "repositories")
"""Members whose whole content is read; one that is too large is refused as soon as it is met."""

_MOST_LINKS = 40
_MOST_TWINS = 100
_STEP = 200


class Tar(Protocol):
    """Opens streams of the bytes of a tar, however it is kept."""

    def open(self, offset: int = 0) -> Stream:
        """Open a stream at an offset."""


class Members:
    """What a tar holds, by normalised name; `name` is what errors call the archive."""

    def __init__(self, tar: Tar, name: str, table: Mapping[str, tuple[Header, ...]]) -> None:
        self._tar = tar
        self.name = name
        self._table = table

    def find(self, name: str) -> Header | None:
        """Give the file of a name, by way of links; None where there is none.

        Raises SourceError for links in a circle, and for files of one name that differ.
        """
        for _ in range(_MOST_LINKS):
            twins = self._table.get(posixpath.normpath(name))
            if not twins:
                return None
            header = twins[-1]
            if len(twins) > 1:
                self._check_twins(twins)
            if not header.link:
                return header
            name = _target(header)
        raise self.bad(f"{show(name)} is a link in a circle")

    def open(self, header: Header, offset: int = 0) -> MemberStream:
        """Open a stream of a file's bytes, from an offset of it on."""
        stream = self._tar.open(header.offset + offset)
        return MemberStream(stream, header.size - offset, self.name)

    def read(self, header: Header) -> bytes:
        """Read a small file; raises SourceError for one of more than 4 MiB."""
        check_small(header, self.name)
        stream = self.open(header)
        try:
            return stream.read(header.size)
        finally:
            stream.close()

    def bad(self, why: str) -> SourceError:
        """Make the error of an archive that cannot be used."""
        return SourceError(why, where=self.name, hint="make the archive again")

    def _check_twins(self, twins: tuple[Header, ...]) -> None:
        """Refuse several members of one name unless they are all the same."""
        kinds = {(one.size, one.link) for one in twins}
        if len(kinds) > 1 or (not twins[0].link and len({*map(self._hash, twins)}) > 1):
            raise self.bad(f"{show(twins[0].name)} stands in it twice, with other content")

    def _hash(self, header: Header) -> bytes:
        hasher, stream = hashlib.sha256(), self.open(header)
        try:
            while chunk := stream.read(CHUNK):
                hasher.update(chunk)
        finally:
            stream.close()
        return hasher.digest()


class MemberStream:
    """The bytes of one member, to its end and no further."""

    def __init__(self, stream: Stream, left: int, name: str) -> None:
        self._stream = stream
        self._left = max(left, 0)
        self._name = name

    def read(self, size: int) -> bytes:
        """Read on; raises SourceError where the archive ends within the member."""
        wanted = min(size, self._left)
        chunk = self._stream.read(wanted) if wanted else b""
        self._took(wanted, len(chunk))
        return chunk

    def skip(self, size: int) -> int:
        """Move on."""
        wanted = min(size, self._left)
        self._took(wanted, self._stream.skip(wanted))
        return wanted

    def close(self) -> None:
        """Close the stream below."""
        self._stream.close()

    def _took(self, wanted: int, got: int) -> None:
        self._left -= got
        if got < wanted:
            raise SourceError(
                "it is cut short: it ends within a member",
                where=self._name,
                hint="make the archive again",
            )


def read_members(file: ArchiveFile) -> Generator[None, None, Members]:
    """Go through a tar, in steps: a compressed one is unpacked from end to end meanwhile."""
    tar = _open_tar(file)
    table: dict[str, tuple[Header, ...]] = {}
    stream = tar.open()
    try:
        for number, header in enumerate(HeaderReader(stream, file.name)):
            key = _safe(header, file.name)
            if not header.is_folder:
                if key in SMALL:
                    check_small(header, file.name)
                twins = table[key] = (*table.get(key, ()), header)
                if len(twins) > _MOST_TWINS:
                    raise Members(tar, file.name, table).bad(f"{show(key)} stands in it often")
            if number % _STEP == 0:
                yield
    finally:
        stream.close()
    return Members(tar, file.name, table)


def _open_tar(file: ArchiveFile) -> Tar:
    stream = file.open()
    try:
        start = stream.read(8)
    finally:
        stream.close()
    if not start:
        raise SourceError("the file is empty", where=file.name, hint="make the archive again")
    if other := other_compression(start):
        raise SourceError(
            f"it is compressed with {other}, and only gzip and zstd are read",
            where=file.name,
            hint="unpack it, or compress it with one of these",
        )
    codec = find_codec(start)
    return PackedArchive(file, codec) if codec else file


def _safe(header: Header, where: str) -> str:
    """Give a member's name normalised; raises SourceError for one that leads outside."""
    for path in filter(None, (header.name, _target(header) if header.link else "")):
        if path.startswith("/") or ".." in _parts(path):
            verb = "links" if header.link else "leads"
            raise SourceError(
                f"{show(header.name)} {verb} to a place outside of the archive",
                where=where,
                hint="do not trust it: no tool makes such an archive of an image",
            )
    return posixpath.normpath(header.name)


def _target(header: Header) -> str:
    """Give what a link leads to, from the root of the tar; `..` is left where it leads outside."""
    folder = "" if header.is_hard else posixpath.dirname(posixpath.normpath(header.name))
    return posixpath.normpath(posixpath.join(folder, header.link))


def _parts(path: str) -> Iterable[str]:
    return path.split("/")


def check_small(header: Header, where: str) -> None:
    """Raise SourceError where a file is larger than a manifest may be."""
    if header.size > MAX_MANIFEST_SIZE:
        raise SourceError(
            f"{show(header.name)} has {header.size} bytes, "
            f"and {MAX_MANIFEST_SIZE} are the most that are read",
            where=where,
            hint="make the archive again",
        )
