"""How long a push of ten images takes, against a real registry on the loopback."""

from __future__ import annotations

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
from benchmarks.table import Figure, megabytes, milliseconds
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image
from tests.support.pushing import push_image
from tests.support.specs import write_spec

RUNS = 11
LIMIT = 5
REPOSITORY = "team/app"
IMPORTS = "import typer, httpx, yaml, tenacity, pydantic"
TAGS = ("1.4.2", "1.4", "1", "latest")
PLATFORMS = (
    "linux/386", "linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7",
    "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64",
)  # fmt: skip


def push_builds(registry: DockerRegistry) -> dict[str, str]:
    """Put ten images into the registry, a tag each; give their references by platform."""
    builds = {}
    for number, platform in enumerate(PLATFORMS):
        image = make_image(platform, docker=True, size=1000)
        push_image(registry.url, REPOSITORY, f"build-{number}", image)
        builds[platform] = f"{registry.host}/{REPOSITORY}:build-{number}"
    return builds


def measure_push(
    place: Place, registry: DockerRegistry, builds: dict[str, str]
) -> Iterator[Figure]:
    """Compare a push to four new tags, and one with nothing to do, with bare imports."""
    _write_specs(place.folder, registry, builds)
    first, again, imports = place.run_in_turns(
        RUNS, _push_new, _push_again, always(sys.executable, "-c", IMPORTS)
    )
    seconds, base = median_seconds(first), median_seconds(imports)
    yield Figure("python -c 'import typer, httpx, …'", milliseconds(base))
    yield Figure(
        "push, 10 images, 4 new tags", milliseconds(seconds), seconds / base, "imports", LIMIT
    )
    yield Figure("  requests", _requests(first))
    yield Figure(
        "  peak memory", megabytes(median_peak(first)), median_peak(first) / median_peak(imports),
        "imports",
    )  # fmt: skip
    seconds = median_seconds(again)
    yield Figure("push, nothing to do", milliseconds(seconds), seconds / base, "imports", LIMIT)
    yield Figure("  requests", _requests(again))


def _write_specs(folder: Path, registry: DockerRegistry, builds: dict[str, str]) -> None:
    image = f"{registry.host}/{REPOSITORY}"
    for name, tags in (("new", [f"{tag}-${{RUN}}" for tag in TAGS]), ("again", list(TAGS))):
        path = write_spec(folder, image, builds, tags=[f'"{tag}"' for tag in tags])
        path.rename(folder / f"{name}.yaml")


def _push_new(number: int) -> tuple[str, ...]:
    return (*PROGRAM, "push", "new.yaml", "--output", "json", "--set", f"RUN={number}")


_push_again: Command = always(*PROGRAM, "push", "again.yaml", "--output", "json")


def _requests(runs: tuple[Run, ...]) -> str:
    counts = sorted({json.loads(run.output)["requests"] for run in runs})
    return " to ".join(map(str, dict.fromkeys([counts[0], counts[-1]])))
