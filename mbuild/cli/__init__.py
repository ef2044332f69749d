"""The command line: options to values, values to the use case, its result to a report."""

from __future__ import annotations


def main() -> None:
    """Run the program; ends the process with an exit code of `docs/exit-codes.md`."""
    from mbuild.cli.app import run

    run()
