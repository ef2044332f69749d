"""The hidden folder beside an archive in which its next version is put together."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from pathlib import Path

from mbuild.store.files import try_lock

_LONGEST = 100
"""So much of the archive's name is in the folder's: a name has 255 bytes at most."""


class Staging:
    """A folder that is made when it is first needed, and is gone after `close`.

    It is locked while it is in use. What a run has left that was killed is not: the next run
    takes it away. Raises OSError.
    """

    def __init__(self, file: Path) -> None:
        self._file = file
        self._parent = file.parent
        self._prefix = f".{file.name[:_LONGEST]}.tmp-"
        self._folder: Path | None = None
        self._lock = -1

    def open(self) -> Path:
        """Make the folder, unless it is there."""
        if self._folder is None:
            self._parent.mkdir(parents=True, exist_ok=True)
            self._sweep()
            self._folder, self._lock = self._make()
        return self._folder

    def close(self) -> None:
        """Take the folder away, with all that is in it."""
        if self._folder is None:
            return
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)
        self._folder = None

    def _make(self) -> tuple[Path, int]:
        while True:
            try:
                folder = Path(tempfile.mkdtemp(dir=self._parent, prefix=self._prefix))
            except OSError as error:  # it would name a folder that nobody has heard of
                raise OSError(error.errno, error.strerror, str(self._file)) from None
            lock = os.open(folder, os.O_RDONLY)
            fcntl.flock(lock, fcntl.LOCK_EX)
            if folder.exists():
                return folder, lock
            os.close(lock)  # swept by another run between the two lines

    def _sweep(self) -> None:
        for path in sorted(self._parent.iterdir()):
            if path.name.startswith(self._prefix):
                _remove_if_left(path)


def _remove_if_left(folder: Path) -> None:
    try:
        lock = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError:  # gone by now, or nothing of ours
        return
    try:
        if try_lock(lock):
            shutil.rmtree(folder, ignore_errors=True)
    finally:
        os.close(lock)
