"""From the bytes of spec files to a Spec, or to all that is wrong with them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from mbuild.spec.dependencies import check_order
from mbuild.spec.destinations import Claims
from mbuild.spec.problems import Problems
from mbuild.spec.spec import Spec
from mbuild.spec.targets import read_target

if TYPE_CHECKING:
    from mbuild.spec.structure import Draft


@dataclass(frozen=True, slots=True)
class SpecText:
    """One spec file: its name as messages show it, its bytes, and the folder it stands in.

    Relative paths of `oci:` references are joined to `folder`; empty, they are left as they are.
    """

    name: str
    content: bytes
    folder: str


def parse_spec(
    documents: Sequence[SpecText], *, variables: Mapping[str, str], tags: Sequence[str] = ()
) -> Spec:
    """Parse spec files; `variables` is what `${VAR}` stands for, `tags` go to every target.

    Raises SpecError with all problems of all files, and nothing else for any bytes.
    """
    problems, claims = Problems(), Claims(tags)
    with problems.raised():
        targets = tuple(
            read_target(draft, document.folder, claims, problems)
            for document in documents
            for draft in _drafts(document, variables, problems)
        )
        check_order(targets, problems)
        return Spec(targets)


def _drafts(document: SpecText, variables: Mapping[str, str], problems: Problems) -> list[Draft]:
    # Imported here, since yaml and pydantic take longer to load than most commands to run.
    from mbuild.spec.documents import parse_documents
    from mbuild.spec.interpolate import interpolate
    from mbuild.spec.structure import read_drafts

    return [
        draft
        for tree in parse_documents(document.name, document.content, problems)
        for draft in read_drafts(interpolate(tree, variables, problems), problems)
    ]
