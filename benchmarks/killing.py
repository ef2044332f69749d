"""Pushes that were killed: when, and how they ended when they were run again."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from benchmarks.table import aligned
from tests.support.kill_runs import SIGNALS, KillRun

RUNS = 200
MOMENTS = ("before tags", "amid", "all tags", "finished")
HEADS = ("signal", "runs", *MOMENTS, "run again: right", "wrong")


def kill_lines(runs: Sequence[KillRun]) -> Iterator[str]:
    """Give the table, a line for each signal: how many stood where when it came."""
    rows = []
    for one in SIGNALS:
        ours = [run for run in runs if run.by == one]
        moments = Counter(run.moment for run in ours)
        counts = (
            len(ours),
            *(moments[moment] for moment in MOMENTS),
            sum(run.again == 0 for run in ours),
            sum(bool(run.wrong) for run in ours),
        )
        rows.append((one.name, *map(str, counts)))
    return aligned([HEADS, *rows])


def kill_failures(runs: Sequence[KillRun]) -> Iterator[str]:
    """Name all that was wrong."""
    for run in runs:
        yield from run.wrong
