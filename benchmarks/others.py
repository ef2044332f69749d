"""How long `docker manifest` takes for the same job, where docker is installed."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence

from benchmarks.measure import Place, RunFailed, median_seconds
from benchmarks.pushing import REPOSITORY, TAGS
from benchmarks.table import Figure, milliseconds
from tests.support.docker_registry import DockerRegistry

RUNS = 3
WHAT = "docker manifest create, push: 4 tags"


def measure_docker(
    place: Place, registry: DockerRegistry, sources: Sequence[str]
) -> Iterator[Figure]:
    """Measure one `create` and one `push` a tag, as docker needs it."""
    if shutil.which("docker") is None:
        yield Figure(WHAT, "docker is not on PATH: left out")
        return

    def command(number: int) -> tuple[str, ...]:
        names = [f"{registry.host}/{REPOSITORY}:{tag}-docker-{number}" for tag in TAGS]
        steps = [step for name in names for step in _steps(name, sources)]
        return ("sh", "-ec", "\n".join(map(shlex.join, steps)))

    try:
        (runs,) = place.run_in_turns(RUNS, command)
    except RunFailed as failure:
        yield Figure(WHAT, f"failed: {str(failure).splitlines()[-1]}")
        return
    yield Figure(WHAT, milliseconds(median_seconds(runs)))


def _steps(name: str, sources: Sequence[str]) -> Iterator[tuple[str, ...]]:
    yield ("docker", "manifest", "create", "--insecure", name, *sources)
    yield ("docker", "manifest", "push", "--insecure", "--purge", name)
