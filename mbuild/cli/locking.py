"""What lock does: resolve and check as push does, and write down what was found."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from mbuild.cli.files import check_result_file, write_result_file
from mbuild.cli.options import NetworkOptions, Output, ViewOptions
from mbuild.cli.session import Session, run_session
from mbuild.cli.streams import print_document, print_lines, tell
from mbuild.errors import MbuildError, worst_exit_code
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.publish.read.pins import Pins
from mbuild.report.document import Effort
from mbuild.report.errors import error_lines
from mbuild.report.locked import lock_lines, make_lock_document
from mbuild.spec.lock import to_bytes
from mbuild.spec.spec import Spec


@dataclass(frozen=True, kw_only=True)
class Locking:
    """What is to be locked, and the file that the lock is written to."""

    spec: Spec
    file: str
    network: NetworkOptions
    view: ViewOptions
    pins: Pins = field(default_factory=Pins)

    def run(self) -> int:
        """Write the lock unless anything is wrong, report, and give the exit code.

        Raises UsageError for a file that cannot be, before anything is asked.
        """
        check_result_file("--to", self.file)
        outcomes, effort = run_session(self._resolve, self.network, self.view)
        errors: list[MbuildError] = [error for one in outcomes for error in one.errors]
        errors += self.pins.errors
        if not errors:
            errors += self._write()
        for warning in dict.fromkeys(text for one in outcomes for text in one.warnings):
            tell(f"warning: {warning}")
        for line in error_lines(errors):
            tell(f"error: {line}")
        self._print(effort, errors)
        return worst_exit_code(errors)

    def _print(self, effort: Effort, errors: Sequence[MbuildError]) -> None:
        sources = () if errors else self.pins.sources
        if self.view.output is Output.JSON:
            print_document(make_lock_document(sources, effort, errors=errors))
        elif not errors:
            print_lines(lock_lines(self.file, sources, quiet=self.view.quiet))

    async def _resolve(self, session: Session) -> tuple[Outcome, ...]:
        publisher = Publisher(
            stores=session.stores,
            library=session.library,
            dry_run=True,
            announce=session.console.announce,
            record=self.pins.record,
        )
        return await publisher.publish(self.spec)

    def _write(self) -> tuple[MbuildError, ...]:
        try:
            write_result_file(self.file, to_bytes(self.pins.sources))
        except MbuildError as error:
            return (error,)
        return ()
