"""`python -m benchmarks.copies`: copies between two registries, beside other tools."""

from __future__ import annotations

import shutil
import statistics
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.cargo import Cargo
from benchmarks.copiers import COPIERS, MBUILD, SKOPEO, push_each
from benchmarks.copying import Runs, measure_copies, measure_once
from benchmarks.measure import Place, Run, make_place, median_seconds
from benchmarks.table import MEGABYTE, Figure, Limit, Row, aligned, limited, table_lines
from tests.support.docker_registry import ToolMissing

LAYERS = Cargo(images=4, layers=3, size=24_000_000)
HUGE_LAYERS = Cargo(images=3, layers=1, size=1_000_000_000)
MANY_IMAGES = Cargo(images=200, layers=2, size=20_000, base=2_000_000)

RUNS = 7
MOST_MEGABYTES = 120.0
MOST_GROWTH = 1.1
"""The peak with layers of 1 GB, as a multiple of the one with layers of 24 MB."""

IN_MEMORY = Path("/dev/shm")
ROOM = 8_000_000_000
"""Bytes that must be free there."""

HEADS = ("seconds", "MB/s", "CPU", "peak memory")


def roomy() -> Path:
    """Give where registries keep their files: in memory if there is room, else on the disk."""
    is_roomy = IN_MEMORY.is_dir() and shutil.disk_usage(IN_MEMORY).free >= ROOM
    return IN_MEMORY if is_roomy else Path(tempfile.gettempdir())


def run_lines(cargo: Cargo, runs: Runs) -> Iterator[str]:
    """Give the table of one cargo: a line for each program."""
    rows = [(copier.name, *_row(cargo, some)) for copier, some in runs.items()]
    return aligned([(cargo.name, *HEADS), *rows])


def _row(cargo: Cargo, runs: Sequence[Run]) -> Row:
    seconds = median_seconds(runs)
    cpu = statistics.median(run.cpu for run in runs)
    return (
        f"{seconds:.2f} s",
        f"{cargo.megabytes / seconds:.0f}",
        f"{cpu:.2f} s",
        f"{_peak(runs):.0f} MB",
    )


def _peak(runs: Sequence[Run]) -> float:
    return max(run.peak for run in runs) / MEGABYTE


def copy_figures(layers: Runs, huge: Runs) -> Iterator[Figure]:
    """Give the figures that have limits."""
    ours = layers[MBUILD]
    if SKOPEO in layers:
        ratio = median_seconds(ours) / median_seconds(layers[SKOPEO])
        limit = Limit(ratio, 1.0, "× skopeo copy --all")
        text = f"{median_seconds(ours):.2f} s"
        yield Figure(LAYERS.name, text, ratio, "skopeo copy --all", limit)
    yield limited("  peak memory", _peak(ours), MOST_MEGABYTES, "MB")
    yield limited(f"{HUGE_LAYERS.name}: peak memory", _peak(huge[MBUILD]), MOST_MEGABYTES, "MB")
    growth = _peak(huge[MBUILD]) / _peak(ours)
    limit = Limit(growth, MOST_GROWTH, "× that of 24 MB")
    yield Figure("  beside layers of 24 MB", f"{growth:.2f}", limit=limit)


def wire_figures(place: Place) -> Iterator[Figure]:
    """Measure many small images, and give what was seen at the wire."""
    run, traffic = measure_once(place, MANY_IMAGES, push_each)
    name = f"{MANY_IMAGES.images} images: {MANY_IMAGES.name}"
    yield Figure(name, f"{run.seconds:.2f} s")
    yield limited("  how often a blob travels", traffic.most_trips, 1, "×")
    yield Figure("  blobs fetched, sent", f"{traffic.downloads.total()}, {traffic.uploads.total()}")
    yield Figure("  requests to both registries", str(traffic.requests))
    yield limited("  peak memory", run.peak / MEGABYTE, MOST_MEGABYTES, "MB")


def measure_all(folder: Path) -> int:
    """Measure and print; give 1 where a limit is broken."""
    place = make_place(folder)
    here = [copier for copier in COPIERS if copier.is_here]
    layers = measure_copies(place, LAYERS, here, RUNS)
    huge = measure_copies(place, HUGE_LAYERS, [MBUILD], 1)
    figures = (*copy_figures(layers, huge), *wire_figures(place))
    absent = [f"left out, not on PATH: {one.name}" for one in COPIERS if one not in here]
    print(*run_lines(LAYERS, layers), "", *run_lines(HUGE_LAYERS, huge), "", sep="\n")
    print(*table_lines(figures), "", *absent, f"the registries' files: {folder.parent}", sep="\n")
    return 0 if all(figure.is_good for figure in figures) else 1


def main() -> int:
    """Give 1 where a limit is broken, 2 where a program is missing, else 0."""
    try:
        with tempfile.TemporaryDirectory(prefix="mbuild-bench-", dir=roomy()) as folder:
            return measure_all(Path(folder))
    except ToolMissing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 2


if __name__ == "__main__":
    sys.exit(main())
