"""What push, plan and create share: run the flow, report it, choose the exit code."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import typer

from mbuild.cli.options import NetworkOptions, Output, ViewOptions, WriteOptions
from mbuild.cli.session import Session, run_session
from mbuild.errors import UsageError, worst_exit_code
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.report.document import Effort, make_document, to_json
from mbuild.report.errors import error_lines
from mbuild.report.metadata import make_metadata
from mbuild.report.text import image_lines, outcome_lines
from mbuild.spec.spec import Spec
from mbuild.store.files import explain_disk_errors, write_file


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What is to be published and how it is told: the values of the options."""

    spec: Spec
    network: NetworkOptions
    view: ViewOptions
    writing: WriteOptions

    def run(self) -> tuple[Outcome, ...]:
        """Publish, and report on stdout, stderr and in the metadata file.

        Raises UsageError for a metadata file that cannot be, before anything is done.
        """
        self._check_metadata_file()
        outcomes, effort = run_session(self._publish, self.network, self.view)
        self._report(outcomes, effort)
        if self.writing.metadata_file and not self.writing.dry_run:
            path = Path(self.writing.metadata_file)
            with explain_disk_errors(path):
                write_file(path, to_json(make_metadata(outcomes)).encode())
        return outcomes

    async def _publish(self, session: Session) -> tuple[Outcome, ...]:
        publisher = Publisher(
            stores=session.stores,
            library=session.library,
            dry_run=self.writing.dry_run,
            announce=session.console.announce,
        )
        return await publisher.publish(self.spec)

    def _check_metadata_file(self) -> None:
        path = Path(self.writing.metadata_file)
        if self.writing.metadata_file and (path.is_dir() or not path.parent.is_dir()):
            raise UsageError(
                f"--metadata-file {self.writing.metadata_file!r} cannot be written",
                hint="name a file in a folder that exists",
            )

    def _report(self, outcomes: tuple[Outcome, ...], effort: Effort) -> None:
        if self.view.output is Output.JSON:
            sys.stdout.write(to_json(make_document(outcomes, effort)))
        else:
            for line in self._lines(outcomes):
                typer.echo(line)
        for warning in dict.fromkeys(text for one in outcomes for text in one.warnings):
            typer.echo(f"warning: {warning}", err=True)
        for line in error_lines(error for one in outcomes for error in one.errors):
            typer.echo(f"error: {line}", err=True)

    def _lines(self, outcomes: tuple[Outcome, ...]) -> Iterator[str]:
        if self.view.quiet:
            yield from image_lines(outcomes)
            return
        for outcome in outcomes:
            yield from outcome_lines(outcome, planned=self.writing.dry_run)


def exit_code(outcomes: tuple[Outcome, ...]) -> int:
    """Give the exit code of the worst error of all, 0 without any."""
    return worst_exit_code(tuple(error for one in outcomes for error in one.errors))
