"""The program run as a user runs it: a process of its own, with nothing of the caller's around it."""

import os
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

# What a process needs to start, to find the empty home folder of the test, and to be measured.
KEPT = ("PATH", "HOME", "DOCKER_CONFIG", "TMPDIR", "LANG", "LC_ALL")
KEPT_PREFIXES = ("XDG_", "COVERAGE_", "COV_CORE_", "PYTHON")
PROJECT = Path(__file__).parents[2]


@dataclass(frozen=True, slots=True)
class Result:
    """How a run ended: exit code, and both streams as text."""

    code: int
    stdout: str
    stderr: str

    @property
    def lines(self) -> list[str]:
        """What the run said on stderr, line by line."""
        return self.stderr.splitlines()

    def told(self, host: str) -> list[str]:
        """The lines on stderr, HOST in the place of a registry's address."""
        return [line.replace(host, "HOST") for line in self.lines]


def environment(more: Mapping[str, str] | None = None) -> dict[str, str]:
    """The variables a run sees: the few it needs, and `more`."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in KEPT or name.startswith(KEPT_PREFIXES)
    }
    return {**kept, "PYTHONPATH": str(PROJECT), **(more or {})}


def run_mbuild(
    *arguments: str | Path,
    cwd: Path,
    env: Mapping[str, str] | None = None,
    stdin: str | bytes = b"",
    timeout: float = 60,
) -> Result:
    """Run `mbuild ARGUMENTS` in `cwd` and wait for its end.

    No run may show a traceback, or leave something open that Python has to warn about.
    """
    done = subprocess.run(
        mbuild_command(*arguments),
        cwd=cwd,
        env=environment(env),
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        capture_output=True,
        timeout=timeout,
        check=False,
    )
    result = Result(done.returncode, done.stdout.decode(), done.stderr.decode())
    check_no_traceback(result)
    return result


def mbuild_command(*arguments: str | Path) -> list[str]:
    """The words that start the program under the interpreter of the tests."""
    return [sys.executable, "-W", "error", "-m", "mbuild", *map(str, arguments)]


def check_no_traceback(result: Result) -> None:
    """Fail when a run showed Python's own error report instead of a message."""
    assert "Traceback" not in result.stderr, result.stderr
