"""How the program starts: fast where it only has to say something, and under either name."""

import fcntl
import signal
import subprocess
import sys
import termios
import time
from importlib.metadata import entry_points
from pathlib import Path

import pytest

from mbuild import __version__
from mbuild.cli import main
from tests.support.cli import environment, mbuild_command, run_mbuild

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
    """Without words the help is shown on stderr, and the code is that of a usage error."""
    done = run_mbuild(cwd=tmp_path)
    assert (done.code, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: ")


# --- Stopped outside of any command's run ---

INTERRUPTED = "error: interrupted; run the same command again\n"
SIGNALS = pytest.mark.parametrize("one", [signal.SIGINT, signal.SIGTERM], ids=lambda it: it.name)
STOPPED_AT = """
import os, sys
from mbuild.cli import main
_, module, signal = sys.argv
class Stopper:
    def find_spec(self, name, *_):
        if name == module:
            os.kill(os.getpid(), int(signal))
sys.meta_path.insert(0, Stopper())
sys.argv = ["mbuild", "check"]
main()
"""
PATIENCE = 30


def wait_for_reader(process: subprocess.Popen[bytes]) -> None:
    """Wait until the process has taken what is in its stdin, and sleeps for more."""
    assert process.stdin
    status = Path(f"/proc/{process.pid}/stat")
    end = time.monotonic() + PATIENCE
    while True:
        is_empty = not any(fcntl.ioctl(process.stdin, termios.FIONREAD, bytes(4)))
        if is_empty and status.read_text().rpartition(") ")[2].startswith("S"):
            return
        assert time.monotonic() < end
        time.sleep(0.01)


@SIGNALS
@pytest.mark.parametrize("module", ["mbuild.cli.app", "pydantic", "mbuild.spec.parse"])
def test_stopped_while_loading(tmp_path: Path, module: str, one: signal.Signals) -> None:
    """A signal while modules load, before and during a command, ends with 130 and a word."""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", STOPPED_AT, module, str(one.value)],
        cwd=tmp_path, env=environment(), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stdout, done.stderr) == (130, "", INTERRUPTED)


@SIGNALS
@pytest.mark.parametrize("command", ["check", "push"])
def test_stopped_at_stdin(tmp_path: Path, command: str, one: signal.Signals) -> None:
    """A signal while the spec is read from stdin, whose writer has not finished, ends the wait."""
    with subprocess.Popen(
        mbuild_command(command, "-"),
        cwd=tmp_path,
        env=environment(),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    ) as process:
        assert process.stdin
        assert process.stdout
        assert process.stderr
        process.stdin.write(b"image: ")
        process.stdin.flush()
        wait_for_reader(process)
        process.send_signal(one)
        said = process.stdout.read().decode(), process.stderr.read().decode()
        assert (process.wait(60), *said) == (130, "", INTERRUPTED)
