"""Files that a command writes its result to: looked at before the run, written after it."""

from __future__ import annotations

from pathlib import Path

from mbuild.errors import UsageError
from mbuild.store.files import explain_disk_errors, write_file


def check_result_file(option: str, file: str) -> None:
    """Raise UsageError where the file an option names cannot be written."""
    path = Path(file)
    try:
        # `-` means stdin or stdout elsewhere: a file of that name is nobody's wish.
        is_possible = file != "-" and not path.is_dir() and path.parent.is_dir()
    except OSError:
        is_possible = False
    if not is_possible:
        raise UsageError(
            f"{option} {file!r} cannot be written", hint="name a file in a folder that exists"
        )


def write_result_file(file: str, content: bytes) -> None:
    """Write the file, whole or not at all; raises StoreError."""
    path = Path(file)
    with explain_disk_errors(path):
        if path.exists() and not path.is_file():  # a pipe or a device is written to
            path.write_bytes(content)
        else:
            write_file(path.resolve(), content)
