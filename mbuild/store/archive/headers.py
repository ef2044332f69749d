"""The headers of a tar, read one after another with a bound on all that is kept of them."""

from __future__ import annotations

import tarfile
from dataclasses import dataclass

from mbuild.errors import SourceError
from mbuild.store.archive.file import CHUNK, Stream, bad_archive
from mbuild.store.archive.steps import Steps

BLOCK = 512
MAX_MEMBERS = 50_000
MAX_HEADERS = 3 * MAX_MEMBERS
MAX_EXTENSION = 1024 * 1024
"""The largest pax header or long name in bytes that is read."""
STEP = 64 * CHUNK
"""So much is passed over before a pause, in which the work can be stopped."""
MAX_NAME = 4096
MAX_NAMES = 16 * 1024 * 1024
"""The most bytes of names that are kept."""

_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
_LONG = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_PAX = (tarfile.XHDTYPE, tarfile.SOLARIS_XHDTYPE)
_REFUSED = {
    tarfile.CHRTYPE: "a device",
    tarfile.BLKTYPE: "a device",
    tarfile.FIFOTYPE: "a named pipe",
    tarfile.GNUTYPE_SPARSE: "a sparse file",
}


@dataclass(frozen=True, slots=True)
class Header:
    """A member as its header tells of it: its data begin at `offset` of the tar.

    `link` is where a link leads, as it is written; `is_hard` links start from the tar's root.
    """

    name: str
    offset: int = 0
    size: int = 0
    link: str = ""
    is_hard: bool = False
    is_folder: bool = False


class HeaderReader:
    """Reads headers from a stream of a tar; `name` is what errors call the archive."""

    def __init__(self, stream: Stream, name: str) -> None:
        self._stream = stream
        self._name = name
        self._at = 0
        self._left = 0
        self._padding = 0
        self._headers = 0
        self._members = 0
        self._names = 0

    def next(self) -> Header | None:
        """Give the next member, None at the end, once the one before it was left.

        Raises SourceError for what is not a tar, or a bad one.
        """
        said: dict[str, str] = {}
        while (info := self._next()) is not None:
            if info.type in _LONG:
                key = "path" if info.type == tarfile.GNUTYPE_LONGNAME else "linkpath"
                said[key] = _text(self._extension(info).split(b"\0", 1)[0])
            elif info.type in _PAX:
                said.update(self._pax(info))
            elif info.type == tarfile.XGLTYPE:
                self._extension(info)
            else:
                return self._member(info, said)
        return None

    def data(self) -> bytes:
        """Read the member that was given last, which must be small."""
        raw = self._read(self._left)
        if len(raw) < self._left:
            raise self._cut()
        self._left -= len(raw)
        return raw

    def leave(self) -> Steps[None]:
        """Pass over what is left of the member; the padding of the last one may be missing."""
        while self._left:
            step = min(self._left, STEP)
            if self._stream.skip(step) < step:
                raise self._cut()
            self._left -= step
            self._at += step
            if self._left:
                yield
        self._at += self._stream.skip(self._padding)
        self._padding = 0

    def _next(self) -> tarfile.TarInfo | None:
        """Read one header; None at the end of the tar."""
        raw = self._read(BLOCK)
        if not raw and self._headers:  # some writers leave the two blocks of zeros out
            return None
        self._headers += 1
        if self._headers > MAX_HEADERS:
            raise self._bad(f"it has more than {MAX_HEADERS} headers")
        try:
            return tarfile.TarInfo.frombuf(raw, "utf-8", "surrogateescape")
        except tarfile.EOFHeaderError:  # type: ignore[attr-defined]  # typeshed lacks it
            return None
        except tarfile.HeaderError:
            if self._headers == 1:
                raise self._bad("it is not a tar archive") from None
            if len(raw) < BLOCK:
                raise self._cut() from None
            raise self._bad(f"the header at byte {self._at - BLOCK} is damaged") from None

    def _member(self, info: tarfile.TarInfo, said: dict[str, str]) -> Header:
        name, link = said.get("path", info.name), said.get("linkpath", info.linkname)
        size = _size(said, info)
        self._count(name, link)
        if size < 0:
            raise self._bad(f"the header of {show(name)} is damaged: its size is no size")
        if any(key.startswith("GNU.sparse.") for key in said):
            raise self._bad(f"{show(name)} is a sparse file, which no image has")
        if info.type in _FILES:
            self._left, self._padding = size, _padded(size) - size
            return Header(name, self._at, size)
        if info.type in _LINKS:
            return Header(name, link=link, is_hard=info.type == tarfile.LNKTYPE)
        if info.type == tarfile.DIRTYPE:
            return Header(name, is_folder=True)
        kind = _REFUSED.get(info.type, f"of an unknown kind ({info.type.decode('latin-1')!r})")
        raise self._bad(f"{show(name)} is {kind}, which no image has")

    def _count(self, name: str, link: str) -> None:
        self._members += 1
        self._names += len(name) + len(link)
        if max(len(name), len(link)) > MAX_NAME:
            raise self._bad(f"{show(name)} has a name of more than {MAX_NAME} characters")
        if self._members > MAX_MEMBERS or self._names > MAX_NAMES:
            raise self._bad(f"it has more members than an image has ({MAX_MEMBERS} at most)")

    def _pax(self, info: tarfile.TarInfo) -> dict[str, str]:
        """Read the records of a pax header: `LENGTH KEY=VALUE` and a line feed each (POSIX)."""
        raw, said, at = self._extension(info), {}, 0
        while at < len(raw) and raw[at]:
            length, _, _ = raw[at : at + 20].partition(b" ")
            end = at + int(length) if length.isdigit() else at
            key, equals, value = raw[at + len(length) + 1 : end - 1].partition(b"=")
            if not equals or not at < end <= len(raw):
                raise self._bad(f"the pax header at byte {self._at} is damaged")
            said[_text(key)] = _text(value)
            at = end
        return said

    def _extension(self, info: tarfile.TarInfo) -> bytes:
        if not 0 <= info.size <= MAX_EXTENSION:
            raise self._bad(
                f"a header at byte {self._at} has {info.size} bytes, "
                f"and {MAX_EXTENSION} are the most that are read"
            )
        padded = _padded(info.size)
        raw = self._read(padded)
        if len(raw) < info.size:
            raise self._cut()
        return raw[: info.size]

    def _read(self, size: int) -> bytes:
        raw = self._stream.read(size)
        self._at += len(raw)
        return raw

    def _cut(self) -> SourceError:
        return self._bad(f"it is cut short: it ends within a member, at byte {self._at} or later")

    def _bad(self, why: str) -> SourceError:
        return bad_archive(why, self._name)


def _size(said: dict[str, str], info: tarfile.TarInfo) -> int:
    text = said.get("size", "")
    if not text:
        return info.size
    return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _text(raw: bytes) -> str:
    return raw.decode("utf-8", "surrogateescape")


def show(name: str) -> str:
    """Quote a member's name for a message, cut where it is long."""
    return ascii(name) if len(name) <= 200 else f"{name[:200]!a}…"
