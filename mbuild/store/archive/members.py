"""The members of a tar by name: safe names only, links followed, twins compared."""

from __future__ import annotations

import hashlib
import posixpath
from collections.abc import Mapping

from mbuild.errors import SourceError
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.store.archive.file import (
    CHUNK,
    MemoryStream,
    Openable,
    Stream,
    bad_archive,
)
from mbuild.store.archive.headers import Header, show
from mbuild.store.archive.steps import Steps, drain

_MOST_LINKS = 40


class Members:
    """What a tar holds, by normalised name; `name` is what errors call the archive."""

    def __init__(
        self,
        tar: Openable,
        table: Mapping[str, tuple[Header, ...]],
        held: Mapping[int, bytes],
    ) -> None:
        self._tar = tar
        self.name = tar.name
        self._table = table
        self._held = held
        self._same: set[int] = set()

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
            name = link_target(header)
        raise self.bad(f"{show(name)} is a link in a circle")

    def open(self, header: Header, offset: int = 0) -> Steps[Stream]:
        """Open a stream of a file's bytes, from an offset of it on."""
        if header.offset in self._held:
            return MemoryStream(self._held[header.offset][offset:])
        stream = yield from self._tar.open(header.offset + offset)
        return MemberStream(stream, header.size - offset, self.name)

    def read(self, header: Header) -> bytes:
        """Read a small file; raises SourceError for one of more than 4 MiB."""
        check_small(header, self.name)
        stream = drain(self.open(header))
        try:
            return stream.read(header.size)
        finally:
            stream.close()

    def bad(self, why: str) -> SourceError:
        """Make the error of an archive that cannot be used."""
        return bad_archive(why, self.name)

    def _check_twins(self, twins: tuple[Header, ...]) -> None:
        """Refuse several members of one name unless they are all the same; read them once."""
        if twins[0].offset in self._same:
            return
        kinds = {(one.size, one.link) for one in twins}
        if len(kinds) > 1 or (not twins[0].link and len({*map(self._hash, twins)}) > 1):
            raise self.bad(f"{show(twins[0].name)} stands in it twice, with other content")
        if not twins[0].link:
            self._same.add(twins[0].offset)

    def _hash(self, header: Header) -> bytes:
        hasher, stream = hashlib.sha256(), drain(self.open(header))
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
            raise bad_archive("it is cut short: it ends within a member", self._name)


def check_small(header: Header, where: str) -> None:
    """Raise SourceError where a file is larger than a manifest may be."""
    if header.size > MAX_MANIFEST_SIZE:
        raise bad_archive(
            f"{show(header.name)} has {header.size} bytes, "
            f"and {MAX_MANIFEST_SIZE} are the most that are read",
            where,
        )


def link_target(header: Header) -> str:
    """Give what a link leads to, from the root of the tar; `..` is left where it leads outside."""
    folder = "" if header.is_hard else posixpath.dirname(posixpath.normpath(header.name))
    return posixpath.normpath(posixpath.join(folder, header.link))
