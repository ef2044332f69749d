"""The folder beside an archive: made when needed, locked while in use, and never left behind."""

import errno
import fcntl
import shutil
import tempfile
from pathlib import Path

import pytest

from mbuild.store.packing.staging import Staging


def names(folder: Path) -> list[str]:
    """What lies in a folder, temporary folders as TMP."""
    return sorted("TMP" if ".tmp-" in path.name else path.name for path in folder.iterdir())


def test_life(tmp_path: Path) -> None:
    """It is hidden beside the file, in a folder that is made for it, and gone when closed."""
    staging = Staging(tmp_path / "dist" / "app.tar")
    staging.close()
    assert not (tmp_path / "dist").exists()
    folder = staging.open()
    (folder / "blob").write_bytes(b"half")
    assert (folder.parent, staging.open()) == (tmp_path / "dist", folder)
    assert folder.name.startswith(".app.tar.tmp-")
    staging.close()
    assert names(tmp_path / "dist") == []


def test_sweep(tmp_path: Path) -> None:
    """What a killed run has left is taken away; what is in use, and what is another's, stays."""
    file = tmp_path / "app.tar"
    other = Staging(file)
    used = other.open()
    left = tmp_path / ".app.tar.tmp-killed"
    (left / "layout").mkdir(parents=True)
    for name in (".app.tar.tmp-file", ".other.tar.tmp-1", "app.tar.tmp-1"):
        (tmp_path / name).write_text("mine")
    staging = Staging(file)
    mine = staging.open()
    assert (left.exists(), used.exists(), mine.exists()) == (False, True, True)
    staging.close()
    other.close()
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        ".app.tar.tmp-file",
        ".other.tar.tmp-1",
        "app.tar.tmp-1",
    ]


def test_swept_too_early(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder that another run sweeps before it is locked is made anew."""
    lock, locked = fcntl.flock, []

    def sweep_first(descriptor: int, how: int) -> None:
        locked.append(descriptor)
        if len(locked) == 1:
            shutil.rmtree(next(tmp_path.iterdir()))
        lock(descriptor, how)

    monkeypatch.setattr(fcntl, "flock", sweep_first)
    staging = Staging(tmp_path / "app.tar")
    assert staging.open().exists()
    staging.close()
    assert (len(locked), names(tmp_path)) == (2, [])


def test_no_room(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the disk refuses is told of the archive, and of no folder that nobody has heard of."""

    def refuse(**_where: object) -> str:
        raise OSError(errno.EROFS, "Read-only file system", str(tmp_path / ".app.tar.tmp-1"))

    monkeypatch.setattr(tempfile, "mkdtemp", refuse)
    with pytest.raises(OSError, match="Read-only file system") as raised:
        Staging(tmp_path / "app.tar").open()
    assert raised.value.filename == str(tmp_path / "app.tar")


def test_long_name(tmp_path: Path) -> None:
    """An archive's name may be as long as a name can be."""
    staging = Staging(tmp_path / ("x" * 255))
    assert staging.open().exists()
    staging.close()
