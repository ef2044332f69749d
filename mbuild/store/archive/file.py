"""The file of an archive: opened again for each reader, and the same file every time."""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Protocol

from mbuild.errors import NotFound, SourceError
from mbuild.store.archive.steps import Steps
from mbuild.store.files import explain_disk_errors

CHUNK = 256 * 1024
"""So many bytes are read, or unpacked, at a time; larger pieces fragment the memory of threads."""


class Stream(Protocol):
    """Bytes that are read from front to back, in whatever thread."""

    def read(self, size: int) -> bytes:
        """Give the next bytes, `size` of them but at the end."""

    def skip(self, size: int) -> int:
        """Pass over bytes, and tell how many there were."""

    def close(self) -> None:
        """Let go of the file."""


class Openable(Protocol):
    """Bytes that can be read from any offset; `name` is what errors call where they are."""

    @property
    def name(self) -> str:
        """Give the name."""

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Open a stream of them from an offset on, in steps where that is far to go."""


@dataclass(frozen=True, slots=True)
class ArchiveFile:
    """A regular file as it was when it was first looked at; `name` is what errors call it."""

    path: Path
    name: str
    size: int
    identity: tuple[int, int, int]

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Open the file at an offset; raises SourceError where it has changed meanwhile."""
        yield
        with explain_disk_errors(self.path, self.name):
            file = os.fdopen(self._open_same(), "rb")
            file.seek(offset)
        return PlainStream(file, self)

    def _open_same(self) -> int:
        try:  # a pipe that has taken its place would be waited for
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK)
        except FileNotFoundError:
            raise self._other("taken away", "leave it there, and run again") from None
        if _identity(os.fstat(descriptor)) != self.identity:
            os.close(descriptor)
            raise self._other("changed", "run again once it is written")
        return descriptor

    def _other(self, what: str, hint: str) -> SourceError:
        return SourceError(
            f"the file was {what} while it was being read", where=self.name, hint=hint
        )


class PlainStream:
    """The bytes of the file as they are."""

    def __init__(self, file: IO[bytes], of: ArchiveFile) -> None:
        self._file = file
        self._of = of

    def read(self, size: int) -> bytes:
        """Read on."""
        with explain_disk_errors(self._of.path, self._of.name):
            return self._file.read(size)

    def skip(self, size: int) -> int:
        """Move on; what is beyond the end is not there."""
        with explain_disk_errors(self._of.path, self._of.name):
            here = self._file.tell()
            there = min(here + size, max(self._of.size, here))
            self._file.seek(there)
        return there - here

    def close(self) -> None:
        """Close it."""
        self._file.close()


class MemoryStream:
    """Bytes that are held in memory."""

    def __init__(self, raw: bytes) -> None:
        self._raw = memoryview(raw)

    def read(self, size: int) -> bytes:
        """Read on."""
        piece, self._raw = self._raw[:size], self._raw[size:]
        return bytes(piece)

    def skip(self, size: int) -> int:
        """Move on."""
        return len(self.read(size))

    def close(self) -> None:
        """Do nothing."""


def read_start(source: Openable) -> Steps[bytes]:
    """Read the first bytes, by which compressions are told apart."""
    stream = yield from source.open()
    try:
        return stream.read(16)
    finally:
        stream.close()


def bad_archive(why: str, name: str) -> SourceError:
    """Make the error of an archive that cannot be used."""
    return SourceError(why, where=name, hint="make the archive again")


def look_at(path: Path, name: str) -> ArchiveFile:
    """Look at a file; raises NotFound for none, SourceError for what is no regular file."""
    with explain_disk_errors(path, name):
        try:
            found = path.stat()
        except (FileNotFoundError, NotADirectoryError):
            raise NotFound("no such file", where=name) from None
    if not stat.S_ISREG(found.st_mode):
        kind = "a folder" if stat.S_ISDIR(found.st_mode) else "no regular file"
        raise SourceError(
            f"it is {kind}, and no archive",
            where=name,
            hint="a folder that holds an OCI image layout is named oci:DIR",
        )
    return ArchiveFile(path, name, found.st_size, _identity(found))


def _identity(found: os.stat_result) -> tuple[int, int, int]:
    return found.st_ino, found.st_size, found.st_mtime_ns
