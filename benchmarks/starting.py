"""How long the program takes to say its version."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from benchmarks.measure import PROGRAM, Place, always, median_peak, median_seconds
from benchmarks.table import Figure, megabytes, milliseconds

RUNS = 15


def measure_start(place: Place) -> Iterator[Figure]:
    """Compare `--version` with a Python that does nothing."""
    version, nothing = place.run_in_turns(
        RUNS, always(*PROGRAM, "--version"), always(sys.executable, "-c", "pass")
    )
    seconds, base = median_seconds(version), median_seconds(nothing)
    yield Figure("python -c pass", milliseconds(base))
    yield Figure("mbuild --version", milliseconds(seconds), seconds / base, "python -c pass")
    yield Figure("mbuild --version, peak memory", megabytes(median_peak(version)))
