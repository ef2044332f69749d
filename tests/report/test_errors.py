"""Errors as lines: each once, one line each."""

from mbuild.errors import Denied, Failures, GivenUp, MbuildError, NotFound, Problem, SpecError
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


def given_up(where: str, host: str = "r.test") -> MbuildError:
    """What an operation is told whose host was given up."""
    error = GivenUp("not tried any more: it is gone", where=host, hint="look")
    error.host, error.verdict = host, error.message
    return error.placed(f"app: {error.message}", where)


def test_host_given_up() -> None:
    """All that was not tried at one host is one line, at its first place; a single one stands as it is."""
    errors = [
        given_up("m.yaml:3:5"),
        MbuildError("other", where="m.yaml:4:5"),
        given_up("m.yaml:5:5"),
        given_up("m.yaml:6:5", "s.test"),
    ]
    assert error_lines(errors) == (
        "r.test: not tried any more: it is gone; 2 questions were not answered; look",
        "m.yaml:4:5: other",
        "m.yaml:6:5: app: not tried any more: it is gone; look",
    )
    assert [entry["where"] for entry in error_objects(errors)] == [error.where for error in errors]
