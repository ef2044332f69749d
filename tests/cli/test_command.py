"""The boundary: whatever a command raises becomes lines on stderr and an exit code."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated

import pytest
import typer
from typer.testing import CliRunner

from mbuild.cli.command import command
from mbuild.cli.options import Output, ViewOptions
from mbuild.errors import Denied, Failures, Interrupted, NotFound, Problem, SpecError, UsageError


@dataclass(frozen=True, kw_only=True)
class Group:
    """Options given as one value."""

    size: Annotated[int, typer.Option(envvar="MBUILD_SIZE", help="A size.")] = 1
    name: Annotated[list[str] | None, typer.Option(help="Names.")] = None


def run(function: Callable[..., int], *words: str) -> tuple[int, str, str]:
    """Run a function as a program's only command: exit code, stdout, stderr."""
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(command(function))
    app.callback()(lambda: None)
    result = CliRunner().invoke(app, [function.__name__, *words])
    return result.exit_code, result.stdout, result.stderr


def raising(error: BaseException) -> Callable[..., int]:
    """A command that raises."""

    def fail(*, view: ViewOptions) -> int:
        assert view.output in Output
        raise error

    return fail


def test_groups() -> None:
    """Each field of an option group is an option, and the function is given the group."""
    seen: list[object] = []

    def show(word: str, *, group: Group, view: ViewOptions) -> int:
        seen.extend((word, group, view))
        return 5

    code, _, _ = run(show, "w", "--size", "3", "--name", "a", "--name", "b", "-vv", "-o", "json")
    assert code == 5
    expected = Group(size=3, name=["a", "b"]), ViewOptions(output=Output.JSON, verbose=2)
    assert seen == ["w", *expected]


def test_group_defaults() -> None:
    """Options that are not given are the group's defaults."""
    seen: list[object] = []

    def show(*, group: Group) -> int:
        seen.append(group)
        return 0

    assert run(show)[0] == 0
    assert seen == [Group()]


ERRORS = [
    (NotFound("no image", where="app:1.0", hint="look"), 6, ["app:1.0: no image; look"]),
    (Denied("denied"), 5, ["denied"]),
    (UsageError("no such thing"), 2, ["no such thing"]),
    (Interrupted("interrupted"), 130, ["interrupted"]),
    (KeyboardInterrupt(), 130, ["interrupted; run the same command again"]),
    (
        SpecError([Problem("f", 2, 1, "one"), Problem("f", 0, 0, "two")]),
        3,
        ["f:2:1: one", "f: two"],
    ),
    (Failures([Denied("denied"), NotFound("gone"), Denied("denied")]), 6, ["denied", "gone"]),
]


@pytest.mark.parametrize(
    ("error", "code", "lines"), ERRORS, ids=[type(error).__name__ for error, _, _ in ERRORS]
)
def test_error(error: BaseException, code: int, lines: list[str]) -> None:
    """An error is a line on stderr, and its exit code; with JSON a document on stdout too."""
    stderr = [f"error: {line}" for line in lines]
    assert run(raising(error)) == (code, "", "\n".join([*stderr, ""]))
    found, stdout, told = run(raising(error), "-o", "json")
    assert (found, told.splitlines()) == (code, stderr)
    document = json.loads(stdout)
    assert (document["version"], document["ok"], document["targets"]) == (1, False, [])
    assert len(document["errors"]) >= len(lines)


def fault() -> int:
    """Fail in a way that nobody foresaw."""
    raise KeyError("a\nb")


@pytest.mark.parametrize("output", ["text", "json"])
def test_fault(output: str) -> None:
    """A fault is one line that a report can quote, code 1, and no traceback."""

    def faulty(*, view: ViewOptions) -> int:
        assert view.output in Output
        return fault()

    code, stdout, stderr = run(faulty, "-o", output)
    assert code == 1
    (line,) = stderr.splitlines()
    assert line.startswith("error: a fault in mbuild: KeyError in test_command.py:")
    assert line.endswith("; please report it, with the command and the spec")
    assert "Traceback" not in stdout + stderr
    if output == "json":
        assert json.loads(stdout)["errors"][0]["code"] == "fault"


def test_fault_in_a_task_group() -> None:
    """A fault that several tasks had is told by the first, not as a group."""
    group = ExceptionGroup("unhandled", [ExceptionGroup("inner", [ValueError("odd")])])
    _, _, stderr = run(raising(group))
    assert stderr == (
        "error: a fault in mbuild: ValueError: odd; please report it, with the command and the spec\n"
    )
