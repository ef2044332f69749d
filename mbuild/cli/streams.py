"""The process's standard streams, made safe to write to whatever the caller did with them."""

from __future__ import annotations

import io
import os
import sys

from mbuild.errors import StoreError

_STDIN, _STDOUT, _STDERR = 0, 1, 2


def open_streams() -> None:
    """Give streams that the caller closed a place to go, and text that no encoding refuses.

    A closed descriptor would otherwise be taken by the next file or socket that is opened,
    and what is printed would end up there.
    """
    for descriptor in (_STDIN, _STDOUT, _STDERR):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free descriptor, which is this one
    sys.stdin = sys.stdin or open(_STDIN, closefd=False)  # noqa: SIM115
    sys.stdout = sys.stdout or open(_STDOUT, "w", closefd=False)  # noqa: SIM115
    sys.stderr = sys.stderr or open(_STDERR, "w", closefd=False)  # noqa: SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")


def give_up_stdout(error: OSError) -> StoreError:
    """Stop writing to stdout, which failed, and give the error that this is.

    What is still buffered goes nowhere, or the interpreter would fail once more at its end.
    """
    os.dup2(os.open(os.devnull, os.O_WRONLY), _STDOUT)
    reason = (error.strerror or str(error)).lower()
    return StoreError(
        f"cannot write the result to stdout: {reason}",
        hint="what was to be done is done; run again with another stdout to see the result",
    )
