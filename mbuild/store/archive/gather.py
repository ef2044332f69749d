"""Going through a tar, to find where in it each file is."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable

from mbuild.errors import SourceError
from mbuild.store.archive.codecs import find_codec, other_compression
from mbuild.store.archive.file import ArchiveFile, Openable, bad_archive, read_start
from mbuild.store.archive.headers import Header, HeaderReader, show
from mbuild.store.archive.members import Members, check_small, link_target
from mbuild.store.archive.packed import PackedArchive
from mbuild.store.archive.steps import Steps

SMALL = ("index.json", "manifest.json", "oci-layout", "repositories")
"""Members whose whole content is read; one that is too large is refused as soon as it is met."""

LARGEST_HELD = 256 * 1024
MOST_HELD = 16 * 1024 * 1024
"""Files up to this size, so many bytes in all, are held of a compressed archive.

To find one again, all before it would have to be unpacked again.
"""

_MOST_TWINS = 100
_STEP = 200


def read_members(file: ArchiveFile) -> Steps[Members]:
    """Go through a tar, in steps: a compressed one is unpacked from end to end meanwhile."""
    tar = yield from _open_tar(file)
    stream = yield from tar.open()
    gathering = _Gathering(tar, holds=tar is not file)
    try:
        reader = HeaderReader(stream, file.name)
        while (header := reader.next()) is not None:
            if gathering.takes(header):
                gathering.held[header.offset] = reader.data()
            yield from reader.leave()
            if gathering.count % _STEP == 0:
                yield
    finally:
        stream.close()
    return Members(tar, gathering.table, gathering.held)


class _Gathering:
    """What is known of a tar that is gone through; with `holds`, small files are held."""

    def __init__(self, tar: Openable, *, holds: bool) -> None:
        self._name = tar.name
        self._room = MOST_HELD if holds else 0
        self.count = 0
        self.table: dict[str, tuple[Header, ...]] = {}
        self.held: dict[int, bytes] = {}

    def takes(self, header: Header) -> bool:
        """Take note of a member, and tell whether its bytes are to be held."""
        self.count += 1
        key = _safe(header, self._name)
        if header.is_folder:
            return False
        if key in SMALL:
            check_small(header, self._name)
        twins = self.table[key] = (*self.table.get(key, ()), header)
        if len(twins) > _MOST_TWINS:
            raise bad_archive(f"{show(key)} stands in it often", self._name)
        is_held = not header.link and header.size <= min(LARGEST_HELD, self._room)
        self._room -= header.size if is_held else 0
        return is_held


def _open_tar(file: ArchiveFile) -> Steps[Openable]:
    start = yield from read_start(file)
    if not start:
        raise bad_archive("the file is empty", file.name)
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
    for path in filter(None, (header.name, link_target(header) if header.link else "")):
        if path.startswith("/") or ".." in _parts(path):
            verb = "links" if header.link else "leads"
            raise SourceError(
                f"{show(header.name)} {verb} to a place outside of the archive",
                where=where,
                hint="do not trust it: no tool makes such an archive of an image",
            )
    return posixpath.normpath(header.name)


def _parts(path: str) -> Iterable[str]:
    return path.split("/")
