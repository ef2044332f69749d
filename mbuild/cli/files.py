"""Files that a command writes its result to: looked at before the run, written after it."""

from __future__ import annotations

from pathlib import Path

from mbuild.errors import UsageError
from mbuild.store.files import explain_disk_errors, write_file


def check_result_file(option: str, file: str) -> None:
    """Raise UsageError where the file an option names cannot be written."""
    # `-` means stdin or stdout elsewhere: a file of that name is nobody's wish.
    if file == "-" or not _is_possible(Path(file)):
        raise UsageError(
            f"{option} {file!r} cannot be written", hint="name a file in a folder that exists"
        )


def _is_possible(path: Path) -> bool:
    """Tell whether there is a folder for the file; that of a link is where it leads to."""
    try:
        real = path.resolve()
        # One that is a link still leads to itself.
        return not real.is_dir() and real.parent.is_dir() and not real.is_symlink()
    except (OSError, RuntimeError):  # RuntimeError: such a link, before Python 3.13
        return False


def write_result_file(file: str, content: bytes) -> None:
    """Write the file, whole or not at all; raises StoreError."""
    path = Path(file)
    with explain_disk_errors(path):
        if path.exists() and not path.is_file():  # a pipe or a device is written to
            path.write_bytes(content)
        else:
            write_file(path.resolve(), content)
