"""`python -m benchmarks [SIZE…]`: measure, print a table, fail where a limit is broken.

With sizes, catalogues of so many indexes are measured and nothing else; without, all the rest and
one small catalogue.
"""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.comparing import compare
from benchmarks.growing import catalogue_figures, measure_sizes
from benchmarks.measure import Place
from benchmarks.parsing import measure_parse
from benchmarks.pushing import measure_push, push_builds
from benchmarks.requests import measure_requests
from benchmarks.starting import measure_start
from benchmarks.table import Figure, milliseconds, table_lines
from tests.support.distance import far_away
from tests.support.docker_registry import ToolMissing, serve_registry

ROUND_TRIP = 0.05
"""Seconds to a registry far away and back."""

SMALL_CATALOGUE = 250
"""How many indexes the catalogue has that is measured beside the rest."""


def make_place(folder: Path) -> Place:
    """Give a place whose processes see an empty home, below a folder that is thrown away."""
    home = folder / "home"
    home.mkdir()
    variables = {
        "HOME": str(home),
        "DOCKER_CONFIG": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        # As where pip installed it: compiled once, in the run that does not count.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    return Place(folder, variables)


def measure_all(place: Place) -> Iterator[Figure]:
    """Measure one thing after the other."""
    yield from measure_start(place)
    yield from measure_parse(place)
    yield from measure_requests()
    with serve_registry(place.folder / "registry") as registry:
        push_builds(registry)
        yield from measure_push(place, registry.host)
        yield from compare(place, registry.host, "near")
        with far_away(registry.host, ROUND_TRIP) as host:
            yield from compare(place, host, f"{milliseconds(ROUND_TRIP)} away")
    yield from catalogue_figures(measure_sizes(place, [SMALL_CATALOGUE]))


def main(*sizes: str) -> int:
    """Give 1 where a limit is broken, 2 where a program is missing, else 0."""
    try:
        with tempfile.TemporaryDirectory(prefix="mbuild-bench-") as folder:
            place = make_place(Path(folder))
            if sizes:
                figures = tuple(catalogue_figures(measure_sizes(place, [*map(int, sizes)])))
            else:
                figures = tuple(measure_all(place))
    except ToolMissing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 2
    for line in table_lines(figures):
        print(line)
    return 0 if all(figure.is_good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
