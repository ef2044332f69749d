"""How long a large spec takes to read, and how much memory."""

from __future__ import annotations

from collections.abc import Iterator

from benchmarks.measure import PROGRAM, Place, always, median_peak, median_seconds
from benchmarks.table import Figure, megabytes, milliseconds

RUNS = 5
IMAGES = 2000
NAME = "registry.test/team/app"


def measure_parse(place: Place) -> Iterator[Figure]:
    """Compare `check` of 2,000 images with `check` of one: the difference is the parser's."""
    for count in (1, IMAGES):
        (place.folder / f"{count}.yaml").write_text(make_spec(count))
    many, one = place.run_in_turns(
        RUNS,
        always(*PROGRAM, "check", "--quiet", f"{IMAGES}.yaml"),
        always(*PROGRAM, "check", "--quiet", "1.yaml"),
    )
    seconds, base = median_seconds(many), median_seconds(one)
    size = (place.folder / f"{IMAGES}.yaml").stat().st_size
    yield Figure("check, spec of 1 image", milliseconds(base))
    yield Figure(
        f"check, spec of {IMAGES:,} images ({size / 1000:.0f} kB)",
        milliseconds(seconds),
        seconds / base,
        "1 image",
    )
    yield Figure("  of which reading the spec", milliseconds(seconds - base))
    yield Figure(
        "  peak memory",
        megabytes(median_peak(many)),
        median_peak(many) / median_peak(one),
        "1 image",
    )


def make_spec(count: int) -> str:
    """Write a spec of so many images, two platforms and two tags each."""
    entries = (
        f"  - image: {NAME}-{number}:1.4.2\n"
        f"    platforms:\n"
        f"      linux/amd64: {NAME}-{number}:1.4.2-amd64\n"
        f"      linux/arm64: {NAME}-{number}:1.4.2-arm64\n"
        for number in range(count)
    )
    return f'tags: ["1.4"]\nimages:\n{"".join(entries)}'
