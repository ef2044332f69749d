"""How long a push of ten images takes, against a real registry on the loopback."""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator
from pathlib import Path

from benchmarks.measure import (
    PROGRAM,
    Command,
    Place,
    Run,
    always,
    median_peak,
    median_seconds,
)
from benchmarks.peers import TAGS
from benchmarks.table import Figure, Limit, megabytes, milliseconds
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image
from tests.support.pushing import push_image
from tests.support.specs import write_spec

RUNS = 11
LIMIT = 5
REPOSITORY = "team/app"
IMPORTS = "import typer, httpx, yaml, tenacity, pydantic"
PLATFORMS = (
    "linux/386", "linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7",
    "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64:10.0.20348.2227",
)  # fmt: skip


_numbers = itertools.count(1)


def push_builds(registry: DockerRegistry) -> None:
    """Put ten images into the registry, a tag each."""
    for number, platform in enumerate(PLATFORMS):
        image = make_image(platform, docker=True, size=1000)
        push_image(registry.url, REPOSITORY, f"build-{number}", image)


BUILDS = {platform: f"build-{number}" for number, platform in enumerate(PLATFORMS)}
"""The tags of the ten images by platform."""


def measure_push(place: Place, host: str) -> Iterator[Figure]:
    """Compare a push to four new tags, and one with nothing to do, with bare imports."""
    write_specs(place.folder, host)
    first, again, imports = place.run_in_turns(
        RUNS, push_new, _push_again, always(sys.executable, "-c", IMPORTS)
    )
    base, base_peak = median_seconds(imports), median_peak(imports)
    yield Figure(f"python -c '{IMPORTS}'", milliseconds(base))
    yield _time("push, 10 images, 4 new tags", first, base)
    yield Figure("  requests", _requests(first))
    peak = median_peak(first)
    yield Figure("  peak memory", megabytes(peak), peak / base_peak, "imports")
    yield _time("push, nothing to do", again, base)
    yield Figure("  requests", _requests(again))


def _time(what: str, runs: tuple[Run, ...], base: float) -> Figure:
    seconds = median_seconds(runs)
    limit = Limit(seconds / base, LIMIT, "× imports")
    return Figure(what, milliseconds(seconds), seconds / base, "imports", limit)


def write_specs(folder: Path, host: str) -> None:
    """Write `new.yaml`, whose tags differ by run, and `again.yaml`, whose tags do not."""
    sources = {platform: f"{host}/{REPOSITORY}:{build}" for platform, build in BUILDS.items()}
    for name, tags in (("new", [f"{tag}-${{RUN}}" for tag in TAGS]), ("again", list(TAGS))):
        quoted = [f'"{tag}"' for tag in tags]
        path = write_spec(folder, f"{host}/{REPOSITORY}", sources, tags=quoted)
        path.rename(folder / f"{name}.yaml")


def push_new(number: int) -> tuple[str, ...]:
    """Give the command that pushes to four tags nobody had before."""
    run = f"RUN={number}-{next(_numbers)}"
    return (*PROGRAM, "push", "new.yaml", "--output", "json", "--set", run)


_push_again: Command = always(*PROGRAM, "push", "again.yaml", "--output", "json")


def _requests(runs: tuple[Run, ...]) -> str:
    counts = sorted({json.loads(run.output)["requests"] for run in runs})
    return " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
