"""The problems of a spec, gathered while it is read and raised as one error."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from difflib import get_close_matches
from functools import lru_cache
from typing import TypeVar

from mbuild.errors import Problem, SpecError
from mbuild.spec.spec import Position
from mbuild.spec.tree import Text

MOST_PROBLEMS = 1000
"""More than this many are of no help to anybody: reading stops there."""

LONGEST_SHOWN = 200
"""So many characters of a user's text are shown in a message."""

LONGEST_MESSAGE = 500
"""A message made elsewhere, of a text nobody would write, is cut."""

T = TypeVar("T")


class TooManyProblems(Exception):
    """Reading goes no further; what was found so far is raised."""


class Problems:
    """A growing set of problems, each told once however often it is met."""

    def __init__(self) -> None:
        self._found: dict[Problem, None] = {}
        self._files: dict[str, int] = {}
        self._unread: set[Position] = set()

    def add_unread(self, position: Position, message: str, code: str) -> None:
        """Take in that a text could not be made out; no more is told of what stands there."""
        self.add(position, message, code)
        self._unread.add(position)

    def add(self, position: Position, message: str, code: str) -> None:
        """Take in one problem; raises TooManyProblems when there are more than anyone reads."""
        if position in self._unread:
            return
        self._files.setdefault(position.file, len(self._files))
        found = Problem(position.file, position.line, position.column, message, code)
        self._found[found] = None
        if len(self._found) > MOST_PROBLEMS:
            raise TooManyProblems

    def attempt(self, text: Text, code: str, act: Callable[[], T]) -> T | None:
        """Give what `act` makes of `text`, or None and a problem where it raises ValueError."""
        try:
            return act()
        except ValueError as error:
            message = str(error.args[0]).replace(repr(text), show(text))
            if len(message) > LONGEST_MESSAGE:
                message = f"{message[:LONGEST_MESSAGE]}…"
            self.add(text.position, message, code)
            return None

    def _in_order(self) -> list[Problem]:
        """Give the problems by file, line and column."""
        return sorted(self._found, key=lambda it: (self._files[it.file], it.line, it.column))

    @contextmanager
    def raised(self) -> Iterator[None]:
        """Run a block to its end, or to too many problems, then raise SpecError if there is any."""
        try:
            yield
        except TooManyProblems:
            raise SpecError(self._shown()) from None
        if self._found:
            raise SpecError(self._shown())

    def _shown(self) -> list[Problem]:
        shown = self._in_order()[:MOST_PROBLEMS]
        if len(self._found) > MOST_PROBLEMS:
            text = f"more than {MOST_PROBLEMS} problems; the rest is not shown"
            shown.append(Problem(shown[-1].file, 0, 0, text, "too-many-problems"))
        return shown


def show(text: str) -> str:
    """Give a user's text for a message: quoted, escaped, on one line, and cut if very long."""
    return repr(text[:LONGEST_SHOWN]) + ("…" if len(text) > LONGEST_SHOWN else "")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """Give `; did you mean 'x'?` for the known word nearest to `word`, or empty text."""
    near = nearest(word, tuple(sorted(known)))
    return f"; did you mean {near!r}?" if near else ""


@lru_cache(maxsize=1024)
def nearest(word: str, known: tuple[str, ...]) -> str:
    """Give the known word that `word` most likely stands for, or empty text."""
    if len(word) > 40:
        return ""
    return next(iter(get_close_matches(word.lower(), known, n=1, cutoff=0.6)), "")
