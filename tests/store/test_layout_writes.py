"""Writing to a layout: what is there stays, a tag moves in its place, a fault changes nothing."""

import errno
import json
import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NoReturn

import pytest

from mbuild.errors import StoreError
from mbuild.store import files
from mbuild.store.layout import LayoutStore
from tests.store.world import (
    AMD64,
    ARM64,
    INDEX,
    REF_NAME,
    ask,
    blob_path,
    error_of,
    index_json,
    layout_of,
    snapshot,
    tags_in,
)
from tests.support.images import digest_of, make_image, write_layout
from tests.support.values import blob_descriptor, content_of, stream_of

NEW = make_image("linux/amd64", seed="new")
CHECK = "check the path and the disk, then run again"
NO_FOLDER = "a file stands where a folder is needed: name another folder"
FULL = "no space left on device; free some space, then run again"


async def tag_new(store: LayoutStore) -> None:
    """Put the new image's manifest at 1.0."""
    await store.put_manifest("1.0", content_of(NEW))


async def upload_new(store: LayoutStore) -> None:
    """Upload the new image's layer, in two pieces."""
    (layer,) = NEW.layers
    await store.upload_blob(blob_descriptor(layer), stream_of(layer[:20], layer[20:]))


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout with two tags, and things in it that are not ours."""
    layout = layout_of(tmp_path / "app", **{"1.0": AMD64, "latest": ARM64})
    index = index_json(layout)
    index["manifests"][1]["annotations"]["com.example.built"] = "<today> & «more»"
    index["manifests"][1]["com.example.size"] = 1.50
    index["manifests"].insert(1, {**AMD64.descriptor(), "platform": {"os": "linux"}})
    index |= {"annotations": {"com.example": "kept"}, "com.example.unknown": [1, None, {"a": True}]}
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "README").write_text("not ours")
    return layout


def test_new_layout(tmp_path: Path) -> None:
    """The first tag makes the folder, the marker and the index, and nothing else."""
    ask(tmp_path / "a" / "b", tag_new)
    assert snapshot(tmp_path / "a" / "b") == {
        "oci-layout": b'{"imageLayoutVersion":"1.0.0"}',
        f"blobs/{NEW.digest.replace(':', '/')}": NEW.manifest,
        "index.json": json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "manifests": [
                    {
                        "mediaType": NEW.media_type,
                        "digest": NEW.digest,
                        "size": NEW.size,
                        "annotations": {REF_NAME: "1.0"},
                    }
                ],
            },
            indent=2,
        ).encode(),
    }


def test_readable_by_others(tmp_path: Path) -> None:
    """Files are readable by other users, as skopeo leaves them."""
    ask(tmp_path, tag_new)
    modes = {path.stat().st_mode & 0o777 for path in tmp_path.rglob("*") if path.is_file()}
    assert modes == {0o644}


def test_manifest_by_digest(layout: Path) -> None:
    """A manifest put by its digest is a blob, and no entry of index.json."""
    before = snapshot(layout)
    ask(layout, lambda store: store.put_manifest(NEW.digest, content_of(NEW)))
    assert snapshot(layout) == before | {f"blobs/{NEW.digest.replace(':', '/')}": NEW.manifest}


def test_tag_moves_in_place(layout: Path) -> None:
    """A tag that moves keeps its place, and every other entry and key stays as it was."""
    before = index_json(layout)
    ask(layout, tag_new)
    after = index_json(layout)
    assert after["manifests"][0] == {
        "mediaType": NEW.media_type,
        "digest": NEW.digest,
        "size": NEW.size,
        "annotations": {REF_NAME: "1.0"},
    }
    assert after["manifests"][1:] == before["manifests"][1:]
    assert list(after) == list(before)
    assert {**after, "manifests": ()} == {**before, "manifests": ()}
    assert (layout / "README").read_text() == "not ours"


def test_new_tag_comes_last(layout: Path) -> None:
    """A new tag is added at the end."""
    before = index_json(layout)["manifests"]
    ask(layout, lambda store: store.put_manifest("2.0", content_of(NEW)))
    after = index_json(layout)["manifests"]
    assert after[:-1] == before
    assert after[-1]["annotations"] == {REF_NAME: "2.0"}


def test_tag_that_stood_twice(tmp_path: Path) -> None:
    """A tag that stood twice stands once after it moved."""
    layout = layout_of(tmp_path / "app", **{"1.0": AMD64, "latest": ARM64})
    index = index_json(layout)
    entry = index["manifests"][0]
    index["manifests"].append({**entry, "digest": ARM64.digest, "size": ARM64.size})
    (layout / "index.json").write_text(json.dumps(index))
    ask(layout, tag_new)
    assert tags_in(layout) == [("1.0", NEW.digest), ("latest", ARM64.digest)]


@pytest.mark.parametrize("content", [b"", b"{}", AMD64.manifest], ids=["empty", "cut", "other"])
def test_damaged_blob_is_written_anew(layout: Path, content: bytes) -> None:
    """A manifest's file that does not hold the manifest is replaced."""
    path = blob_path(layout, NEW.digest)
    path.write_bytes(content)
    ask(layout, tag_new)
    assert path.read_bytes() == NEW.manifest


LAYER = AMD64.layers[0]


@pytest.mark.parametrize(
    "left",
    [b"", LAYER[:5], LAYER + b"x", LAYER[:-1] + bytes([LAYER[-1] ^ 1])],
    ids=["empty", "cut", "longer", "other bytes"],
)
def test_damaged_blob_is_not_there(layout: Path, left: bytes) -> None:
    """A layer's file that does not hash to its name does not count as the layer."""
    descriptor = blob_descriptor(LAYER)
    assert ask(layout, lambda store: store.has_blob(descriptor))
    blob_path(layout, str(descriptor.digest)).write_bytes(left)
    assert not ask(layout, lambda store: store.has_blob(descriptor))


def test_interrupted_before(tmp_path: Path) -> None:
    """What a run left that was stopped before its first tag is gone on with."""

    async def stage(store: LayoutStore) -> None:
        await upload_new(store)
        await store.put_manifest(NEW.digest, content_of(NEW))

    ask(tmp_path, stage)
    assert ask(tmp_path, lambda store: store.head_manifest("1.0")) is None
    head = ask(tmp_path, lambda store: store.head_manifest(NEW.digest))
    assert head == content_of(NEW).descriptor()
    ask(tmp_path, tag_new)
    assert tags_in(tmp_path) == [("1.0", NEW.digest)]


def full_disk(*_: object, **__: object) -> NoReturn:
    """Fail as a disk without space does."""
    raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


FAULTS = ("os.fsync", "os.fchmod", "pathlib.Path.replace", "tempfile.mkstemp")


@pytest.mark.parametrize("seam", FAULTS)
@pytest.mark.parametrize("use", [tag_new, upload_new], ids=["tag", "blob"])
def test_fault(
    layout: Path, monkeypatch: pytest.MonkeyPatch, seam: str, use: Callable[[LayoutStore], Any]
) -> None:
    """A write that fails at any moment leaves the layout byte for byte as it was."""
    before = snapshot(layout)
    monkeypatch.setattr(seam, full_disk)
    kind, code, message = error_of(layout, use)
    monkeypatch.undo()
    assert (kind, code) == ("StoreError", 6)
    assert message.endswith(f": {FULL}")
    assert ".tmp-" not in message
    assert snapshot(layout) == before


@pytest.mark.parametrize("seam", FAULTS)
def test_fault_in_index(layout: Path, monkeypatch: pytest.MonkeyPatch, seam: str) -> None:
    """When the manifest is there and index.json cannot be written, the tags stay as they were."""
    ask(layout, lambda store: store.put_manifest(NEW.digest, content_of(NEW)))
    before = snapshot(layout)
    monkeypatch.setattr(seam, full_disk)
    error_of(layout, tag_new)
    monkeypatch.undo()
    assert snapshot(layout) == before


def test_folder_in_the_way(tmp_path: Path) -> None:
    """A folder where a blob belongs is told by its name."""
    blob_path(tmp_path, digest_of(NEW.layers[0])).mkdir(parents=True)
    message = (
        f"oci:DIR: cannot use 'DIR/blobs/{digest_of(NEW.layers[0]).replace(':', '/')}': is a "
        "directory; a folder stands where a file is needed: name another place"
    )
    assert error_of(tmp_path, upload_new) == ("StoreError", 6, message)


def test_file_in_the_way(tmp_path: Path) -> None:
    """A file where the layout belongs is told by its name, and stays."""
    place = tmp_path / "app"
    place.write_text("mine")
    expected = ("StoreError", 6, f"oci:DIR: cannot use 'DIR': file exists; {NO_FOLDER}")
    assert error_of(place, tag_new) == expected
    assert place.read_text() == "mine"


def test_full_disk_is_the_targets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A copy that fails for want of space blames the layout written to, not the one read."""
    (layer,) = NEW.layers
    source = LayoutStore(str(write_layout(tmp_path / "source", {"": NEW})))

    async def copy(target: LayoutStore) -> None:
        monkeypatch.setattr("os.fsync", full_disk)
        descriptor = blob_descriptor(layer)
        await target.upload_blob(descriptor, partial(source.open_blob, descriptor))

    expected = ("StoreError", 6, f"oci:DIR: cannot use 'DIR': {FULL}")
    assert error_of(tmp_path / "target", copy) == expected


def test_broken_read_is_the_sources(tmp_path: Path) -> None:
    """A copy that fails because the source cannot be read blames the source."""
    (layer,) = NEW.layers
    source = write_layout(tmp_path / "source", {"": NEW})
    descriptor = blob_descriptor(layer)
    blob_path(source, str(descriptor.digest)).unlink()

    async def copy(target: LayoutStore) -> None:
        reading = LayoutStore(str(source))
        await target.upload_blob(descriptor, partial(reading.open_blob, descriptor))

    kind, _, message = error_of(tmp_path / "target", copy)
    assert kind == "NotFound"
    assert message == f"oci:{source}: blob {descriptor.digest} is missing from the layout"


@pytest.mark.parametrize("break_it", ["oci-layout", "index.json"])
def test_broken_layout_is_not_written_to(layout: Path, break_it: str) -> None:
    """A tag is not put into a layout that is broken, whose entries could be lost."""
    (layout / break_it).write_text("{")
    before = snapshot(layout)
    error_of(layout, lambda store: store.put_manifest("2.0", content_of(INDEX)))
    after = snapshot(layout)
    del after[f"blobs/{INDEX.digest.replace(':', '/')}"]
    assert after == before


def test_replace_file_keeps_on_error(tmp_path: Path) -> None:
    """A block that raises leaves the old file, and no other."""
    path = tmp_path / "file"
    path.write_bytes(b"old")

    def write() -> None:
        with files.replace_file(path) as file:
            file.write(b"new")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write()
    assert snapshot(tmp_path) == {"file": b"old"}


def test_replace_file(tmp_path: Path) -> None:
    """The new file takes the old one's place, in folders that are made for it."""
    files.write_file(tmp_path / "a" / "b", b"old")
    files.write_file(tmp_path / "a" / "b", b"new")
    assert snapshot(tmp_path) == {"a/b": b"new"}


def test_error_without_words() -> None:
    """An error of the system that has no text of its own is shown as Python shows it."""
    with pytest.raises(StoreError) as raised, files.explain_disk_errors(Path("f")):
        raise OSError("Strange")
    assert str(raised.value) == f"cannot use 'f': strange; {CHECK}"
