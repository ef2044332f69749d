"""Push and plan as text for a person."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.publish.outcome import Outcome, PlatformOutcome, TagOutcome

SHORT_DIGEST = 19
"""How much of a digest is shown where the whole would not help: `sha256:` and 12 digits."""

_PLANNED = {
    "created": "to be created",
    "moved": "to be moved",
    "unknown": "unknown, it may not be read",
}
_DONE = {"unknown": "unknown: it was being written when the run stopped"}


def image_lines(outcomes: Iterable[Outcome]) -> Iterator[str]:
    """Give `IMAGE@DIGEST` a repository that holds, or would hold, the index."""
    for outcome in outcomes:
        if outcome.index and outcome.is_published:
            yield f"{outcome.image}@{outcome.index.digest}"


def outcome_lines(outcome: Outcome, *, planned: bool) -> Iterator[str]:
    """Give what one repository came to: a headline, its tags, its platforms, what was copied."""
    if outcome.index is None:
        yield f"{outcome.image}: nothing was written"
        return
    yield f"{outcome.image}@{outcome.index.digest}"
    yield f"  {_summary(outcome, outcome.index, planned=planned)}"
    yield from table([_tag_row(tag, planned=planned) for tag in outcome.tags], indent=2)
    yield from table([_platform_row(platform) for platform in outcome.platforms], indent=2)
    if outcome.copied.blobs or outcome.copied.mounted:
        copied = outcome.copied
        sent = f"{count(copied.blobs, 'blob')} ({human_size(copied.bytes)})"
        yield f"  copied {sent}, mounted {copied.mounted}"


def _summary(outcome: Outcome, index: Descriptor, *, planned: bool) -> str:
    kind = "Docker manifest list" if media_types.is_docker(index.media_type) else "OCI index"
    images = [one for one in outcome.platforms if one.change not in {"removed", "skipped"}]
    held = count(len(images), "image")
    if outcome.attestations:
        held += f", {count(outcome.attestations, 'attestation')}"
    shape = f"{kind}, {held}, {index.size} bytes"
    return f"{shape}: {_verdict(outcome, planned=planned)}"


def _verdict(outcome: Outcome, *, planned: bool) -> str:
    if outcome.errors:
        is_untouched = all(tag.action in {"untouched", "kept"} for tag in outcome.tags)
        return "not published" if is_untouched else "not published in full"
    if not outcome.is_published:
        return "not published, since another repository of the target failed"
    if outcome.is_change:
        return "would be pushed" if planned else "pushed and verified"
    if outcome.copied.blobs:
        return "every tag holds it, blobs that were lost are back"
    return "nothing to do, every tag holds it"


def _tag_row(tag: TagOutcome, *, planned: bool) -> tuple[str, ...]:
    action = (_PLANNED if planned else _DONE).get(tag.action, tag.action)
    before = f"from {short(str(tag.previous))}" if tag.previous and tag.action == "moved" else ""
    return (":" + tag.tag, f"{action} {before}".rstrip())


def _platform_row(platform: PlatformOutcome) -> tuple[str, ...]:
    digest = short(str(platform.descriptor.digest)) if platform.descriptor else "-"
    change: str = platform.change
    if change == "changed" and platform.previous and digest != short(str(platform.previous)):
        change = f"changed from {short(str(platform.previous))}"
    return (platform.platform or "?", digest, change, platform.image)


def table(rows: Sequence[Sequence[str]], *, indent: int = 0) -> Iterator[str]:
    """Give rows as lines, their columns aligned two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield " " * indent + "  ".join(cells).rstrip()


def short(digest: str) -> str:
    """Give the beginning of a digest, enough to tell it from others."""
    return digest[:SHORT_DIGEST]


def human_size(size: int) -> str:
    """Give a size in bytes as a person reads it: 512 B, 3.2 kB, 41.7 MB."""
    thousands = min((len(str(size)) - 1) // 3, 3)
    if not thousands:
        return f"{size} B"
    return f"{size / 1000**thousands:.1f} {('kB', 'MB', 'GB')[thousands - 1]}"


def count(number: int, noun: str) -> str:
    """Give a number with its noun, in the plural where it is one."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
