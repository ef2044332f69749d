"""What verify does: read the references, ask for all that belongs to them, report it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mbuild.cli.options import NetworkOptions, Output, ViewOptions
from mbuild.cli.session import Session, run_session
from mbuild.cli.streams import print_document, print_lines, tell
from mbuild.errors import Failures, MbuildError, StoreError, UsageError, worst_exit_code
from mbuild.oci.reference import AnyReference, parse_any_reference
from mbuild.publish.audit.auditor import Auditor
from mbuild.publish.audit.findings import Audit
from mbuild.report.audited import audit_lines, make_audit_document, whole_lines
from mbuild.report.document import Effort
from mbuild.report.errors import error_lines


@dataclass(frozen=True)
class Verification:
    """What is to be verified and how it is told: the values of the options."""

    references: tuple[AnyReference, ...]
    deep: bool
    network: NetworkOptions
    view: ViewOptions

    def run(self) -> int:
        """Verify, report on stdout and stderr, and give the exit code."""
        audits, effort = run_session(self._verify, self.network, self.view)
        errors = (
            *(error for audit in audits for error in audit.all_errors),
            *self._print(audits, effort),
        )
        for line in error_lines(errors):
            tell(f"error: {line}")
        return worst_exit_code(errors)

    async def _verify(self, session: Session) -> tuple[Audit, ...]:
        auditor = Auditor(
            stores=session.stores.uncached(),  # a cache would answer for the registry
            deep=self.deep,
            announce=session.console.announce,
        )
        return await auditor.verify(self.references)

    def _print(self, audits: tuple[Audit, ...], effort: Effort) -> tuple[MbuildError, ...]:
        """Print the result to stdout; that it cannot be printed is told beside what was found."""
        try:
            if self.view.output is Output.JSON:
                print_document(make_audit_document(audits, effort, deep=self.deep))
            elif self.view.quiet:
                print_lines(whole_lines(audits))
            else:
                print_lines(audit_lines(audits, deep=self.deep))
        except StoreError as error:
            return (error,)
        return ()


def read_references(texts: Sequence[str]) -> tuple[AnyReference, ...]:
    """Parse references, each once; raises every UsageError there is."""
    references, errors = [], []
    for text in dict.fromkeys(texts):
        try:
            references.append(parse_any_reference(text))
        except ValueError as error:
            errors.append(UsageError(str(error)))
    if errors:
        raise Failures(errors)
    return tuple(references)
