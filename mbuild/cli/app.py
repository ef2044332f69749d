"""The program's commands and what stands before them: `--version`, help, the process's end."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from mbuild import __version__
from mbuild.cli import commands
from mbuild.cli.command import command
from mbuild.cli.streams import open_streams
from mbuild.errors import Interrupted

app = typer.Typer(
    name="mbuild",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)

for function in (
    commands.push,
    commands.plan,
    commands.check,
    commands.create,
    commands.inspect,
    commands.schema,
):
    app.command(function.__name__)(command(function))


def _show_version(wanted: bool) -> None:  # typer calls it with the option's value
    if wanted:
        typer.echo(f"mbuild {__version__}")
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
    try:
        open_streams()
        app()
    except KeyboardInterrupt:
        # Before or after a command's own boundary: while modules load, or at the very end.
        typer.echo("error: interrupted", err=True)
        sys.exit(Interrupted.exit_code)
