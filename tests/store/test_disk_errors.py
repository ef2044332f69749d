"""What the system says of a disk, with the next step for each of its reasons."""

import errno
import os
from pathlib import Path

import pytest

from mbuild.errors import StoreError
from mbuild.store.files import explain_disk_errors

ROOM = "free some space, then run again"
RIGHTS = "check the folder's rights, then run again"
ANOTHER = "a file stands where a folder is needed: name another folder"
HINTS = {
    errno.ENOSPC: ("no space left on device", ROOM),
    errno.EDQUOT: ("disk quota exceeded", ROOM),
    errno.EFBIG: ("file too large", "raise the limit on file sizes, or take another disk"),
    errno.EACCES: ("permission denied", RIGHTS),
    errno.EPERM: ("operation not permitted", RIGHTS),
    errno.EROFS: ("read-only file system", "name a folder that can be written to"),
    errno.ENOTDIR: ("not a directory", ANOTHER),
    errno.EEXIST: ("file exists", ANOTHER),
    errno.EISDIR: (
        "is a directory",
        "a folder stands where a file is needed: name another place",
    ),
    errno.EIO: ("input/output error", "check the path and the disk, then run again"),
}


def message(error: OSError, where: str = "") -> str:
    """What an OSError becomes while `dist` is used."""
    with pytest.raises(StoreError) as raised, explain_disk_errors(Path("dist"), where):
        raise error
    return str(raised.value)


@pytest.mark.parametrize("number", HINTS, ids=lambda number: errno.errorcode[number])
def test_next_step(number: int) -> None:
    """Each reason has its next step, and the store comes first."""
    reason, hint = HINTS[number]
    error = OSError(number, os.strerror(number))
    assert message(error, "oci:dist") == f"oci:dist: cannot use 'dist': {reason}; {hint}"


@pytest.mark.parametrize(
    ("names", "expected"),
    [((), "dist"), (("a",), "a"), (("a", None, "b"), "b")],
    ids=["none", "one", "two"],
)
def test_path(names: tuple[str | None, ...], expected: str) -> None:
    """The file that the system names is shown, of two the one that was to be, else the path."""
    error = OSError(errno.ENOSPC, "No space left on device", *names)
    assert message(error) == f"cannot use {expected!r}: no space left on device; {ROOM}"


def test_other_exceptions_pass() -> None:
    """What is no error of the system is left as it is."""
    with pytest.raises(KeyError), explain_disk_errors(Path("dist")):
        raise KeyError
