"""`python -m benchmarks [SIZE…] [--plots FOLDER]`: measure, print tables, fail at broken limits.

With sizes, catalogues of so many indexes are measured and nothing else; without, all the rest and
one small catalogue.
"""

from __future__ import annotations

import sys
import tempfile
from argparse import ArgumentParser
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.growing import catalogue_figures, catalogue_plot, measure_sizes
from benchmarks.measure import Place, make_place
from benchmarks.parsing import measure_parse
from benchmarks.plot import Plot
from benchmarks.pushing import measure_push, push_builds
from benchmarks.requests import measure_requests
from benchmarks.single import absent, measure_single, single_figures, single_lines, single_plot
from benchmarks.starting import measure_start
from benchmarks.table import Figure, table_lines
from tests.support.docker_registry import ToolMissing, serve_registry

SMALL_CATALOGUE = 250
"""How many indexes the catalogue has that is measured beside the rest."""


def measure_small(place: Place) -> Iterator[Figure]:
    """Measure what one process does, near a registry."""
    yield from measure_start(place)
    yield from measure_parse(place)
    yield from measure_requests()


@dataclass(frozen=True, slots=True)
class Bench:
    """What was measured: figures, tables beside them, and plots by the name of their file."""

    figures: tuple[Figure, ...]
    tables: tuple[str, ...] = ()
    plots: Mapping[str, Plot] = field(default_factory=dict)

    def show(self, folder: Path | None) -> int:
        """Print all; write the plots where a folder is named; give 1 where a limit is broken."""
        print(*table_lines(self.figures), *self.tables, sep="\n")
        for name, plot in self.plots.items() if folder else ():
            assert folder
            (folder / name).write_text(plot.to_svg())
        return 0 if all(figure.is_good for figure in self.figures) else 1


def measure_all(place: Place) -> Bench:
    """Measure one thing after the other, and a small catalogue."""
    small = tuple(measure_small(place))
    with serve_registry(place.folder / "registry") as registry:
        push_builds(registry)
        pushes = tuple(measure_push(place, registry.host))
        courses = measure_single(place, registry)
    catalogue = catalogue_figures(measure_sizes(place, [SMALL_CATALOGUE]))
    return Bench(
        (*small, *pushes, *single_figures(courses), *catalogue),
        ("", *single_lines(courses), *(f"left out, not on PATH: {name}" for name in absent())),
        {"performance-push.svg": single_plot(courses)},
    )


def measure_catalogues(place: Place, sizes: Sequence[int]) -> Bench:
    """Measure catalogues alone."""
    measured = measure_sizes(place, sizes)
    plots = {"performance-catalogue.svg": catalogue_plot(measured)}
    return Bench(tuple(catalogue_figures(measured)), plots=plots)


def main() -> int:
    """Give 1 where a limit is broken, 2 where a program is missing, else 0."""
    parser = ArgumentParser(prog="benchmarks", description="Measure, and print a table.")
    parser.add_argument("sizes", nargs="*", type=int, help="catalogues of so many indexes alone")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="write plots there")
    asked = parser.parse_args()
    try:
        with tempfile.TemporaryDirectory(prefix="mbuild-bench-") as folder:
            place = make_place(Path(folder))
            sizes = asked.sizes
            bench = measure_catalogues(place, sizes) if sizes else measure_all(place)
    except ToolMissing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 2
    return bench.show(asked.plots)


if __name__ == "__main__":
    sys.exit(main())
