"""The disk as a spec's files are read from it: bounded, sorted out by kind, errors as they come."""

from pathlib import Path

import pytest

from mbuild.cli.disk import Disk


def test_read(tmp_path: Path) -> None:
    """No more is read than was asked for; a folder and a file that is not there are OSErrors."""
    (tmp_path / "a").write_bytes(b"12345")
    assert Disk().read(str(tmp_path / "a"), 3) == b"123"
    assert len(Disk().read("/dev/zero", 1000)) == 1000
    with pytest.raises(IsADirectoryError):
        Disk().read(str(tmp_path), 3)
    with pytest.raises(FileNotFoundError):
        Disk().read(str(tmp_path / "b"), 3)


def test_match(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A glob is relative to the current folder, or absolute; `**` is any folders; none is none."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "out" / "deep").mkdir(parents=True)
    for name in ("out/a.json", "out/b.json", "out/deep/c.json", "out/.d.json"):
        (tmp_path / name).touch()
    disk = Disk()
    assert sorted(disk.match("out/*.json", 9)) == ["out/a.json", "out/b.json"]
    assert sorted(disk.match(f"{tmp_path}/out/[a-b].json", 9)) == [
        f"{tmp_path}/out/a.json",
        f"{tmp_path}/out/b.json",
    ]
    assert len(disk.match("**/*.json", 9)) == 3
    assert len(disk.match("**/*.json", 2)) == 2
    assert disk.match("none/*", 9) == []


def test_names(tmp_path: Path) -> None:
    """Every name is given, hidden ones and broken links too; a folder's ends with a slash."""
    (tmp_path / "folder").mkdir()
    (tmp_path / "to-folder").symlink_to("folder")
    (tmp_path / "itself").symlink_to("itself")
    (tmp_path / "nowhere").symlink_to("absent")
    (tmp_path / ".hidden").touch()
    (tmp_path / "file").touch()
    names = [".hidden", "file", "folder/", "itself", "nowhere", "to-folder/"]
    assert sorted(Disk().names(str(tmp_path), 9)) == names
    assert len(Disk().names(str(tmp_path), 2)) == 2
    with pytest.raises(NotADirectoryError):
        Disk().names(str(tmp_path / "file"), 9)
