"""What is said of catalogues of several sizes: their figures, their limits, how time grows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Any

from benchmarks.catalogue import ROUND_TRIP, Catalogue, Measured, measure_catalogue
from benchmarks.measure import Place, Run
from benchmarks.plot import Plot
from benchmarks.table import MEGABYTE, Figure, Limit, limited

LARGEST = 2000
"""The targets for which the limits in seconds are given; fewer get their share."""

START_SECONDS = 1.0
"""What of a limit a run may take whatever its size: a process that starts."""

FORCED_SECONDS = 120.0
AGAIN_SECONDS = 25.0
MOST_MEGABYTES = 300.0
MOST_PER_TAG = 1.05
MOST_GROWTH = 1.2
"""The most that a target may cost, as a multiple of what it costs in the next smaller catalogue."""


def measure_sizes(place: Place, sizes: Sequence[int]) -> tuple[Measured, ...]:
    """Measure catalogues of several sizes, the smallest first.

    One of a single target goes before and counts for nothing: it leaves the bytecode behind.
    """
    measure_catalogue(place, 1)
    return tuple(measure_catalogue(place, targets) for targets in sorted(sizes))


def catalogue_figures(measured: Sequence[Measured]) -> Iterator[Figure]:
    """Give the lines of the table: of each catalogue, then of how they grow."""
    for one in measured:
        yield from _figures(one)
    for smaller, larger in pairwise(measured):
        yield _growth(smaller, larger)


def catalogue_plot(measured: Sequence[Measured]) -> Plot:
    """Draw the seconds by the number of indexes."""
    lines = {
        "every tag new": [(one.catalogue.targets, one.forced.seconds) for one in measured],
        "nothing to do, no cache": [(one.catalogue.targets, one.cold.seconds) for one in measured],
        "nothing to do": [(one.catalogue.targets, one.again.seconds) for one in measured],
    }
    return Plot(
        title=f"A catalogue, {ROUND_TRIP * 1000:.0f} ms away",
        x_name="indexes (four and a half tags, four images each)",
        y_name="seconds",
        lines={name: [(0.0, 0.0), *points] for name, points in lines.items()},
    )


def _figures(measured: Measured) -> Iterator[Figure]:
    catalogue = measured.catalogue
    forced, again, cold = measured.forced, measured.again, measured.cold
    counts = f"{catalogue.targets:,} indexes, {catalogue.tags:,} tags"
    yield limited(
        f"{counts}: every tag new", forced.seconds, _share(FORCED_SECONDS, catalogue), "s"
    )
    yield _requests(forced, catalogue.tags)
    yield limited("  peak memory", forced.peak / MEGABYTE, MOST_MEGABYTES, "MB")
    yield limited("  nothing to do", again.seconds, _share(AGAIN_SECONDS, catalogue), "s")
    most = MOST_PER_TAG * catalogue.tags + catalogue.sources
    yield limited("    requests", _effort(again)["requests"], most, "requests")
    yield limited("    peak memory", again.peak / MEGABYTE, MOST_MEGABYTES, "MB")
    yield Figure("  nothing to do, empty cache", f"{cold.seconds:.1f} s")
    yield _requests(cold, catalogue.tags)


def _share(seconds: float, catalogue: Catalogue) -> float:
    return START_SECONDS + (seconds - START_SECONDS) * catalogue.targets / LARGEST


def _requests(run: Run, tags: int) -> Figure:
    effort = _effort(run)
    count = effort["requests"]
    retries = f", {effort['retries']} retries" if effort["retries"] else ""
    text = (
        f"{count:,} ({count / tags:.2f} a tag{retries}), {run.cpu * 1000 / count:.2f} ms CPU each"
    )
    return Figure("    requests", text)


def _growth(smaller: Measured, larger: Measured) -> Figure:
    counts = smaller.catalogue.targets, larger.catalogue.targets
    growth = (larger.forced.seconds / counts[1]) / (smaller.forced.seconds / counts[0])
    text = f"{growth:.2f}"
    limit = Limit(growth, MOST_GROWTH, "")
    return Figure(f"seconds a target, {counts[1]:,} over {counts[0]:,}", text, limit=limit)


def _effort(run: Run) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(run.output)
    return document
