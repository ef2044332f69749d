"""`python -m benchmarks.soak`: bad networks, killed processes, and what they left behind."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from benchmarks.bad_network import WEATHERS, fault_failures, fault_lines
from benchmarks.killing import RUNS, kill_failures, kill_lines
from tests.support.docker_registry import ToolMissing
from tests.support.kill_runs import kill_many


def main() -> int:
    """Print two tables; give 1 where a run left something wrong, 2 where a program is missing."""
    results = [(weather, weather.runs()) for weather in WEATHERS]
    print(*fault_lines(results), sep="\n", end="\n\n", flush=True)
    try:
        with tempfile.TemporaryDirectory(prefix="mbuild-soak-") as folder:
            killed = tuple(kill_many(Path(folder), RUNS))
    except ToolMissing as missing:
        print(f"soak: {missing}", file=sys.stderr)
        return 2
    print(*kill_lines(killed), sep="\n")
    failures = (*fault_failures(results), *kill_failures(killed))
    for failure in failures:
        print(failure, file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
