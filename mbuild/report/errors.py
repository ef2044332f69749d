"""Errors as lines for a person, and as objects for a program."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mbuild.errors import MbuildError, SpecError, flatten


def error_lines(errors: Iterable[MbuildError]) -> tuple[str, ...]:
    """Give each error once, one line each; a SpecError gives a line a problem."""
    lines = (line for error in flatten(errors) for line in str(error).splitlines())
    return tuple(dict.fromkeys(lines))


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
