"""The program's commands and what stands before them: `--version`, help, the process's end."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup
from typer.exceptions import TyperException

from mbuild import __version__
from mbuild.cli import commands
from mbuild.cli.command import command, show_error
from mbuild.cli.streams import open_streams, print_lines, stdout_failures, tell
from mbuild.errors import Interrupted, MbuildError, UsageError


class Program(TyperGroup):
    """The group of all commands; keeps failures of stdout and Ctrl-C from typer's own answers.

    A command has its own boundary: this one is for help, for the version and for parsing.
    """

    def make_context(self, *args: Any, **extra: Any) -> Any:
        """Parse the words before a command."""
        with _failures():
            return super().make_context(*args, **extra)
        raise typer.Exit

    def invoke(self, ctx: Any) -> Any:
        """Parse the words of a command, and run it."""
        with _failures():
            return super().invoke(ctx)
        raise typer.Exit


@contextmanager
def _failures() -> Iterator[None]:
    try:
        with stdout_failures():
            yield
    except KeyboardInterrupt:
        raise Interrupted("interrupted", hint="run the same command again") from None


app = typer.Typer(
    name="mbuild",
    cls=Program,
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for function in (
    commands.push,
    commands.plan,
    commands.lock,
    commands.check,
    commands.create,
    commands.inspect,
    commands.verify,
    commands.schema,
):
    app.command(function.__name__)(command(function))


def _show_version(wanted: bool) -> None:  # typer calls it with the option's value
    if wanted:
        print_lines([f"mbuild {__version__}"])
        raise typer.Exit


@app.callback()
def _mbuild(
    version: Annotated[  # its callback prints it
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Publish multi-architecture container images: one YAML spec, one list, all its tags."""


def run() -> None:
    """Run the program and end the process."""
    open_streams()
    try:
        code = app(standalone_mode=False)
    except TyperException as fault:
        code = _explain(fault)
    except MbuildError as error:
        code = show_error(error, as_json=wants_json(sys.argv, os.environ))
    sys.exit(code)


def _explain(fault: TyperException) -> int:
    """Say what is wrong with a command line that cannot be parsed, and give the exit code.

    The bare program name is answered with the help, as text.
    """
    if len(sys.argv) < 2:
        tell(fault.format_message())
        return UsageError.exit_code
    message = fault.format_message().rstrip(".")
    error = UsageError(message, hint=f"see {command_path(sys.argv)} --help")
    return show_error(error, as_json=wants_json(sys.argv, os.environ))


def command_path(words: Sequence[str]) -> str:
    """Give the program's name with the command on a command line, if there is one."""
    names = {info.name for info in app.registered_commands}
    return " ".join(["mbuild", *[word for word in words[1:2] if word in names]])


def wants_json(words: Sequence[str], environment: Mapping[str, str]) -> bool:
    """Tell whether a document is asked for, on a command line that could not be parsed."""
    text = " ".join(words).replace("=", " ")
    asked = re.findall(r"(?:--output|-[qv]*o) ?(text|json)", text) or [
        environment.get("MBUILD_OUTPUT")
    ]
    return bool(asked[-1] == "json")
