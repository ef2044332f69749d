"""A process is made for a short life, and says all that it should."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.cli import environment

LOOK = """
import atexit, gc, os, sys
atexit.register(lambda: print("at the end:", bool(gc.get_freeze_count())))
from mbuild.cli.haste import make_haste
make_haste()
print("before a round:", gc.get_threshold()[0] >= 10_000)
print("plugins:", os.environ["PYDANTIC_DISABLE_PLUGINS"])
"""


@pytest.mark.parametrize(
    ("options", "frozen"), [((), "True"), (("-W", "error"), "False"), (("-X", "dev"), "False")],
    ids=["usual", "warnings", "development"],
)  # fmt: skip
def test_end(tmp_path: Path, options: tuple[str, ...], frozen: str) -> None:
    """Nothing is looked for at the end, unless warnings of what was left open are wanted."""
    assert look(tmp_path, *options) == [
        "before a round: True",
        "plugins: __all__",
        f"at the end: {frozen}",
    ]


def test_plugins(tmp_path: Path) -> None:
    """Who names the plugins to leave out is not overruled."""
    assert look(tmp_path, PYDANTIC_DISABLE_PLUGINS="one")[1] == "plugins: one"


def look(folder: Path, *options: str, **variables: str) -> list[str]:
    """Give what a process sees that makes haste."""
    done = subprocess.run(
        [sys.executable, *options, "-c", LOOK], cwd=folder,
        env={**environment(variables), "PYTHONWARNINGS": ""},
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    return done.stdout.splitlines()
