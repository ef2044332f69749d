"""The standard streams, whatever the caller did with them."""

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mbuild.cli import command, streams
from tests.cli.world import mbuild
from tests.support.cli import environment, mbuild_command


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


def test_reader_that_leaves(folder: Path) -> None:
    """Where nobody reads stdout any more, the push and its metadata file are done all the same."""
    words = ("push", "--metadata-file", "m.json")
    done = shell("| true", *words, folder=folder)
    assert done.stderr == ""
    assert (folder / "m.json").exists()
    assert (folder / "dist" / "index.json").exists()


def test_full(folder: Path) -> None:
    """Where stdout takes nothing, that is told, and the push is done."""
    done = shell(">/dev/full", "push", folder=folder)
    assert done.stderr == (
        "error: cannot write the result to stdout: no space left on device; what was to be done is "
        "done; run again with another stdout to see the result\n"
    )
    assert done.returncode == 6
    assert (folder / "dist" / "index.json").exists()


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


@pytest.mark.parametrize(
    ("error", "code", "lines"),
    [
        (BrokenPipeError(32, "Broken pipe"), 6, []),
        (
            OSError(28, "No space left on device"),
            6,
            [
                (
                    "error: cannot write the result to stdout: no space left on device; what was to be "
                    "done is done; run again with another stdout to see the result"
                )
            ],
        ),
        (
            FileNotFoundError(2, "No such file or directory", "secret"),
            1,
            [
                (
                    "error: a fault in mbuild: FileNotFoundError in test_streams.py:LINE: [Errno 2] No "
                    "such file or directory: 'secret'; please report it, with the command and the spec"
                )
            ],
        ),
    ],
    ids=["gone", "full", "a file"],
)
def test_stdout_fails(
    monkeypatch: pytest.MonkeyPatch, error: OSError, code: int, lines: list[str]
) -> None:
    """A failure of stdout is told apart from a fault; where the reader has gone nothing is said."""
    given_up: list[OSError] = []

    def give_up(failed: OSError) -> Exception:
        given_up.append(failed)
        with monkeypatch.context() as patched:
            patched.setattr(os, "dup2", lambda *_: None)
            return streams.give_up_stdout(failed)

    def fail(*_: object) -> str:
        raise error

    monkeypatch.setattr(command, "give_up_stdout", give_up)
    monkeypatch.setattr("mbuild.report.document.to_json", fail)
    done = mbuild("schema")
    said = [line.replace(f":{_line_of(fail)}:", ":LINE:") for line in done.errors]
    assert (done.code, said) == (code, lines)
    assert given_up == ([] if error.filename else [error])


def _line_of(function: object) -> int:
    return int(function.__code__.co_firstlineno) + 1  # type: ignore[attr-defined]
