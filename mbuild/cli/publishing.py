"""What push, plan and create share: run the flow, report it, choose the exit code."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace

from mbuild.cli.metadata_file import MetadataFile
from mbuild.cli.options import NetworkOptions, Output, ViewOptions, WriteOptions
from mbuild.cli.session import Session, run_session
from mbuild.cli.streams import print_document, print_lines, tell
from mbuild.errors import MbuildError, StoreError, worst_exit_code
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.publish.read.patience import Patience
from mbuild.report.document import Effort, make_document
from mbuild.report.errors import error_lines
from mbuild.report.outcomes import image_lines, report_lines
from mbuild.spec.spec import Spec


@dataclass(frozen=True)
class Result:
    """What a run came to: an outcome a repository, and the errors that belong to none."""

    outcomes: tuple[Outcome, ...]
    errors: tuple[MbuildError, ...] = ()

    @property
    def all_errors(self) -> tuple[MbuildError, ...]:
        """Give the errors of all repositories, then the others."""
        return (*(error for one in self.outcomes for error in one.errors), *self.errors)

    @property
    def exit_code(self) -> int:
        """Give the exit code of the worst error of all, 0 without any."""
        return worst_exit_code(self.all_errors)


@dataclass(frozen=True, kw_only=True)
class Publication:
    """What is to be published and how it is told: the values of the options."""

    spec: Spec
    network: NetworkOptions
    view: ViewOptions
    writing: WriteOptions
    wait: float = 0

    @property
    def rules(self) -> TagRules:
        """Give what the options say of tags."""
        return TagRules(
            force=self.writing.force,
            no_clobber=self.writing.no_clobber,
            no_downgrade=self.writing.no_downgrade,
        )

    def run(self) -> Result:
        """Publish, and report in the metadata file, on stdout and on stderr.

        Raises UsageError for a metadata file that cannot be, before anything is done.
        """
        if self.writing.metadata_file is not None:
            MetadataFile(self.writing.metadata_file).check()
        outcomes, effort = run_session(self._publish, self.network, self.view)
        result = Result(outcomes, self._write_metadata(outcomes))
        result = replace(result, errors=(*result.errors, *self._print(result, effort)))
        for warning in dict.fromkeys(text for one in outcomes for text in one.warnings):
            tell(f"warning: {warning}")
        for line in error_lines(result.all_errors):
            tell(f"error: {line}")
        return result

    async def _publish(self, session: Session) -> tuple[Outcome, ...]:
        pause = session.pause
        # The rest of the deadline is for publishing, and for saying what was not found.
        most = math.inf if self.network.deadline is None else 0.9 * self.network.deadline
        patience = Patience(min(self.wait, most), tell=session.console.line, sleep=pause)
        publisher = Publisher(
            stores=session.stores,
            library=session.library,
            dry_run=self.writing.dry_run,
            rules=self.rules,
            announce=session.console.announce,
            progress=session.console.progress,
            sleep=pause,
            patience=patience if self.wait else None,
            foreign_layers=self.writing.foreign_layers,
        )
        return await publisher.publish(self.spec)

    def _write_metadata(self, outcomes: tuple[Outcome, ...]) -> tuple[MbuildError, ...]:
        """Write the metadata file; that it cannot be written is told beside what was done."""
        if self.writing.metadata_file is None or self.writing.dry_run:
            return ()
        try:
            MetadataFile(self.writing.metadata_file).write(outcomes)
        except MbuildError as error:
            return (error,)
        return ()

    def _print(self, result: Result, effort: Effort) -> tuple[MbuildError, ...]:
        """Print the result to stdout; that it cannot be printed is told beside what was done."""
        try:
            if self.view.output is Output.JSON:
                print_document(make_document(result.outcomes, effort, errors=result.errors))
            else:
                print_lines(self._lines(result.outcomes))
        except StoreError as error:
            return (error,)
        return ()

    def _lines(self, outcomes: tuple[Outcome, ...]) -> Iterator[str]:
        if self.view.quiet:
            yield from image_lines(outcomes)
            return
        yield from report_lines(
            outcomes, planned=self.writing.dry_run, verbose=self.view.verbose > 0
        )
