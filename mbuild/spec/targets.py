"""A draft to a target: what its texts mean, and whether they go together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING

from mbuild.oci.platform import Platform
from mbuild.spec.annotations import read_annotations
from mbuild.spec.child_claims import check_child_tags
from mbuild.spec.child_tags import read_child_tags
from mbuild.spec.destinations import Claims, read_destinations
from mbuild.spec.entries import EntryReader
from mbuild.spec.forms import check_forms
from mbuild.spec.platforms import read_platform
from mbuild.spec.problems import Problems
from mbuild.spec.records import read_digests
from mbuild.spec.references import read_source
from mbuild.spec.spec import Digests, Entry, Record, Target
from mbuild.spec.tree import Table, Text

if TYPE_CHECKING:
    from mbuild.spec.structure import Draft


def read_target(draft: Draft, folder: str, claims: Claims, problems: Problems) -> Target:
    """Give the target; where there were problems it lacks what was wrong."""
    shape = draft.shape
    destinations = read_destinations(draft, folder, claims, problems)
    check_forms(draft, problems)
    first_tag = next((tag for it in destinations for tag in it.tags), "")
    items: list[Entry | Record] = [*EntryReader(folder, first_tag, problems).read(draft)]
    if shape.digests is not None:
        home = next(iter(destinations), None)
        items += read_digests(shape.digests, folder, home, problems)
    target = Target(
        destinations=destinations,
        entries=tuple(item for item in items if isinstance(item, Entry)),
        records=tuple(_records(items)),
        position=draft.table.position,
        format=shape.format,
        annotations=read_annotations(shape.annotations, problems),
        attestations=shape.attestations,
        require=_read_platforms(shape.require, problems),
        base=_read_base(shape.base, folder, problems),
        remove=_read_platforms(shape.remove, problems),
        child_tags=read_child_tags(shape.child_tags, problems),
        convert=shape.convert,
        referrers=shape.referrers,
    )
    if target.format == "docker":
        _check_docker(draft, target, problems)
    _check_convert(draft, target, problems)
    if shape.child_tags is not None:
        check_child_tags(target, shape.child_tags, claims, problems)
    return target


def _read_platforms(texts: Sequence[Text] | None, problems: Problems) -> tuple[Platform, ...]:
    platforms = [
        problems.attempt(text, "bad-platform", partial(read_platform, text)) for text in texts or ()
    ]
    return tuple(platform for platform in platforms if platform)


def _read_base(text: Text | None, folder: str, problems: Problems) -> Entry | None:
    """Give what the target starts from; its platforms are those it has."""
    if text is None:
        return None
    reference = problems.attempt(text, "bad-reference", partial(read_source, text, folder))
    return None if reference is None else Entry(reference, text.position)


def _check_convert(draft: Draft, target: Target, problems: Problems) -> None:
    """Tell of a conversion that does not say what to convert to."""
    node = draft.table.at("convert")
    is_unsaid = target.format == "auto" and "format" not in draft.table.dropped
    if target.convert and is_unsaid and isinstance(node, Text):
        message = "'convert' needs 'format: oci' or 'format: docker', to say what to convert to"
        problems.add(node.position, message, "convert-without-format")


def _records(items: Iterable[Entry | Record]) -> Iterator[tuple[int, Record]]:
    """Give what is no entry yet, each with how many entries stand before it."""
    number = 0
    for item in items:
        if isinstance(item, Entry):
            number += 1
        else:
            yield number, item


def _check_docker(draft: Draft, target: Target, problems: Problems) -> None:
    """Tell of annotations, which a Docker list has no place for (manifest-v2-2 document)."""
    message = "annotations need an OCI index; leave out 'format: docker', or the annotations"
    node = draft.table.at("annotations")
    if isinstance(node, Table) and node:
        problems.add(next(iter(node)).position, message, "docker-annotations")
    places = [
        item.position
        for item in (*target.entries, *(record for _, record in target.records))
        if not isinstance(item, Digests) and item.annotations
    ]
    for place in places:
        problems.add(place, f"this entry's {message}", "docker-annotations")
