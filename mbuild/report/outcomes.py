"""Push and plan as text for a person: what becomes of each repository, and of all of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mbuild.oci.descriptor import Descriptor
from mbuild.publish.outcome import CHANGES, Copied, Outcome, TagOutcome
from mbuild.report.changes import KEPT, MARKS, annotation_rows, further_lines, platform_lines
from mbuild.report.text import count, human_size, short, table
from mbuild.report.tree import kind_name

FEW = 20
"""Of more repositories than this only those with a change or an error are shown."""

_PLANNED = {
    "created": "to be created",
    "moved": "to be moved",
    "unknown": "unknown, it may not be read",
}
_AS_BEFORE = frozenset({"untouched", "kept", "failed", "restored", "removed"})
"""What became of tags that were not moved to the index, or hold it no more."""

_DONE = {"unknown": "unknown: it was being written when the run stopped"}


def image_lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Give `IMAGE@DIGEST` a repository that holds, or would hold, the index."""
    for outcome in outcomes:
        if outcome.index and outcome.is_published:
            yield f"{outcome.image}@{outcome.index.digest}"


def report_lines(
    outcomes: Sequence[Outcome], *, planned: bool, verbose: bool = False
) -> Iterator[str]:
    """Give what each repository came to, then of several targets how many came to what.

    What is unchanged is a line, of many repositories not even that; `verbose` shows all of it.
    """
    if not outcomes:
        yield "nothing to do: no target is chosen"
    for outcome in outcomes:
        if verbose or not is_unchanged(outcome):
            yield from outcome_lines(outcome, planned=planned, verbose=verbose)
        elif len(outcomes) <= FEW:
            yield unchanged_line(outcome)
    if len({outcome.target for outcome in outcomes}) > 1:
        yield total_line(outcomes, planned=planned)


def is_unchanged(outcome: Outcome) -> bool:
    """Tell whether all was, and is, as it should be: nothing was or would be written."""
    is_good = outcome.is_published or outcome.is_held_back
    return is_good and not outcome.is_change and not outcome.copied.blobs


def unchanged_line(outcome: Outcome) -> str:
    """Give the one line of a repository where nothing is to be done."""
    index = outcome.index
    assert index is not None  # a tag holds it
    return f"{outcome.image}@{index.digest}  {_shape(outcome, index)}: {_verdict(outcome)}"


def outcome_lines(outcome: Outcome, *, planned: bool, verbose: bool = False) -> Iterator[str]:
    """Give what one repository came to: its name, its tags, what differs, what was copied.

    Tags of the children are counted, or with `verbose` shown.
    """
    if outcome.index is None:
        yield f"{_tagged(outcome)}: nothing was written{_pointer(outcome)}"
        return
    shape = _shape(outcome, outcome.index)
    yield f"{outcome.image}@{outcome.index.digest}"
    yield f"  {shape}, {outcome.index.size} bytes: {_verdict(outcome, planned=planned)}"
    yield from table([_tag_row(tag, planned=planned) for tag in outcome.tags], indent=2)
    differences = outcome.differences
    yield from further_lines(differences, outcome.index.media_type)
    yield from table(annotation_rows(differences.annotations, "annotation "), indent=2)
    yield from platform_lines(outcome.platforms, outcome.image)
    yield from _child_tag_lines(outcome, planned=planned, verbose=verbose)
    yield from _copied_lines(outcome.copied)
    if outcome.referrers:
        yield f"  {count(outcome.referrers, 'referrer')} {'to copy' if planned else 'copied'}"


def _child_tag_lines(outcome: Outcome, *, planned: bool, verbose: bool) -> Iterator[str]:
    if verbose:
        rows = [_tag_row(tag, planned=planned, noun="child tag ") for tag in outcome.child_tags]
        yield from table(rows, indent=2)
    elif number := sum(tag.action in CHANGES for tag in outcome.child_tags):
        yield f"  {count(number, 'child tag')} {'to write' if planned else 'written'}"


def _copied_lines(copied: Copied) -> Iterator[str]:
    if copied.blobs or copied.mounted:
        sent = f"{count(copied.blobs, 'blob')} ({human_size(copied.bytes)})"
        yield f"  copied {sent}, mounted {copied.mounted}"
    if copied.foreign:
        yield f"  foreign layers left at their URLs: {copied.foreign}"


def _tagged(outcome: Outcome) -> str:
    """Name a repository with the first of its tags, since another target may be in it too."""
    return f"{outcome.image}:{outcome.tags[0].tag}" if outcome.tags else outcome.image


def _pointer(outcome: Outcome) -> str:
    """Say where the first error stands, unless it begins with the repository's name itself."""
    where = next((error.where for error in outcome.errors), "")
    return "" if not where or where.startswith(outcome.image) else f"; see {where}"


def total_line(outcomes: Sequence[Outcome], *, planned: bool) -> str:
    """Count the targets: to change or pushed, failed, unchanged."""
    fates: dict[str, int] = {}
    for outcome in outcomes:
        fates[outcome.target] = max(fates.get(outcome.target, 0), _fate(outcome))
    numbers = [list(fates.values()).count(fate) for fate in (1, 2, 0)]
    words = ("to change" if planned else "pushed", "failed", "unchanged")
    told = [f"{number:,} {word}" for number, word in zip(numbers, words, strict=True) if number]
    return f"{len(fates):,} targets: {', '.join(told)}"


def _fate(outcome: Outcome) -> int:
    if not (outcome.is_published or outcome.is_held_back):
        return 2
    return 0 if is_unchanged(outcome) else 1


def _shape(outcome: Outcome, index: Descriptor) -> str:
    images = [one for one in outcome.platforms if one.change not in {"removed", "skipped"}]
    shape = f"{kind_name(index.media_type)}, {count(len(images), 'image')}"
    if outcome.attestations:
        shape += f", {count(outcome.attestations, 'attestation')}"
    return shape


def _verdict(outcome: Outcome, *, planned: bool = False) -> str:
    if outcome.errors:
        is_as_before = all(tag.action in _AS_BEFORE for tag in outcome.tags)
        return "not published" if is_as_before else "not published in full"
    if outcome.is_held_back:
        return "not published, every tag stands for a newer version"
    if not outcome.is_published:
        return "not published, since another repository of the target failed"
    if outcome.is_tag_change:
        return "would be pushed" if planned else "pushed and verified"
    return _steady(outcome, planned=planned)


def _steady(outcome: Outcome, *, planned: bool) -> str:
    """Say of tags that all stay as they are what else there was to do."""
    every = "every other tag" if any(tag.reason for tag in outcome.tags) else "every tag"
    if outcome.referrers:
        return f"{every} holds it, referrers {'would be copied' if planned else 'copied, verified'}"
    if outcome.is_child_change:
        return f"{every} holds it, child tags {'would be written' if planned else 'written'}"
    if outcome.copied.blobs:
        return f"{every} holds it, blobs that were lost are back"
    if outcome.verified:
        return f"{every} holds it, verified"
    return f"nothing to do, {every} holds it"


def _tag_row(tag: TagOutcome, *, planned: bool, noun: str = "") -> tuple[str, ...]:
    action = (_PLANNED if planned else _DONE).get(tag.action, tag.action)
    before = f"from {short(str(tag.previous))}" if tag.previous and tag.action == "moved" else ""
    told = tag.reason or ("left behind" if tag.is_left else "")
    reason = f", {told}" if told else ""
    return (
        f"{MARKS.get(tag.action, KEPT)} {noun}:{tag.tag}",
        f"{action} {before}".rstrip() + reason,
    )
