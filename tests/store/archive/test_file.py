"""The file of an archive: a regular one, and the same one all the time."""

import os
from pathlib import Path

import pytest

from mbuild.errors import MbuildError, NotFound, SourceError
from mbuild.store.archive.file import MemoryStream, look_at
from mbuild.store.archive.steps import drain

NO_ARCHIVE = "a folder that holds an OCI image layout is named oci:DIR"


def test_streams(tmp_path: Path) -> None:
    """A stream is read and passed over from any offset, and ends with the file."""
    path = tmp_path / "a.tar"
    path.write_bytes(b"0123456789")
    file = look_at(path, "archive")
    for stream in (drain(file.open(2)), MemoryStream(b"23456789")):
        assert (stream.read(2), stream.skip(3), stream.read(100)) == (b"23", 3, b"789")
        assert (stream.skip(1), stream.read(1)) == (0, b"")
        stream.close()
    stream = drain(file.open(50))
    assert (stream.skip(5), stream.read(5)) == (0, b"")
    stream.close()


def test_absent(tmp_path: Path) -> None:
    """What does not exist is not found, also below what is no folder."""
    (tmp_path / "file").touch()
    for path in (tmp_path / "absent", tmp_path / "file" / "absent"):
        with pytest.raises(NotFound) as caught:
            look_at(path, "archive")
        assert str(caught.value) == "archive: no such file"


def test_no_file(tmp_path: Path) -> None:
    """A folder, or what is read but once, is no archive."""
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path, "a folder"), (tmp_path / "pipe", "no regular file")):
        with pytest.raises(MbuildError) as caught:
            look_at(path, "archive")
        assert str(caught.value) == f"archive: it is {kind}, and no archive; {NO_ARCHIVE}"


def test_removed(tmp_path: Path) -> None:
    """A file that goes away is a source that is missing."""
    path = tmp_path / "a.tar"
    path.touch()
    file = look_at(path, "archive")
    path.unlink()
    with pytest.raises(SourceError) as caught:
        drain(file.open())
    assert str(caught.value) == (
        "archive: the file was taken away while it was being read; leave it there, and run again"
    )


def test_replaced_by_a_pipe(tmp_path: Path) -> None:
    """A pipe that takes its place is not waited for."""
    path = tmp_path / "a.tar"
    path.touch()
    file = look_at(path, "archive")
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(MbuildError, match="the file was changed while it was being read"):
        drain(file.open())


def test_changed(tmp_path: Path) -> None:
    """A file that is written to is not the one that was looked at."""
    path = tmp_path / "a.tar"
    path.write_bytes(b"old")
    file = look_at(path, "archive")
    path.write_bytes(b"newer")
    with pytest.raises(MbuildError) as caught:
        drain(file.open())
    assert str(caught.value) == (
        "archive: the file was changed while it was being read; run again once it is written"
    )
