"""One push, ten images to four tags, at several distances: mbuild in four cases, and its peers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PROGRAM, Command, Place, Run, median_seconds
from benchmarks.peers import PEERS, TAGS, Job
from benchmarks.plot import Plot
from benchmarks.pushing import BUILDS, REPOSITORY
from benchmarks.table import Figure, Limit, Row, aligned, limited, milliseconds
from tests.support.distance import far_away
from tests.support.docker_registry import DockerRegistry
from tests.support.specs import write_spec
from tests.support.wire import listen_at_the_wire

ROUND_TRIPS = (0.0, 0.02, 0.05, 0.1)
"""Seconds to the registry and back: a machine of its own, a region, a country, an ocean."""

RUNS = 5
JUDGED = 0.05
MOST_ROUND_TRIPS = 8
MOST_REQUESTS = 49
MOST_OF_DOCKER = 0.05


@dataclass(frozen=True, slots=True)
class Contender:
    """A tool, or a case of mbuild, and the command with which it does a job."""

    name: str
    command: Callable[[Job], Sequence[str]]
    is_judged: bool = False

    @property
    def times(self) -> int:
        """Count its runs in a round: where a limit is to be kept, more, for a steadier median."""
        return 3 if self.is_judged else 1


Key = tuple[Contender, float]
"""A contender at a distance."""

Taken = tuple[Key, tuple[Run, ...]]


@dataclass(frozen=True, slots=True)
class Course:
    """What a contender came to: seconds by round-trip time, and what was seen at the wire."""

    contender: Contender
    seconds: Mapping[float, float]
    requests: int
    round_trips: int

    @property
    def waiting(self) -> float:
        """Give the seconds that the distance alone costs, at the distance that is judged."""
        return self.seconds[JUDGED] - self.seconds[0.0]


def contenders() -> Iterator[Contender]:
    """Give mbuild's cases, then every peer that is here."""
    yield Contender("mbuild, new tags", _push_new, is_judged=True)
    yield Contender("mbuild, moved tags", _push_moved, is_judged=True)
    yield Contender("mbuild, nothing to do", _push_again)
    yield Contender("mbuild, the same without cache", _push_again_uncached)
    for peer in PEERS:
        if peer.is_here:
            yield Contender(peer.name, peer.command)


def absent() -> Iterator[str]:
    """Name the peers that are left out."""
    return (peer.name for peer in PEERS if not peer.is_here)


def _push_new(job: Job) -> Sequence[str]:
    return _push(job, "forth.yaml", job.run, "--no-cache")


def _push_moved(job: Job) -> Sequence[str]:
    """Push to the same tags in every round, and another list than in the round before."""
    file = ("forth.yaml", "back.yaml")[job.round % 2]
    return _push(job, file, f"moved-{job.distance}", "--no-cache")


def _push_again(job: Job) -> Sequence[str]:
    return _push(job, "forth.yaml", "kept")


def _push_again_uncached(job: Job) -> Sequence[str]:
    return _push(job, "forth.yaml", "kept", "--no-cache")


def _push(job: Job, file: str, run: str, *options: str) -> Sequence[str]:
    settings = ("--set", f"HOST={job.host}", "--set", f"RUN={run}")
    return (*PROGRAM, "push", file, "--plain-http", job.host, *settings, *options)


def write_specs(folder: Path) -> None:
    """Write `forth.yaml` and `back.yaml`: the same images, in the one order and in the other."""
    name = f"${{HOST}}/{REPOSITORY}"
    sources = {platform: f"{name}:{build}" for platform, build in BUILDS.items()}
    back = dict(reversed(sources.items()))
    tags = [f'"{tag}-${{RUN}}"' for tag in TAGS]
    for file, platforms in (("forth.yaml", sources), ("back.yaml", back)):
        write_spec(folder, name, platforms, tags=tags).rename(folder / file)


def measure_single(place: Place, registry: DockerRegistry) -> tuple[Course, ...]:
    """Run all contenders at all distances in turns; then listen to each at the wire."""
    write_specs(place.folder)
    ours = tuple(contenders())
    with ExitStack() as proxies:
        hosts = {
            seconds: proxies.enter_context(far_away(registry.host, seconds))
            for seconds in ROUND_TRIPS
        }
        turns = [
            ((one, seconds), _numbered(one, hosts[seconds], str(seconds), turn))
            for one in ours
            for seconds in ROUND_TRIPS
            for turn in range(one.times)
        ]
        runs = place.run_in_turns(RUNS, *(command for _, command in turns))
    taken = [(key, some) for (key, _), some in zip(turns, runs, strict=True)]
    return tuple(Course(one, _medians(one, taken), *_listen(one, place, registry)) for one in ours)


def _medians(contender: Contender, taken: Sequence[Taken]) -> dict[float, float]:
    return {
        seconds: median_seconds(
            [run for key, runs in taken if key == (contender, seconds) for run in runs]
        )
        for seconds in ROUND_TRIPS
    }


def _numbered(contender: Contender, host: str, distance: str, turn: int = 0) -> Command:
    """Give the command of each round; `by` has no spaces, since it is part of a tag."""
    by = contender.name.translate(str.maketrans(", ", "--"))

    def command(number: int) -> Sequence[str]:
        count = number * contender.times + turn
        return contender.command(
            Job(host, REPOSITORY, BUILDS, by=by, distance=distance, round=count)
        )

    return command


def _listen(contender: Contender, place: Place, registry: DockerRegistry) -> tuple[int, int]:
    """Count the requests and the dependent round trips of a second run."""
    with listen_at_the_wire(registry.url) as wire:
        command = _numbered(contender, wire.host, "wire")
        place.run(command(0))
        wire.clear()
        place.run(command(1))
        return len(wire.exchanges), wire.round_trips


def single_lines(courses: Sequence[Course]) -> Iterator[str]:
    """Give the table: a line for each contender."""
    distances = (f"{seconds * 1000:.0f} ms" for seconds in ROUND_TRIPS)
    waiting = f"waiting at {JUDGED * 1000:.0f} ms"
    heads = ("one push, 10 images, 4 tags", *distances, waiting, "requests", "round trips")
    return aligned([heads, *map(_row, courses)])


def _row(course: Course) -> Row:
    return (
        course.contender.name,
        *(f"{seconds:.2f} s" for seconds in course.seconds.values()),
        f"{course.waiting:.2f} s",
        str(course.requests),
        str(course.round_trips),
    )


def single_plot(courses: Sequence[Course]) -> Plot:
    """Draw the seconds by the distance, of one case of mbuild and of its peers."""
    ours = courses[0]
    shown = (ours, *(one for one in courses if not one.contender.name.startswith("mbuild")))
    return Plot(
        title="One push: 10 images, 4 new tags",
        x_name="round trip to the registry, milliseconds",
        y_name="seconds",
        lines={
            one.contender.name: [(at * 1000, taken) for at, taken in one.seconds.items()]
            for one in shown
        },
    )


def single_figures(courses: Sequence[Course]) -> Iterator[Figure]:
    """Give the figures that have limits."""
    docker = next((one for one in courses if one.contender.name == "docker manifest"), None)
    for course in courses:
        if course.contender.is_judged:
            yield from _judge(course, docker)


def _judge(course: Course, docker: Course | None) -> Iterator[Figure]:
    name, trips = course.contender.name, course.waiting / JUDGED
    what = f"{name}, {JUDGED * 1000:.0f} ms away: waiting, in round trips"
    yield Figure(what, f"{trips:.1f}", limit=Limit(trips, MOST_ROUND_TRIPS, "round trips"))
    yield limited("  requests", course.requests, MOST_REQUESTS, "requests")
    if docker:
        share = course.waiting / docker.waiting
        limit = Limit(share, MOST_OF_DOCKER, "× docker manifest")
        text = milliseconds(course.waiting)
        yield Figure("  of what docker manifest waits", text, share, "docker manifest", limit)
