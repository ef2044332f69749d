"""The exception tree: as it is drawn, each class with its code and its exit code."""

import inspect
import re

import pytest

from mbuild import errors
from mbuild.errors import (
    Denied,
    Failures,
    ImageMismatch,
    IntegrityError,
    Interrupted,
    MbuildError,
    NotFound,
    Problem,
    ProtocolError,
    RegistryError,
    SourceNotFound,
    SpecError,
    TagRefused,
    UsageError,
    make_fault,
    worst_exit_code,
)

CLASSES = [
    value
    for _, value in inspect.getmembers(errors, inspect.isclass)
    if issubclass(value, MbuildError)
]
LINE = re.compile(
    r"(?P<branch>[│ ]*(?:[├└]── )?)(?P<name>[A-Z][A-Za-z]+)(?: +(?P<code>\d+))?(?: |$)"
)
PROBLEMS = (
    Problem("manifests.yaml", 3, 5, "unknown key 'tag'"),
    Problem("manifests.yaml", 7, 1, "'image' is missing"),
)


def drawn_tree() -> list[tuple[str, str, int | None]]:
    """The tree in the module's docstring: name, parent's name and exit code of each class."""
    tree = []
    parents: list[str] = []
    for line in (errors.__doc__ or "").splitlines():
        found = LINE.match(line)
        if found and (found["branch"] or found["name"] == "MbuildError"):
            depth = len(found["branch"]) // 4
            parents[depth:] = [found["name"]]
            code = int(found["code"]) if found["code"] else None
            tree.append((found["name"], parents[depth - 1] if depth else "Exception", code))
    return tree


def test_tree() -> None:
    """The drawing shows every class, under the class it inherits from."""
    drawn = {name: parent for name, parent, _ in drawn_tree()}
    assert drawn == {error.__name__: error.__bases__[0].__name__ for error in CLASSES}
    assert len(drawn_tree()) == len(CLASSES)


def test_exit_codes() -> None:
    """An exit code is the one drawn beside the class, else that of its parent."""
    codes: dict[str, int] = {}
    for name, parent, code in drawn_tree():
        codes[name] = codes[parent] if code is None else code
    assert {error.__name__: error.exit_code for error in CLASSES} == {
        **codes,
        "Failures": MbuildError.exit_code,
    }


def test_codes() -> None:
    """Each cause has a word of its own in JSON output; several at once have none."""
    words = [error.code for error in CLASSES if error is not Failures]
    assert len(set(words)) == len(words)
    assert all(re.fullmatch(r"[a-z]+(-[a-z]+)*", word) for word in words)


TEXTS = {
    "message": (MbuildError("it broke"), "it broke"),
    "where": (MbuildError("it broke", where="a:1"), "a:1: it broke"),
    "hint": (MbuildError("it broke", hint="mend it"), "it broke; mend it"),
    "all": (Denied("no", where="ghcr.io/a", hint="log in"), "ghcr.io/a: no; log in"),
    "several lines": (RegistryError("first\r\nsecond\u2028third"), "first second third"),
    "terminal controls": (RegistryError("a\x1b[31mb\x9bc\x07"), "a [31mb c "),
    "a URL's user and password": (
        RegistryError("https://me:secret@a.test/v2/ and 'http://you@b.test'", where="x://u:p@c"),
        "x://***@c: https://***@a.test/v2/ and 'http://***@b.test'",
    ),
    "an @ that hides nothing": (
        RegistryError("https://a.test/v2/app@sha256:1 and me@a.test"),
        "https://a.test/v2/app@sha256:1 and me@a.test",
    ),
    "a problem's URL": (
        SpecError([Problem("f", 1, 1, "'https://me:secret@a.test/app' is no reference")]),
        "f:1:1: 'https://***@a.test/app' is no reference",
    ),
    "usual hint": (
        ProtocolError("no", where="a"),
        "a: no; check that the name is that of a registry and of an image in it",
    ),
    "another hint": (ProtocolError("no", hint="mend it"), "no; mend it"),
    "damaged": (
        IntegrityError("no"),
        (
            "no; try again; if it stays, what holds it is damaged, or something on the way "
            "changes it"
        ),
    ),
    "failures": (Failures([Denied("one"), NotFound("two", where="b")]), "one; b: two"),
    "problem": (SpecError([PROBLEMS[0]]), "manifests.yaml:3:5: unknown key 'tag'"),
}


@pytest.mark.parametrize(("error", "expected"), TEXTS.values(), ids=TEXTS)
def test_one_line(error: MbuildError, expected: str) -> None:
    """An error is one line: where, what and why, what next."""
    assert str(error) == expected


def test_placed() -> None:
    """An error can be told again with another text and place; all else of it stays."""
    first = Denied("no", where="ghcr.io/a", hint="log in")
    again = first.placed("it is\nprivate", "manifests.yaml:3:5")
    assert isinstance(again, Denied)
    assert again.args == ("it is private",)
    assert str(again) == "manifests.yaml:3:5: it is private; log in"
    assert str(first) == "ghcr.io/a: no; log in"


def fault(line: int) -> Exception:
    """An exception nobody foresaw, raised in a line of this file."""
    try:
        exec(compile("\n" * (line - 1) + "{}['key']", "room/module.py", "exec"))
    except KeyError as exception:
        return exception
    raise AssertionError


REPORT = "; please report it, with the command and the spec"
FAULTS = {
    "never raised": (ValueError("odd"), "a fault in mbuild: ValueError: odd"),
    "raised": (fault(7), "a fault in mbuild: KeyError in module.py:7: 'key'"),
    "control characters": (ValueError("a\x1b[31m\n"), "a fault in mbuild: ValueError: a [31m"),
    "without words": (AssertionError(), "a fault in mbuild: AssertionError:"),
    "in groups": (
        ExceptionGroup("g", [ExceptionGroup("h", [OSError("a\n  b")]), ValueError("c")]),
        "a fault in mbuild: OSError: a b",
    ),
}


@pytest.mark.parametrize(("exception", "expected"), FAULTS.values(), ids=FAULTS)
def test_fault(exception: Exception, expected: str) -> None:
    """An exception nobody foresaw is one line that says what, where and whom to tell."""
    error = make_fault(exception)
    assert str(error) == expected + REPORT
    assert (error.code, error.exit_code) == ("fault", 1)


def test_spec_error() -> None:
    """A spec error has a line for each problem, each once, and the place of the first."""
    error = SpecError([*PROBLEMS, PROBLEMS[0]])
    assert error.problems == PROBLEMS
    assert (error.message, error.where) == ("unknown key 'tag'", "manifests.yaml:3:5")
    assert str(error).splitlines() == [
        "manifests.yaml:3:5: unknown key 'tag'",
        "manifests.yaml:7:1: 'image' is missing",
    ]


def test_problem_without_a_line() -> None:
    """A problem of a whole file names the file alone."""
    problem = Problem("manifests.yaml", 0, 0, "no such file")
    assert (problem.where, str(problem)) == ("manifests.yaml", "manifests.yaml: no such file")


def test_problems_sort_by_place() -> None:
    """Problems sort as a reader meets them: by file, line and column, as numbers."""
    late = Problem("manifests.yaml", 10, 1, "a")
    assert sorted([late, *PROBLEMS[::-1]]) == [*PROBLEMS, late]


WORST = {
    "none": ([], 0),
    "one": ([Denied("")], 5),
    "registry before denied": ([Denied(""), RegistryError("")], 6),
    "denied before source": ([SourceNotFound(""), Denied("")], 5),
    "interrupted before registry": ([TagRefused(""), Interrupted("")], 130),
    "fault before all": ([Interrupted(""), MbuildError(""), NotFound("")], 1),
    "spec": ([SpecError(PROBLEMS), UsageError("")], 3),
    "failures": ([Failures([SourceNotFound(""), Denied("")]), ImageMismatch("")], 5),
}


@pytest.mark.parametrize(("found", "expected"), WORST.values(), ids=WORST)
def test_worst_exit_code(found: list[MbuildError], expected: int) -> None:
    """A batch ends with the worst of its errors, in the order 1, 130, 6, 5, 4."""
    assert worst_exit_code(found) == expected
    assert Failures(found).exit_code == expected


def test_nested_failures() -> None:
    """Failures in failures are unfolded, in order."""
    one, two, three = Denied("1"), NotFound("2"), Interrupted("3")
    assert Failures([one, Failures([two, Failures([three])])]).errors == (one, two, three)
