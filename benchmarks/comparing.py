"""The same job done by `docker manifest`, where docker is installed."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator

from benchmarks.measure import Place, Run, RunFailed, median_seconds
from benchmarks.pushing import REPOSITORY, TAGS, builds, push_new, write_specs
from benchmarks.table import Figure, milliseconds

RUNS = 5
OURS = "mbuild push, 10 images, 4 new tags"
THEIRS = "docker manifest create, push, 4 times"


def compare(place: Place, host: str, distance: str) -> Iterator[Figure]:
    """Take mbuild and docker in turns; docker needs a `create` and a `push` for each tag."""
    write_specs(place.folder, host)
    ours, theirs = f"{distance}: {OURS}", f"{distance}: {THEIRS}"
    if shutil.which("docker") is None:
        (runs,) = place.run_in_turns(RUNS, push_new)
        yield _time(ours, runs)
        yield Figure(theirs, "left out: docker is not on PATH")
        return
    try:
        runs, others = place.run_in_turns(RUNS, push_new, lambda number: _docker(host, number))
    except RunFailed as failure:
        yield Figure(theirs, f"failed: {str(failure).splitlines()[-1]}")
        return
    yield _time(ours, runs)
    seconds = median_seconds(others)
    yield Figure(theirs, milliseconds(seconds), seconds / median_seconds(runs), "mbuild")


def _time(what: str, runs: tuple[Run, ...]) -> Figure:
    return Figure(what, milliseconds(median_seconds(runs)))


def _docker(host: str, number: int) -> tuple[str, ...]:
    names = [f"{host}/{REPOSITORY}:{tag}-docker-{number}" for tag in TAGS]
    steps = [step for name in names for step in _steps(name, tuple(builds(host).values()))]
    return ("sh", "-ec", "\n".join(map(shlex.join, steps)))


def _steps(name: str, sources: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    yield ("docker", "manifest", "create", "--insecure", name, *sources)
    yield ("docker", "manifest", "push", "--insecure", "--purge", name)
