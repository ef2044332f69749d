"""The metadata file: what is written, when, where to, and what happens when it cannot be."""

import errno
import fcntl
import json
import os
import threading
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mbuild.cli import files, metadata_file
from mbuild.cli.metadata_file import MOST_BYTES, MetadataFile
from mbuild.errors import StoreError, UsageError
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
    """A push that failed leaves no word of an older run, and what else stood in the file."""
    (folder / "m.json").write_text('{"containerimage.digest": "old", "other": 1.5}')
    (folder / "builds" / "index.json").unlink()
    assert mbuild("push", "--metadata-file", "m.json").code == 4
    assert json.loads((folder / "m.json").read_text()) == {"other": 1.5}


def test_merged(folder: Path) -> None:
    """What a build wrote there stays, but for the keys that this run gives."""
    path = folder / "m.json"
    path.write_text('{"buildx.build.ref": "ä", "image.name": "old"}')
    assert mbuild("push", "--metadata-file", "m.json").code == 0
    document = json.loads(path.read_text())
    assert document["buildx.build.ref"] == "ä"
    assert document["image.name"] == "oci:dist:1.0"


def test_several_runs(folder: Path) -> None:
    """Runs that publish several targets each leave one map of all of them."""
    spec = "image: oci:dist:{}\nsources: [oci:builds:amd64]\n"
    (folder / "a.yaml").write_text("---\n".join(spec.format(tag) for tag in ("1", "2")))
    (folder / "b.yaml").write_text("---\n".join(spec.format(tag) for tag in ("3", "4")))
    for name in ("a.yaml", "b.yaml"):
        assert mbuild("push", name, "--metadata-file", "m.json").code == 0
    assert written(folder / "m.json") == [f"oci:dist:{number}" for number in range(1, 5)]


def test_runs_at_once(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Runs that end at the same time write one after another: none takes away another's word."""

    def slowly(name: Any, held: Mapping[str, Any]) -> dict[str, Any]:
        time.sleep(0.01)  # what another has read meanwhile would be written over
        return {**held, name: True}

    monkeypatch.setattr(metadata_file, "make_metadata", slowly)
    names: list[Any] = [str(number) for number in range(8)]
    with ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(MetadataFile("m.json").write, names))
    assert sorted(written(folder / "m.json")) == names


def test_without_locks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that knows no locks for folders is written to all the same; other errors are told."""
    number = errno.EBADF

    def refuse(*_: object) -> NoReturn:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)
    monkeypatch.setattr(files, "write_file", Path.write_bytes)
    MetadataFile("m.json").write(())
    assert (folder / "m.json").exists()
    number = errno.EIO
    with pytest.raises(StoreError, match="input/output error"):
        MetadataFile("m.json").write(())


def test_empty(folder: Path) -> None:
    """An empty file, as mktemp makes it, holds nothing that could be lost."""
    (folder / "m.json").touch()
    assert mbuild("push", "--metadata-file", "m.json").code == 0
    assert written(folder / "m.json") == KEYS


BROKEN = {
    "no JSON": (b"old", "not JSON: Expecting value at line 1 column 1"),
    "a list": (b"[]", "not a JSON object"),
    "no text": (b"\xff", "not UTF-8 at byte 0"),
    "endless number": (b'{"a": 1e999}', "a value in it cannot be written again as it is"),
    "nested": (b'{"a":' + b"[" * 100_000, "nested too deeply"),
    "too large": (b" " * (MOST_BYTES + 1), "it is larger than 16 MiB"),
}


@pytest.mark.parametrize(("content", "reason"), BROKEN.values(), ids=BROKEN)
def test_what_would_be_lost(folder: Path, content: bytes, reason: str) -> None:
    """A file that holds anything else is a usage error before anything is done, and stays."""
    (folder / "m.json").write_bytes(content)
    done = mbuild("push", "--metadata-file", "m.json")
    assert (done.code, done.stdout) == (2, "")
    message = f"--metadata-file 'm.json' exists and cannot be merged with: {reason}"
    assert done.errors == [f"error: {message}; name another file, or delete this one"]
    assert (folder / "m.json").read_bytes() == content
    assert not (folder / "dist").exists()


def test_unreadable(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is one that cannot be read."""
    (folder / "m.json").touch()

    def refuse(*_: object) -> NoReturn:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(UsageError) as caught:
        MetadataFile("m.json").check()
    assert str(caught.value) == (
        "--metadata-file 'm.json' exists and cannot be read: permission denied; "
        "name another file, or delete this one"
    )


def test_changed_meanwhile(folder: Path) -> None:
    """What somebody else has made of the file during the run is not overwritten."""
    (folder / "m.json").write_text("new")
    with pytest.raises(StoreError) as caught:
        MetadataFile("m.json").write(())
    assert str(caught.value) == (
        "--metadata-file 'm.json' was changed meanwhile, and is not written: not JSON: "
        "Expecting value at line 1 column 1; let no other program write to this file"
    )
    assert (folder / "m.json").read_text() == "new"


CANNOT_BE = {
    "no folder": "absent/m.json",
    "a folder": "builds",
    "empty": "",
    "-": "-",
    "too long": "m" * 300,
    "a link to itself": "itself",
    "a link to no folder": "astray",
}


@pytest.mark.parametrize("name", CANNOT_BE.values(), ids=CANNOT_BE)
def test_cannot_be(folder: Path, name: str) -> None:
    """A file that cannot be is a usage error, before anything is done, and no folder is made."""
    (folder / "itself").symlink_to("itself")
    (folder / "astray").symlink_to("absent/m.json")
    done = mbuild("push", "--metadata-file", name)
    message = (
        f"error: --metadata-file {name!r} cannot be written; name a file in a folder that exists"
    )
    assert (done.code, done.errors, done.stdout) == (2, [message], "")
    assert not (folder / "dist").exists()
    assert not (folder / "absent").exists()


def test_device(folder: Path) -> None:
    """A link to a device is written to, and stays one."""
    (folder / "link").symlink_to(os.devnull)
    assert mbuild("push", "--metadata-file", "link").code == 0
    assert (folder / "link").is_symlink()
    assert not Path(os.devnull).is_file()


def test_link(folder: Path) -> None:
    """A link to a file stays a link, and the file is written."""
    (folder / "m.json").write_text("{}")
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
