"""Runs of commands, and what is said of several of them: medians, taken in turns."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.support.cli import environment

LAUNCHER = Path(__file__).with_name("launch.py")
PROGRAM = (sys.executable, "-m", "mbuild")

Command = Callable[[int], Sequence[str]]
"""Gives the words of a command; each of its runs has a number."""


class RunFailed(RuntimeError):
    """A command that is measured ended with a code other than 0."""


@dataclass(frozen=True, slots=True)
class Run:
    """What one run took: seconds of wall time, of CPU, bytes at most; and what it printed."""

    seconds: float
    cpu: float
    peak: int
    output: str


@dataclass(frozen=True, slots=True)
class Place:
    """Where commands run: a folder, and variables beside the few that every process gets."""

    folder: Path
    variables: Mapping[str, str]

    def run(self, command: Sequence[str]) -> Run:
        """Run a command once; raises RunFailed unless it ends well."""
        done = subprocess.run(
            [sys.executable, "-I", str(LAUNCHER), *command],
            cwd=self.folder,
            env=environment(self.variables),
            capture_output=True,
            text=True,
            check=True,
        )
        found = json.loads(done.stdout)
        if found["code"]:
            raise RunFailed(f"{' '.join(command)}\n{done.stderr.strip()}")
        return Run(found["seconds"], found["cpu"], found["peak"], found["output"])

    def run_in_turns(self, times: int, *commands: Command) -> tuple[tuple[Run, ...], ...]:
        """Run commands in turns, so that what else the machine does befalls all alike.

        Each is run once before, which counts for nothing and warms the file cache.
        """
        for command in commands:
            self.run(command(0))
        rounds = [
            [self.run(command(number)) for command in commands] for number in range(1, times + 1)
        ]
        return tuple(zip(*rounds, strict=True))


def make_place(folder: Path) -> Place:
    """Give a place whose processes see an empty home, below a folder that is thrown away."""
    home = folder / "home"
    home.mkdir()
    variables = {
        "HOME": str(home),
        "DOCKER_CONFIG": str(home),
        "XDG_CACHE_HOME": str(home / ".cache"),
        # As where pip installed it: compiled once, in the run that does not count.
        "PYTHONDONTWRITEBYTECODE": "",
        "PYTHONPYCACHEPREFIX": str(folder / "bytecode"),
    }
    return Place(folder, variables)


def median_seconds(runs: Sequence[Run]) -> float:
    """Give the median of the wall times."""
    return statistics.median(run.seconds for run in runs)


def median_peak(runs: Sequence[Run]) -> float:
    """Give the median of the peak memory, in bytes."""
    return statistics.median(run.peak for run in runs)


def always(*words: str) -> Command:
    """Give a command that is the same in every run."""
    return lambda _number: words
