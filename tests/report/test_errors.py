"""Errors as lines: each once, one line each."""

from mbuild.errors import Denied, Failures, NotFound, Problem, SpecError
from mbuild.report.errors import error_lines, error_objects

DENIED = Denied("denied", where="app:1.0", hint="log in")


def test_lines() -> None:
    """Several errors are a line each, in order, and the same line only once."""
    spec = SpecError([Problem("f", 2, 1, "one"), Problem("f", 3, 1, "two")])
    errors = [DENIED, Failures([NotFound("gone"), DENIED]), spec]
    assert error_lines(errors) == ("app:1.0: denied; log in", "gone", "f:2:1: one", "f:3:1: two")


def test_one_line_each() -> None:
    """What a registry says in several lines is one."""
    assert error_lines([NotFound("a\nb\r\n\x1b[31mc")]) == ("a b [31mc",)


def test_objects() -> None:
    """As objects every error has its code, its text and its place, and a hint if there is one."""
    assert error_objects([DENIED, NotFound("gone")]) == [
        {"code": "denied", "message": "denied", "where": "app:1.0", "hint": "log in"},
        {"code": "not-found", "message": "gone", "where": ""},
    ]


def test_none() -> None:
    """Without errors there is nothing."""
    assert error_lines([]) == ()
    assert error_objects([]) == []
