"""`python -m benchmarks`: measure everything, print the table, fail where a limit is broken."""

from __future__ import annotations

import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import Place
from benchmarks.others import measure_docker
from benchmarks.parsing import measure_parse
from benchmarks.pushing import measure_push, push_builds
from benchmarks.starting import measure_start
from benchmarks.table import Figure, table_lines
from tests.support.docker_registry import ToolMissing, serve_registry


def measure_all(folder: Path) -> Iterator[Figure]:
    """Measure one thing after the other, all below a folder that is thrown away."""
    home = folder / "home"
    home.mkdir()
    place = Place(folder, {"HOME": str(home), "DOCKER_CONFIG": str(home)})
    yield from measure_start(place)
    yield from measure_parse(place)
    with serve_registry(folder / "registry") as registry:
        builds = push_builds(registry)
        yield from measure_push(place, registry, builds)
        yield from measure_docker(place, registry, tuple(builds.values()))


def main() -> int:
    """Give 1 where a limit is broken, 2 where a program is missing, else 0."""
    try:
        with tempfile.TemporaryDirectory(prefix="mbuild-bench-") as folder:
            figures = tuple(measure_all(Path(folder)))
    except ToolMissing as missing:
        print(f"bench: {missing}", file=sys.stderr)
        return 2
    for line in table_lines(figures):
        print(line)
    return 0 if all(figure.is_good for figure in figures) else 1


if __name__ == "__main__":
    sys.exit(main())
