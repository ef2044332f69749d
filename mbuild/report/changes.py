"""How an index differs from the one before it, as lines with the marks of a diff."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import takewhile

from mbuild.publish.outcome import AnnotationOutcome, Differences, PlatformOutcome
from mbuild.report.text import short, table
from mbuild.report.tree import kind_name

KEPT = "="
MARKS = {
    "added": "+",
    "created": "+",
    "changed": "~",
    "moved": "~",
    "removed": "-",
    "skipped": " ",
    "failed": "!",
    "unknown": "?",
}
"""The first character of a line; what is in none of these words is as it was."""

LONGEST_VALUE = 60
"""So many characters of an annotation's value are shown."""

LEAD = 20
"""So many characters go before the first that differs, where the beginnings are alike."""

_FURTHER = {
    "attestations": "other attestations",
    "others": "other entries that are no images",
    "order": "the images in another order",
    "form": "the same, written in other bytes",
}


def further_lines(differences: Differences, media_type: str) -> Iterator[str]:
    """Tell of another kind of list, and of what no platform and no annotation shows."""
    before = differences.previous_type
    if before and before != media_type:
        yield f"  ~ {kind_name(before)} -> {kind_name(media_type)}"
    yield from (f"  ~ {_FURTHER[change]}" for change in differences.further)


def annotation_rows(
    annotations: Sequence[AnnotationOutcome], noun: str = ""
) -> list[tuple[str, str]]:
    """Give a row for each annotation that differs: its key, and its value before and now."""
    return [(f"{MARKS[one.change]} {noun}{one.key}", _values(one)) for one in annotations]


def _values(annotation: AnnotationOutcome) -> str:
    values = [one for one in (annotation.previous, annotation.value) if one is not None]
    pairs = zip(annotation.previous or "", annotation.value or "", strict=False)
    alike = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))
    start = alike - LEAD if alike >= LONGEST_VALUE else 0
    return " -> ".join(_shown(value, start) for value in values)


def _shown(value: str, start: int) -> str:
    end = start + LONGEST_VALUE
    return ("…" if start else "") + repr(value[start:end]) + ("…" if len(value) > end else "")


def platform_lines(platforms: Sequence[PlatformOutcome], repository: str) -> Iterator[str]:
    """Give a line a platform; below it what it was converted from, and annotations that differ."""
    rows = table([_platform_row(platform, repository) for platform in platforms], indent=2)
    for platform, row in zip(platforms, rows, strict=True):
        yield row
        if origin := platform.converted:
            before = f"{kind_name(origin.media_type)} {short(str(origin.digest))}"
            yield f"      converted from {before}"
        yield from table(annotation_rows(platform.annotations), indent=6)


def _platform_row(platform: PlatformOutcome, repository: str) -> tuple[str, ...]:
    digest = short(str(platform.descriptor.digest)) if platform.descriptor else "-"
    mark = MARKS.get(platform.change, KEPT)
    image = _nearer(platform.image, repository)
    return (f"{mark} {platform.platform or '?'}", digest, _change(platform), image)


def _change(platform: PlatformOutcome) -> str:
    """Say what is changed: the image, or only what the index says of it."""
    if platform.change != "changed" or platform.previous is None or platform.descriptor is None:
        return platform.change
    if platform.previous != platform.descriptor.digest:
        return f"changed from {short(str(platform.previous))}"
    return "changed in annotations" if platform.annotations else "changed in description"


def _nearer(image: str, repository: str) -> str:
    """Leave out the repository of an image that lies beside the index: `:1.4.2-amd64`."""
    tail = image.removeprefix(repository)
    return tail if tail[:1] in {":", "@"} else image
