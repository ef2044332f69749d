"""Many pushes through a bad network, and what they left behind."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from benchmarks.table import Row, aligned
from tests.support.fault_runs import FaultRun, run_through_faults

RUNS = 100
HEADS = (
    "requests spoilt",
    "attempts",
    "runs",
    "published",
    "at least",
    "wrong",
    "retries",
    "waited",
)


@dataclass(frozen=True, slots=True)
class Weather:
    """A share of requests that is spoilt, the attempts against it, and how many runs must do."""

    share: float
    attempts: int
    least: int

    def runs(self) -> tuple[FaultRun, ...]:
        """Publish with every seed; every other one meets registries that take dangling lists."""
        return tuple(
            run_through_faults(seed, self.share, attempts=self.attempts, trusting=seed % 2 == 1)
            for seed in range(RUNS)
        )


Result = tuple[Weather, tuple[FaultRun, ...]]
WEATHERS = (Weather(0.1, 6, 100), Weather(0.3, 8, 95), Weather(0.3, 3, 0))
"""The last one lets nearly every run fail, at any stage: nothing wrong may be left behind."""


def fault_lines(results: Sequence[Result]) -> Iterator[str]:
    """Give the table, a line for each weather."""
    return aligned([HEADS, *(_row(weather, runs) for weather, runs in results)])


def fault_failures(results: Sequence[Result]) -> Iterator[str]:
    """Name each run that left something wrong, and where too few published."""
    for weather, runs in results:
        yield from _failures(weather, runs)


def _row(weather: Weather, runs: tuple[FaultRun, ...]) -> Row:
    return (
        f"{weather.share:.0%}",
        str(weather.attempts),
        str(len(runs)),
        str(_published(runs)),
        str(weather.least),
        str(sum(bool(run.wrong) for run in runs)),
        f"{sum(run.retries for run in runs) / len(runs):.0f} a run",
        f"{sum(run.seconds for run in runs) / len(runs):.0f} s a run",
    )


def _published(runs: tuple[FaultRun, ...]) -> int:
    return sum(run.exit_code == 0 and not run.wrong for run in runs)


def _failures(weather: Weather, runs: tuple[FaultRun, ...]) -> Iterator[str]:
    for seed, run in enumerate(runs):
        yield from (f"seed {seed} at {weather.share:.0%}: {wrong}" for wrong in run.wrong)
    if _published(runs) < weather.least:
        yield f"at {weather.share:.0%} only {_published(runs)} runs published"
