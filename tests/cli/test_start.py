"""How the program starts: fast where it only has to say something, and under either name."""

import subprocess
import sys
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mbuild import __version__
from mbuild.cli import main
from tests.support.cli import environment, run_mbuild

HEAVY = ("httpx", "yaml", "pydantic", "pydantic_core", "tenacity", "asyncio")
PROGRAM = f"""
import sys
from mbuild.cli import main
sys.argv = ["mbuild", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
print("loaded:", *(name for name in {HEAVY} if name in sys.modules))
"""


# Typer itself takes pydantic for the options of a command.
TYPERS = ["pydantic", "pydantic_core"]


@pytest.mark.parametrize(
    ("words", "allowed"),
    [
        (("--version",), []),
        (("--help",), []),
        (("push", "--help"), TYPERS),
        (("create", "-h"), TYPERS),
        (("inspect", "--help"), TYPERS),
    ],
    ids=["--version", "--help", "push", "create", "inspect"],
)
def test_light(tmp_path: Path, words: tuple[str, ...], allowed: list[str]) -> None:
    """Version and help load neither the network nor YAML nor the spec's model."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", PROGRAM, *words],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    *shown, loaded = done.stdout.splitlines()
    assert shown
    assert set(loaded.split()[1:]) <= set(allowed)
    assert done.stderr == ""


def test_version(tmp_path: Path) -> None:
    """`python -m mbuild` is the program, and says its version."""
    done = run_mbuild("--version", cwd=tmp_path)
    assert (done.code, done.stdout, done.stderr) == (0, f"mbuild {__version__}\n", "")


def test_script() -> None:
    """The script that an installation has is the same program."""
    (script,) = entry_points(group="console_scripts", name="mbuild")
    assert script.load() is main


def test_no_words(tmp_path: Path) -> None:
    """Without words the help is shown, and the code is that of a usage error."""
    done = run_mbuild(cwd=tmp_path)
    assert done.code == 2
    assert "Usage: " in done.stdout + done.stderr
