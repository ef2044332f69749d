"""The standard streams, whatever the caller did with them."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mbuild import __version__
from mbuild.cli import streams
from tests.cli.world import SPEC
from tests.support.cli import Result, check_no_traceback, environment, mbuild_command, run_mbuild


def shell(redirection: str, *words: str, folder: Path) -> subprocess.CompletedProcess[str]:
    """Run the program with a shell's redirection."""
    return subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *mbuild_command(*words)],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


@pytest.mark.parametrize("redirection", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
def test_closed(folder: Path, redirection: str) -> None:
    """A closed stream stops no push, and no file of ours takes its number."""
    done = shell(redirection, "push", folder=folder)
    assert done.returncode == 0
    assert "linux" not in (folder / "dist" / "index.json").read_text()


FULL = (
    "error: cannot write the result to stdout: no space left on device; "
    "run again with another stdout to see it"
)
NO_SPEC = "error: absent.yaml: no such file; check the path"
NO_OPTION = "error: No such option: --unknown; see mbuild push --help"
NO_SOURCE = (
    "error: wrong/manifests.yaml:4:16: oci:wrong/builds:absent: no such tag in the layout; "
    "it holds amd64, arm64"
)
RUNS: list[tuple[str, int, list[str]]] = [
    ("push", 0, []),
    ("push -o json", 0, []),
    ("plan --check", 7, []),
    ("check", 0, []),
    ("inspect oci:builds:amd64", 0, []),
    ("inspect --raw oci:builds:amd64", 0, []),
    ("verify oci:builds:amd64", 0, []),
    ("schema", 0, []),
    ("--version", 0, []),
    ("--help", 0, []),
    ("push --help", 0, []),
    ("push absent.yaml -o json", 3, [NO_SPEC]),
    ("push --unknown -o json", 2, [NO_OPTION]),
    ("push wrong/manifests.yaml", 4, [NO_SOURCE]),
]


def write_wrong(folder: Path) -> None:
    """Write a spec that names an image that is not there, below `wrong`."""
    (folder / "wrong").mkdir()
    (folder / "wrong" / "builds").symlink_to(folder / "builds")
    (folder / "wrong" / "manifests.yaml").write_text(SPEC.replace("builds:arm64", "builds:absent"))


def run_with(
    folder: Path, words: str, *, stdout: int = subprocess.PIPE, stderr: int = subprocess.PIPE
) -> Result:
    """Run the program with another file in the place of its stdout or stderr."""
    done = subprocess.run(
        mbuild_command(*words.split()),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=stdout,
        stderr=stderr,
        text=True,
        check=False,
        timeout=60,
    )
    result = Result(done.returncode, done.stdout or "", done.stderr or "")
    check_no_traceback(result)
    return result


def unread_pipe() -> int:
    """The writing end of a pipe whose reader has gone."""
    reading, writing = os.pipe()
    os.close(reading)
    return writing


@pytest.mark.parametrize(("words", "code", "lines"), RUNS, ids=[words for words, _, _ in RUNS])
def test_reader_that_leaves(folder: Path, words: str, code: int, lines: list[str]) -> None:
    """Where nobody reads stdout any more, the exit code and the errors are as ever."""
    write_wrong(folder)
    writing = unread_pipe()
    done = run_with(folder, words, stdout=writing)
    os.close(writing)
    assert (done.code, done.lines) == (code, lines)


@pytest.mark.parametrize(("words", "code", "lines"), RUNS, ids=[words for words, _, _ in RUNS])
def test_full(folder: Path, words: str, code: int, lines: list[str]) -> None:
    """Where stdout takes nothing, that is told, after what went wrong before it."""
    write_wrong(folder)
    with Path("/dev/full").open("w") as full:
        done = run_with(folder, words, stdout=full.fileno())
    # An error that stops the run is told alone: what is lost then is its other form, the document.
    is_told = not lines or code == 4
    assert done.lines == ([*lines, FULL] if is_told else lines)
    assert done.code == (6 if is_told else code)


@pytest.mark.parametrize("output", ["text", "json"])
def test_full_and_published(folder: Path, output: str) -> None:
    """A push whose result cannot be printed is done, and in its metadata file."""
    done = shell(">/dev/full", "push", "--metadata-file", "m.json", "-o", output, folder=folder)
    assert (done.returncode, done.stderr) == (6, f"{FULL}\n")
    assert (folder / "m.json").exists()
    assert (folder / "dist" / "index.json").exists()


@pytest.mark.parametrize(
    ("words", "code"),
    [(words, code) for words, code, _ in RUNS] + [("", 2)],
    ids=[*(words for words, _, _ in RUNS), "no words"],
)
@pytest.mark.parametrize("is_full", [True, False], ids=["full", "no reader"])
def test_stderr_fails(folder: Path, words: str, code: int, is_full: bool) -> None:
    """Where stderr takes nothing, stdout and the exit code are as ever."""
    write_wrong(folder)
    writing = os.open("/dev/full", os.O_WRONLY) if is_full else unread_pipe()
    assert run_with(folder, words, stderr=writing).code == code
    os.close(writing)


def test_version_is_printed(folder: Path) -> None:
    """The version goes the way of all that is printed."""
    assert run_with(folder, "--version") == Result(0, f"mbuild {__version__}\n", "")


@pytest.mark.parametrize(
    "locale",
    [{"PYTHONIOENCODING": "latin-1"}, {"LC_ALL": "C", "PYTHONUTF8": "0"}],
    ids=["latin-1", "C"],
)
def test_json_is_utf8(folder: Path, locale: dict[str, str]) -> None:
    """A document is UTF-8 whatever the locale is, and text is escaped where that says less."""
    (folder / "manifests.yaml").write_text("image: oci:d中\nsources: ['oci:é']\n", "utf-8")
    done = run_mbuild("check", "-o", "json", cwd=folder, env=locale)
    assert '"oci:d中:latest"' in done.stdout
    (target,) = json.loads(done.stdout)["targets"]
    assert (target["names"], target["images"]) == (["oci:d中:latest"], ["oci:é"])


def test_no_encoding(folder: Path) -> None:
    """What the terminal's encoding cannot say is escaped."""
    (folder / "manifests.yaml").write_text("image中: x\n", encoding="utf-8")
    done = subprocess.run(
        mbuild_command("check"),
        cwd=folder,
        env=environment({"PYTHONIOENCODING": "latin-1"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 3
    assert "'image\\u4e2d'" in done.stderr


def test_streams_that_are_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Streams that are there stay, and learn to escape; what is no text file is left alone."""
    out, err = io.TextIOWrapper(io.BytesIO(), encoding="ascii"), io.StringIO()
    monkeypatch.setattr(sys, "stdout", out)
    monkeypatch.setattr(sys, "stderr", err)
    streams.open_streams()
    assert (sys.stdout, sys.stderr, out.errors) == (out, err, "backslashreplace")
