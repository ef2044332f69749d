"""A tar written so that the same members give the same bytes."""

from __future__ import annotations

import tarfile
from tarfile import BLOCKSIZE, RECORDSIZE
from typing import IO

_MODE = 0o644


class TarWriter:
    """Writes regular files one after the other: no owner, no time, one mode.

    Headers are ustar's; pax's come before them only for what ustar cannot say, such as a file
    of 8 GiB or more (POSIX.1-2001, pax).
    """

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._written = 0

    def begin(self, name: str, size: int) -> None:
        """Write a member's header; `size` bytes are to be written next, then `end` called."""
        member = tarfile.TarInfo(name)
        member.size = size
        member.mode = _MODE
        self.write(member.tobuf(tarfile.PAX_FORMAT))

    def write(self, chunk: bytes) -> None:
        """Write some of a member's bytes."""
        self._file.write(chunk)
        self._written += len(chunk)

    def end(self) -> None:
        """Fill the member's last block."""
        self._fill(BLOCKSIZE)

    def add(self, name: str, content: bytes) -> None:
        """Write a whole member."""
        self.begin(name, len(content))
        self.write(content)
        self.end()

    def close(self) -> None:
        """Write the two empty blocks that end a tar, and fill the last record."""
        self.write(bytes(2 * BLOCKSIZE))
        self._fill(RECORDSIZE)

    def _fill(self, unit: int) -> None:
        self.write(bytes(-self._written % unit))
