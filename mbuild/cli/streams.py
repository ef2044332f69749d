"""The process's standard streams, made safe to write to whatever the caller did with them."""

from __future__ import annotations

import contextlib
import io
import os
import sys
from collections.abc import Iterable, Iterator
from typing import Any

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


def print_lines(lines: Iterable[str]) -> None:
    """Print lines to stdout, at once.

    Raises StoreError where stdout takes no more; nothing more is written to it then. A
    reader that has gone, as `head` does, is no error: nobody is left to tell.
    """
    _print("".join(f"{line}\n" for line in lines))


def print_document(value: Any) -> None:
    """Print a JSON document to stdout, in UTF-8 whatever the locale (RFC 8259, 8.1).

    Raises StoreError as `print_lines` does.
    """
    from mbuild.report.document import to_json

    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(encoding="utf-8")
    _print(to_json(value))


def print_bytes(content: bytes) -> None:
    """Print bytes to stdout as they are; raises StoreError as `print_lines` does."""
    with stdout_failures():
        sys.stdout.flush()
        sys.stdout.buffer.write(content)
        sys.stdout.buffer.flush()


def tell(line: str) -> None:
    """Write a line to stderr, at once; where stderr takes no more, nobody is left to tell."""
    try:
        sys.stderr.write(f"{line}\n")
        sys.stderr.flush()
    except OSError:
        _discard(_STDERR)


def _print(text: str) -> None:
    with stdout_failures():
        sys.stdout.write(text)
        sys.stdout.flush()


@contextlib.contextmanager
def stdout_failures() -> Iterator[None]:
    """Make the failures of what only writes to stdout a StoreError, as `print_lines` does.

    Where the reader has gone the block ends early, and without an error.
    """
    try:
        yield
    except OSError as error:
        _discard(_STDOUT)
        if isinstance(error, BrokenPipeError):
            return
        reason = (error.strerror or str(error)).lower()
        raise StoreError(
            f"cannot write the result to stdout: {reason}",
            hint="run again with another stdout to see it",
        ) from error


def _discard(descriptor: int) -> None:
    """Let what is still buffered go nowhere, or the interpreter would fail at its end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), descriptor)
