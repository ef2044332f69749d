"""Temporary files: those of a writer that was killed are swept, those in use stay."""

import fcntl
from pathlib import Path

import pytest

from mbuild.store import files
from tests.store.test_layout_writes import tag_new
from tests.store.world import AMD64, ask, layout_of


def leave_temporary(folder: Path) -> Path:
    """Leave what a killed writer leaves."""
    path = folder / ".tmp-killed"
    path.write_bytes(b"half")
    return path


def test_left_behind(tmp_path: Path) -> None:
    """The next tag that is written takes away what a killed writer left, in every folder."""
    layout = layout_of(tmp_path / "app", latest=AMD64)
    left = [leave_temporary(layout), leave_temporary(layout / "blobs" / "sha256")]
    ask(layout, tag_new)
    assert [path.exists() for path in left] == [False, False]


def test_in_use(tmp_path: Path) -> None:
    """A temporary file that is being written stays, and takes its place in the end."""
    with files.replace_file(tmp_path / "file") as file:
        file.write(b"whole")
        files.sweep(tmp_path)
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_swept_too_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that is swept before it is locked is made anew."""
    lock = fcntl.flock
    made: list[int] = []

    def sweep_first(descriptor: int, how: int) -> None:
        made.append(descriptor)
        if len(made) == 1:
            next(tmp_path.glob(".tmp-*")).unlink()
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    files.write_file(tmp_path / "file", b"whole")
    assert [(path.name, path.read_bytes()) for path in tmp_path.iterdir()] == [("file", b"whole")]


def test_gone_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file that its writer has just renamed is nothing to sweep."""
    path = leave_temporary(tmp_path)
    monkeypatch.setattr(Path, "glob", lambda *_: iter([path.with_name(".tmp-gone")]))
    files.sweep(tmp_path)
    assert path.exists()
