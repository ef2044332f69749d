"""A document's tree to the drafts of its targets; wrong keys and types are told and left out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from pydantic import ValidationError

from mbuild.spec.compose import MOST_ALIASED
from mbuild.spec.entry_model import keys_of
from mbuild.spec.faults import UNKNOWN_KEY, Fault, kind_of, path_of, report, without
from mbuild.spec.model import DocumentShape, TargetShape
from mbuild.spec.problems import Problems
from mbuild.spec.tree import Items, Node, Table


@dataclass(frozen=True, slots=True)
class Draft:
    """A target whose keys and types are right: `table` knows what was written, and where."""

    table: Table
    shape: TargetShape


def read_drafts(document: Node, problems: Problems) -> list[Draft]:
    """Give the targets of one document, defaults filled in."""
    if not isinstance(document, Table):
        what = f"a spec must be a mapping of keys such as 'image', not {kind_of(document)}"
        problems.add(document.position, what, "wrong-type")
        return []
    table = _kept(document, lambda key: not key.startswith("x-"))
    images = table.at("images")
    defaults = _check(_kept(table, lambda key: key != "images"), DocumentShape, problems)
    if images is None:
        return [defaults]
    if not isinstance(images, Items) or not images:
        what = f"'images' must be a list of targets, not {kind_of(images)}"
        problems.add(images.position, what, "wrong-type")
        return []
    return _with_defaults(images, defaults, problems)


def _kept(table: Table, keep: Callable[[str], bool]) -> Table:
    return Table({key: node for key, node in table.items() if keep(key)}, table.position)


def _with_defaults(images: Items, defaults: Draft, problems: Problems) -> list[Draft]:
    sizes = {key: _size(node) for key, node in defaults.table.items()}
    drafts: list[Draft] = []
    inherited = 0
    for image in images:
        if not isinstance(image, Table):
            what = f"a target must be a mapping of keys such as 'image', not {kind_of(image)}"
            problems.add(image.position, what, "wrong-type")
            continue
        draft = _check(image, TargetShape, problems)
        inherited += sum(size for key, size in sizes.items() if key not in image)
        if inherited > MOST_ALIASED:
            what = f"the defaults stand for more than {MOST_ALIASED:,} values up to this target"
            problems.add(image.position, what, "too-large")
            break
        drafts.append(_merged(draft, defaults))
    return drafts


def _merged(draft: Draft, defaults: Draft) -> Draft:
    """Give the draft with each key it does not write taken from the defaults."""
    own = draft.table.keys() | draft.table.dropped
    names = keys_of(TargetShape)
    taken = [key for key in defaults.table if key not in own]
    shape = draft.shape.model_copy(
        update={names[key]: getattr(defaults.shape, names[key]) for key in taken}
    )
    pairs = {key: defaults.table[key] for key in taken} | dict(draft.table)
    dropped = draft.table.dropped | (defaults.table.dropped - own)
    return Draft(Table(pairs, draft.table.position, dropped), shape)


def _size(node: Node) -> int:
    """Count the nodes of a tree; no larger than what the composer let through."""
    if isinstance(node, Table):
        return 1 + sum(_size(value) for value in node.values())
    if isinstance(node, Items):
        return 1 + sum(_size(item) for item in node)
    return 1


def _check(table: Table, shape: type[TargetShape], problems: Problems) -> Draft:
    """Validate; what is wrong is told and left out, until the rest is right."""
    while True:
        try:
            return Draft(table, shape.model_validate(table))
        except ValidationError as error:
            faults = [
                Fault(detail, path_of(table, detail), table, shape)
                for detail in error.errors(include_url=False)
            ]
        report(faults, problems)
        table = without(table, [fault.path for fault in faults])
        # A misspelt key was meant to be there: that it is missing is no second problem.
        meant = {fault.meant for fault in faults if fault.kind == UNKNOWN_KEY and not fault.holder}
        table = Table(table, table.position, table.dropped | meant)
