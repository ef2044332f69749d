"""What a run says of its copies: drawn on a terminal, in lines with -v, and stdout undisturbed."""

import json
import os
import pty
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import faults
from tests.support.cli import environment, mbuild_command, run_mbuild
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import digest_of, make_image
from tests.support.loopback import LoopbackServer
from tests.support.specs import write_spec

IMAGE = make_image("linux/amd64")
CONFIG = digest_of(IMAGE.config)
BLOBS = sorted(digest_of(blob)[:19] for blob in IMAGE.blobs)


@pytest.fixture
def target() -> Iterator[LoopbackServer]:
    """Another registry, which takes its time to store a blob."""
    registry = FakeRegistry()
    registry.faults.append(Fault("PUT", "/blobs/uploads/", faults.slow(0.7)))
    with serve_fake(registry) as running:
        yield running


@pytest.fixture
def folder(tmp_path: Path, server: LoopbackServer, target: LoopbackServer) -> Path:
    """A folder with a spec that brings an image from one registry to the other."""
    source = f"{server.host}/team/app:amd64"
    write_spec(tmp_path, f"{target.host}/team/app", {"linux/amd64": source}, tags=["1.0"])
    return tmp_path


def on_a_terminal(folder: Path, *words: str) -> tuple[int, str, str]:
    """Push with a terminal for stderr; give exit code, stdout, and what the terminal got."""
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        mbuild_command("push", *words),
        cwd=folder,
        env=environment({"TERM": "xterm", "COLUMNS": "120", "LINES": "24"}),
        stdout=subprocess.PIPE,
        stderr=theirs,
        text=True,
    ) as process:
        os.close(theirs)
        shown = b"".join(iter(lambda: _read(ours), b""))
        assert process.stdout
        stdout = process.stdout.read()
    os.close(ours)
    return process.returncode, stdout, shown.decode()


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # as Linux says that nobody writes any more
        return b""


def left_on_screen(shown: str) -> list[str]:
    """The lines that stand on a terminal in the end."""
    lines, row = [""], 0
    for part in re.findall(r"\x1b\[[?\d]*[a-zA-Z]|\r|\n|[^\x1b\r\n]+", shown):
        if part == "\n":
            row += 1
            lines += [""] * (row + 1 - len(lines))
        elif part == "\x1b[2K":
            lines[row] = ""
        elif up := re.fullmatch(r"\x1b\[(\d+)A", part):
            row -= int(up[1])
        elif part[0] not in "\x1b\r":
            lines[row] += part
    return [line for line in lines if line.strip()]


def test_terminal(folder: Path, server: LoopbackServer, target: LoopbackServer) -> None:
    """Each blob under way is drawn, and all of them in one line; in the end nothing is left."""
    code, stdout, shown = on_a_terminal(folder, "-o", "json")
    assert code == 0
    assert json.loads(stdout)["targets"][0]["copied"]["blobs"] == len(BLOBS)
    assert f"{CONFIG[7:19]} {server.host}/team/app → {target.host}/team/app" in shown
    assert f"0 of {len(BLOBS)} blobs" in shown
    assert left_on_screen(shown) == []


def test_terminal_with_lines(folder: Path) -> None:
    """With -v what is copied stays on the screen, a line each."""
    code, _, shown = on_a_terminal(folder, "-v")
    assert code == 0
    copied = [line for line in left_on_screen(shown) if line.startswith("copied: ")]
    assert sorted(line.split()[1] for line in copied) == BLOBS


def test_lines(folder: Path, server: LoopbackServer, target: LoopbackServer) -> None:
    """Where nobody looks there are lines with -v."""
    done = run_mbuild("push", "-v", cwd=folder)
    way = f"from {server.host}/team/app to {target.host}/team/app"
    copied = [line for line in done.lines if line.startswith("copied: ")]
    assert sorted(line.split()[1] for line in copied) == BLOBS
    assert all(way in line for line in copied)
    (config,) = (line for line in copied if CONFIG[:19] in line)
    assert re.fullmatch(rf"copied: {CONFIG[:19]} {way}: \d+ B in \d\.\d s, \d+ B/s", config)


def test_no_lines(folder: Path) -> None:
    """And none without."""
    done = run_mbuild("push", cwd=folder)
    assert (done.code, done.stderr) == (0, "")
