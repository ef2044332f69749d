"""The metadata file: what is written, when, where to, and what happens when it cannot be."""

import json
import os
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from mbuild.cli import files
from tests.cli.world import mbuild

KEYS = ["containerimage.descriptor", "containerimage.digest", "image.name"]


def written(path: Path) -> list[str]:
    """The keys of a metadata file."""
    return list(json.loads(path.read_text()))


def test_written(folder: Path) -> None:
    """It is written by a push, also when there was nothing to do, and not by a dry run."""
    path = folder / "m.json"
    mbuild("push", "--dry-run", "--metadata-file", "m.json")
    assert not path.exists()
    for _ in range(2):
        assert mbuild("push", "--metadata-file", "m.json").code == 0
        assert written(path) == KEYS
        path.unlink()


def test_create(folder: Path) -> None:
    """Create writes it too."""
    mbuild("create", "oci:dist:1.0", "oci:builds:amd64", "--metadata-file", "m.json")
    assert json.loads((folder / "m.json").read_text())["image.name"] == "oci:dist:1.0"


def test_failed_push(folder: Path) -> None:
    """A push that failed leaves an empty object, and no word of an older run."""
    (folder / "m.json").write_text('{"containerimage.digest": "old"}')
    (folder / "builds" / "index.json").unlink()
    assert mbuild("push", "--metadata-file", "m.json").code == 4
    assert json.loads((folder / "m.json").read_text()) == {}


@pytest.mark.parametrize(
    "name", ["absent/m.json", "builds", "", "-"], ids=["no folder", "a folder", "empty", "-"]
)
def test_cannot_be(folder: Path, name: str) -> None:
    """A file that cannot be is a usage error, before anything is done."""
    done = mbuild("push", "--metadata-file", name)
    message = (
        f"error: --metadata-file {name!r} cannot be written; name a file in a folder that exists"
    )
    assert (done.code, done.errors, done.stdout) == (2, [message], "")
    assert not (folder / "dist").exists()


def test_device(folder: Path) -> None:
    """A link to a device is written to, and stays one."""
    (folder / "link").symlink_to(os.devnull)
    assert mbuild("push", "--metadata-file", "link").code == 0
    assert (folder / "link").is_symlink()
    assert not Path(os.devnull).is_file()


def test_link(folder: Path) -> None:
    """A link to a file stays a link, and the file is written."""
    (folder / "m.json").write_text("old")
    (folder / "link").symlink_to("m.json")
    mbuild("push", "--metadata-file", "link")
    assert (folder / "link").is_symlink()
    assert written(folder / "m.json") == KEYS


def test_pipe(folder: Path) -> None:
    """A named pipe is written to, as a shell's process substitution gives one."""
    os.mkfifo(folder / "pipe")
    got: list[str] = []
    reader = threading.Thread(target=lambda: got.append((folder / "pipe").read_text()))
    reader.start()
    mbuild("push", "--metadata-file", "pipe")
    reader.join()
    assert list(json.loads(got[0])) == KEYS


@pytest.mark.parametrize("output", ["text", "json"])
def test_full_disk(folder: Path, monkeypatch: pytest.MonkeyPatch, output: str) -> None:
    """That it cannot be written is told beside what was pushed, in one document."""

    def full(*_: object) -> NoReturn:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files, "write_file", full)
    done = mbuild("push", "--metadata-file", "m.json", "-o", output)
    message = "cannot use 'm.json': no space left on device"
    hint = "free some space, then run again"
    assert (done.code, done.errors) == (6, [f"error: {message}; {hint}"])
    assert (folder / "dist" / "index.json").exists()
    if output == "json":
        document = json.loads(done.stdout)
        assert document["ok"] is False
        assert document["targets"][0]["verified"] is True
        assert document["errors"] == [
            {"code": "store-failed", "message": message, "where": "", "hint": hint}
        ]
    else:
        assert "pushed and verified" in done.stdout
