"""Errors as lines for a person, and as objects for a program."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from mbuild.errors import GivenUp, MbuildError, SpecError, flatten


def error_lines(errors: Iterable[MbuildError]) -> tuple[str, ...]:
    """Give each error once, one line each; a SpecError gives a line a problem.

    All that was not tried since a host was given up is one line, and not one a request.
    """
    flat = tuple(flatten(errors))
    given_up = Counter(error.host for error in flat if isinstance(error, GivenUp))
    lines = (line for error in flat for line in _text(error, given_up).splitlines())
    return tuple(dict.fromkeys(lines))


def _text(error: MbuildError, given_up: Mapping[str, int]) -> str:
    if not isinstance(error, GivenUp) or given_up[error.host] == 1:
        return str(error)
    text = f"{error.verdict}; {given_up[error.host]} questions were not answered"
    return str(error.placed(text, error.host))


def error_objects(errors: Iterable[MbuildError]) -> list[dict[str, Any]]:
    """Give the `errors` of the JSON document: code, message, where, and a hint if any."""
    return [entry for error in flatten(errors) for entry in _objects(error)]


def _objects(error: MbuildError) -> list[dict[str, Any]]:
    if isinstance(error, SpecError):
        return [
            {"code": problem.code, "message": problem.message, "where": problem.where}
            for problem in error.problems
        ]
    entry = {"code": error.code, "message": error.message, "where": error.where}
    return [entry | ({"hint": error.hint} if error.hint else {})]
