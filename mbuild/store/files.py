"""Files written so that a reader, or a crash, sees the old one or the new one whole."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import stat
import tempfile
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import IO

from mbuild.errors import StoreError
from mbuild.oci.digest import Digest

Sleep = Callable[[float], Awaitable[None]]
TEMPORARY = ".tmp-"
CHUNK = 1024 * 1024


_NEXT_STEPS = {
    errno.ENOSPC: "free some space, then run again",
    errno.EDQUOT: "free some space, then run again",
    errno.EFBIG: "raise the limit on file sizes, or take another disk",
    errno.EACCES: "check the folder's rights, then run again",
    errno.EPERM: "check the folder's rights, then run again",
    errno.EROFS: "name a folder that can be written to",
    errno.ENOTDIR: "a file stands where a folder is needed: name another folder",
    errno.EEXIST: "a file stands where a folder is needed: name another folder",
    errno.EISDIR: "a folder stands where a file is needed: name another place",
}

_NO_LOCKS = frozenset({errno.EBADF, errno.ENOLCK, errno.ENOSYS, errno.EOPNOTSUPP})


@contextlib.contextmanager
def explain_disk_errors(path: Path, where: str = "") -> Iterator[None]:
    """Turn an OSError inside the block into a StoreError that names the path."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise StoreError(
            f"cannot use {str(error.filename2 or error.filename or path)!r}: {reason.lower()}",
            where=where,
            hint=_NEXT_STEPS.get(error.errno or 0, "check the path and the disk, then run again"),
        ) from error


@contextlib.contextmanager
def replace_file(path: Path) -> Iterator[IO[bytes]]:
    """Open a temporary file beside `path` that takes its place when the block ends well.

    It is synced to disk first; when the block raises, it is removed and `path` stays.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor, temporary = _make_temporary(path.parent)
    except OSError as error:  # it would name a file that nobody has heard of
        raise OSError(error.errno, error.strerror, str(path)) from None
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
            os.fchmod(file.fileno(), 0o644)
            Path(temporary).replace(path)  # while it is locked, or it could be swept
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def _make_temporary(folder: Path) -> tuple[int, str]:
    """Make a temporary file, locked for as long as it is open: so `sweep` knows it is in use."""
    while True:
        descriptor, name = tempfile.mkstemp(dir=folder, prefix=TEMPORARY)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor, name
        os.close(descriptor)  # swept between the two lines


def sweep(folder: Path) -> None:
    """Remove temporary files that a writer left which did not live to its end."""
    for path in folder.glob(f"{TEMPORARY}*"):
        with contextlib.suppress(FileNotFoundError):
            descriptor = os.open(path, os.O_RDONLY)
            try:
                if try_lock(descriptor):
                    path.unlink()
            finally:
                os.close(descriptor)


def read_small(path: Path, *, most: int) -> bytes:
    """Read a whole file; raises OSError, and ValueError for a larger one or no regular file."""
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)  # or a pipe would be waited for
    try:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise ValueError(f"{path.name} is no regular file")
        with os.fdopen(descriptor, "rb", closefd=False) as file:
            raw = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(raw) > most:
        raise ValueError(f"{path.name} has more than {most} bytes")
    return raw


def write_file(path: Path, content: bytes) -> None:
    """Write a whole file by way of `replace_file`."""
    with replace_file(path) as file:
        file.write(content)


def sync_folder(folder: Path) -> None:
    """See a folder's names on the disk; raises OSError."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def try_lock(descriptor: int) -> bool:
    """Take the lock of an open file or folder (flock); False where another holds it."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextlib.contextmanager
def hold_folder(folder: Path) -> Iterator[None]:
    """Hold a folder's lock, for as long as a small file in it is written anew.

    Where the disk knows no locks for folders (NFS), nothing is held. Raises OSError.
    """
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        except OSError as error:
            if error.errno not in _NO_LOCKS:
                raise
        yield
    finally:
        os.close(descriptor)


def hash_file(path: Path, named: Digest) -> Digest:
    """Hash a file by the algorithm of the digest that names it; raises OSError."""
    hasher = named.hasher()
    with path.open("rb") as file:
        while chunk := file.read(CHUNK):
            hasher.update(chunk)
    return Digest(named.algorithm, hasher.hexdigest())
