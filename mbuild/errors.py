"""The exception tree: each class is a cause, and knows its `code` and its exit code.

MbuildError                       1   a fault in mbuild, or the base of all that follows
├── UsageError                    2   the command line
├── SpecError                     3   the spec; holds every Problem found in it
├── SourceError                   4   an image is missing, or is not what the spec says
│   ├── SourceNotFound
│   └── ImageMismatch
├── Denied                        5   the registry said 401 or 403
├── RegistryError                 6   registry, network or disk failed, or refused
│   ├── NotFound                      404, until its caller says what was missing
│   ├── IntegrityError                bytes are not the ones that were asked for
│   ├── ProtocolError                 an answer no registry would give
│   ├── TransportError                no answer, or one cut short
│   │   └── GivenUp                       a host that is not asked any more
│   ├── StorageFull                   a registry has no space left
│   ├── TagRefused                    a tag was not moved
│   └── StoreError                    a file or folder could not be read or written
├── Interrupted                 130   Ctrl-C or SIGTERM
└── Failures                          several of the above, raised as one

A message is one line and says what went wrong and why; `where` is the spec's
file:line:column or the reference; `hint` is the next step.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from traceback import extract_tb
from typing import Self

WORST_FIRST = (1, 130, 6, 5, 4, 3, 2)
"""Exit codes from the worst to the mildest: a batch ends with the worst of its targets."""

_CONTROLS = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_USERINFO = re.compile(r"(?<=://)[^/\s'\"@]*@")


def one_line(text: str) -> str:
    """Give foreign text as one line: controls become spaces, a URL's user and password ***."""
    return _USERINFO.sub("***@", _CONTROLS.sub(" ", text))


class MbuildError(Exception):
    """Base of every error mbuild raises on purpose.

    `code` is the stable word that `--output json` shows, `exit_code` what the process
    ends with. `where` is where to look: a position in the spec, or a reference. Line breaks
    and other control characters, which a registry's words may hold, become spaces.
    """

    code = "fault"
    exit_code = 1
    usual_hint = ""
    refusal = 0
    """The HTTP status with which a write was refused for good; 0 for any other error."""

    def __init__(self, message: str, *, where: str = "", hint: str = "") -> None:
        self.message = one_line(message)
        super().__init__(self.message)
        self.where = one_line(where)
        self.hint = hint or self.usual_hint

    def __str__(self) -> str:
        """Give the whole error on one line: where, what and why, what next."""
        text = f"{self.where}: {self.message}" if self.where else self.message
        return f"{text}; {self.hint}" if self.hint else text

    def placed(self, message: str, where: str) -> Self:
        """Give the same error as its reader should see it: another text, another place."""
        error = copy(self)
        error.message = one_line(message)
        error.args = (error.message,)
        error.where = where
        return error


class UsageError(MbuildError):
    """The command line asks for something that cannot be."""

    code = "usage"
    exit_code = 2


@dataclass(frozen=True, order=True)
class Problem:
    """One thing wrong in a spec: its place (line and column count from 1) and its text."""

    file: str
    line: int
    column: int
    message: str
    code: str = "spec-invalid"

    def __post_init__(self) -> None:
        object.__setattr__(self, "message", one_line(self.message))

    @property
    def where(self) -> str:
        """Give the place as `file:line:column`, or only the file where there is no line."""
        return f"{self.file}:{self.line}:{self.column}" if self.line else self.file

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class SpecError(MbuildError):
    """The spec is wrong; `problems` holds all that is wrong with it, in file order."""

    code = "spec-invalid"
    exit_code = 3

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(dict.fromkeys(problems))
        first = self.problems[0]
        super().__init__(first.message, where=first.where)

    def __str__(self) -> str:
        return "\n".join(str(problem) for problem in self.problems)


class SourceError(MbuildError):
    """An image a spec names cannot be used."""

    code = "source-invalid"
    exit_code = 4


class SourceNotFound(SourceError):
    """A source image does not exist: a true 404, or no such entry in a layout."""

    code = "source-not-found"


class ImageMismatch(SourceError):
    """An image exists, and is not what the spec says of it."""

    code = "image-mismatch"


class Denied(MbuildError):
    """The registry or its token service answered 401 or 403, or 405 to a write (read-only)."""

    code = "denied"
    exit_code = 5


class RegistryError(MbuildError):
    """A registry, the network or a disk failed after the retries, or refused a write."""

    code = "registry-failed"
    exit_code = 6


class NotFound(RegistryError):
    """A registry or layout has no such manifest, blob or repository (404)."""

    code = "not-found"


class IntegrityError(RegistryError):
    """Bytes arrived whole, and are not the ones that were asked for."""

    code = "integrity"
    usual_hint = (
        "try again; if it stays, what holds it is damaged, or something on the way changes it"
    )


class ProtocolError(RegistryError):
    """An answer that a registry following the distribution-spec would not give."""

    code = "protocol"
    usual_hint = "check that the name is that of a registry and of an image in it"


class TransportError(RegistryError):
    """No answer came, or an answer was cut short."""

    code = "transport"


class GivenUp(TransportError):
    """A host is not asked any more in this run; `host` names it, `verdict` says why."""

    code = "given-up"
    host = ""
    verdict = ""


class StorageFull(RegistryError):
    """A registry has no space left for what it is sent."""

    code = "storage-full"
    usual_hint = "free some space in the registry's storage, then run again"


class TagRefused(RegistryError):
    """A tag could not be moved to the index."""

    code = "tag-refused"


class StoreError(RegistryError):
    """A file or folder could not be read or written."""

    code = "store-failed"


class Interrupted(MbuildError):
    """The user, or the system, asked the process to stop."""

    code = "interrupted"
    exit_code = 130


class Failures(MbuildError):
    """Several errors found side by side; its exit code is that of the worst."""

    def __init__(self, errors: Iterable[MbuildError]) -> None:
        self.errors = tuple(flatten(errors))
        super().__init__("; ".join(str(error) for error in self.errors))
        self.exit_code = worst_exit_code(self.errors)


def make_fault(exception: BaseException) -> MbuildError:
    """Describe an exception nobody foresaw, in one line that a report of it can quote."""
    while isinstance(exception, BaseExceptionGroup):
        exception = exception.exceptions[0]
    frames = extract_tb(exception.__traceback__)
    place = f" in {Path(frames[-1].filename).name}:{frames[-1].lineno}" if frames else ""
    text = f"a fault in mbuild: {type(exception).__name__}{place}: {exception}"
    return MbuildError(
        " ".join(text.split()), hint="please report it, with the command and the spec"
    )


def flatten(errors: Iterable[MbuildError]) -> Iterable[MbuildError]:
    """Unfold nested `Failures` into the single errors they hold, in order."""
    for error in errors:
        if isinstance(error, Failures):
            yield from error.errors
        else:
            yield error


def worst_exit_code(errors: Iterable[MbuildError]) -> int:
    """Give the exit code of the worst error, in the order of `WORST_FIRST`, and 0 without any."""
    return min((error.exit_code for error in errors), key=WORST_FIRST.index, default=0)
