"""A layout as others wrote it, or damaged it: what is found in it, and what is said of it."""

import json
from pathlib import Path

import pytest

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.store.layout import LayoutStore
from tests.store.world import (
    AMD64,
    ARM64,
    DAMAGED,
    INDEX,
    ask,
    blob_path,
    error_of,
    index_json,
    layout_of,
    snapshot,
)
from tests.support.images import digest_of, write_layout
from tests.support.values import blob_descriptor, content_of

ABSENT = digest_of(b"absent")
ABSENT_BLOB = Descriptor("application/octet-stream", parse_digest(ABSENT), 6)


@pytest.fixture
def layout(tmp_path: Path) -> Path:
    """A layout with one index, at 1.0."""
    return write_layout(tmp_path / "app", {"1.0": INDEX})


def edit_index(layout: Path, **changes: object) -> None:
    """Change keys of index.json."""
    (layout / "index.json").write_text(json.dumps({**index_json(layout), **changes}))


def edit_entry(layout: Path, **changes: object) -> None:
    """Change keys of the only entry of index.json."""
    (entry,) = index_json(layout)["manifests"]
    edit_index(layout, manifests=[{**entry, **changes}])


def test_names() -> None:
    """A layout is named as references name it; nothing can be mounted into it."""
    store = LayoutStore("dist/app")
    assert (store.name, store.place, store.path) == ("oci:dist/app", "oci:dist/app", "dist/app")


@pytest.mark.parametrize(
    "reference", ["1.0", "", INDEX.digest], ids=["tag", "the only one", "digest"]
)
def test_fetch(layout: Path, reference: str) -> None:
    """An index is fetched by its tag, as the only one, or by its digest."""
    assert ask(layout, lambda store: store.fetch_manifest(reference)) == content_of(INDEX)


def test_fetch_child(layout: Path) -> None:
    """A child that index.json does not name is fetched by its digest; its type is in its bytes."""
    assert ask(layout, lambda store: store.fetch_manifest(ARM64.digest)) == content_of(ARM64)


def test_only_image_without_tag(tmp_path: Path) -> None:
    """An image without a name is the only one, and is no tag."""
    layout = write_layout(tmp_path / "app", {"": AMD64})
    assert ask(layout, lambda store: store.fetch_manifest("")) == content_of(AMD64)
    assert ask(layout, lambda store: store.head_manifest("latest")) is None


def test_one_image_under_two_tags(tmp_path: Path) -> None:
    """Two tags of one image leave no doubt about which image is meant."""
    layout = write_layout(tmp_path / "app", {"1.0": AMD64, "latest": AMD64})
    assert ask(layout, lambda store: store.fetch_manifest("")) == content_of(AMD64)


@pytest.mark.parametrize("tag", ["registry.test:5000/team/app:1.0", "docker.io/library/app"])
def test_tag_that_is_a_reference(tmp_path: Path, tag: str) -> None:
    """A name with a colon in it, as skopeo and podman write, is a tag and no digest."""
    layout = write_layout(tmp_path / "app", {tag: AMD64, "1.0": ARM64})
    assert ask(layout, lambda store: store.fetch_manifest(tag)) == content_of(AMD64)
    assert str(ask(layout, lambda store: store.read_back(tag))) == AMD64.digest


def test_relative_path(layout: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path is one from the current folder."""
    monkeypatch.chdir(layout.parent)
    assert ask(Path(layout.name), lambda store: store.fetch_manifest("1.0")) == content_of(INDEX)


def test_docker_type_of_entry(tmp_path: Path) -> None:
    """A manifest that does not say its type has the type of its entry."""
    raw = json.dumps(
        {key: value for key, value in json.loads(AMD64.manifest).items() if key != "mediaType"}
    ).encode()
    layout = write_layout(tmp_path / "app", {"1.0": AMD64})
    blob_path(layout, digest_of(raw)).write_bytes(raw)
    edit_entry(layout, digest=digest_of(raw), size=len(raw))
    content = ask(layout, lambda store: store.fetch_manifest("1.0"))
    assert (content.media_type, content.raw) == (AMD64.media_type, raw)


MISSING = [
    ("1.1", "oci:DIR:1.1: no such tag in the layout; it holds 1.0"),
    ("host:5000/app", "oci:DIR:host:5000/app: no such tag in the layout; it holds 1.0"),
    (ABSENT, f"oci:DIR@{ABSENT}: no such manifest in the layout"),
]


@pytest.mark.parametrize(("reference", "message"), MISSING, ids=["tag", "long tag", "digest"])
def test_missing(layout: Path, reference: str, message: str) -> None:
    """What the layout does not hold is told by its whole name."""
    use = error_of(layout, lambda store: store.fetch_manifest(reference))
    assert use == ("NotFound", 6, message)


def make_nothing(directory: Path) -> None:
    """No folder at all."""


def make_file_above(directory: Path) -> None:
    """A file in the place of the folder it would be in."""
    directory.parent.rmdir()
    directory.parent.write_text("")


@pytest.mark.parametrize(
    "make", [make_nothing, Path.mkdir, make_file_above], ids=lambda one: one.__name__
)
def test_no_layout(tmp_path: Path, make: object) -> None:
    """Where no layout is, nothing is found, which is no error for who only asks."""
    assert callable(make)
    layout = tmp_path / "dist" / "app"
    layout.parent.mkdir()
    make(layout)
    expected = ("NotFound", 6, "oci:DIR: no OCI image layout is there")
    assert error_of(layout, lambda store: store.fetch_manifest("1.0")) == expected
    assert ask(layout, lambda store: store.head_manifest("1.0")) is None
    assert ask(layout, lambda store: store.read_back("1.0")) is None


def test_file_in_its_place(tmp_path: Path) -> None:
    """A file, such as a tar, is no layout that was not built yet: the right name is told."""
    (tmp_path / "app.tar").write_text("")
    expected = (
        "StoreError",
        6,
        (
            "oci:DIR: it is a file, and no folder with an OCI image layout; "
            "a layout in a tar is named oci-archive:FILE"
        ),
    )
    assert error_of(tmp_path / "app.tar", lambda store: store.fetch_manifest("1.0")) == expected
    assert error_of(tmp_path / "app.tar", lambda store: store.head_manifest("1.0")) == expected


def test_empty_layout(tmp_path: Path) -> None:
    """A layout without images has no only one."""
    layout = write_layout(tmp_path / "app", {})
    expected = ("NotFound", 6, "oci:DIR: the layout holds no image")
    assert error_of(layout, lambda store: store.fetch_manifest("")) == expected


def test_which_one(tmp_path: Path) -> None:
    """Several images, and no tag to tell which: all names are told, digests of the nameless."""
    layout = write_layout(tmp_path / "app", {"1.0": AMD64, "": ARM64, "2.0": INDEX})
    expected = (
        "StoreError",
        6,
        (
            "oci:DIR: the layout stands for several images; "
            f"say which one: 1.0, @{ARM64.digest}, 2.0"
        ),
    )
    assert error_of(layout, lambda store: store.fetch_manifest("")) == expected


def test_tag_twice(layout: Path) -> None:
    """One tag on two images is no tag to trust."""
    (entry,) = index_json(layout)["manifests"]
    edit_index(layout, manifests=[entry, {**entry, "digest": AMD64.digest, "size": AMD64.size}])
    expected = (
        "StoreError",
        6,
        (
            "oci:DIR:1.0: the tag stands for several images; "
            f"say which one: @{INDEX.digest}, @{AMD64.digest}"
        ),
    )
    assert error_of(layout, lambda store: store.fetch_manifest("1.0")) == expected


def test_unreadable_index(layout: Path) -> None:
    """What the system refuses is told with the file's name and the system's words."""
    (layout / "index.json").unlink()
    (layout / "index.json").symlink_to("index.json")
    expected = (
        "StoreError",
        6,
        (
            "oci:DIR: cannot use 'DIR/index.json': too many levels of symbolic links; "
            "check the path and the disk, then run again"
        ),
    )
    assert error_of(layout, lambda store: store.fetch_manifest("1.0")) == expected


def test_blob_of_another_size(layout: Path) -> None:
    """A blob that is not as long as its descriptor says is refused."""
    descriptor = blob_descriptor(AMD64.config, size=3)
    expected = (
        "IntegrityError",
        6,
        f"oci:DIR: blob {descriptor.digest} has {len(AMD64.config)} bytes, not 3; {DAMAGED}",
    )
    assert error_of(layout, lambda store: store.fetch_blob(descriptor)) == expected


def test_reading_changes_nothing(layout: Path) -> None:
    """A layout that is only read stays as it is, byte for byte, with no file more."""
    before = snapshot(layout)
    ask(layout, lambda store: store.fetch_manifest("1.0"))
    ask(layout, lambda store: store.head_manifest("absent"))
    ask(layout, lambda store: store.has_blob(ABSENT_BLOB))
    assert snapshot(layout) == before


def test_two_layouts_side_by_side(tmp_path: Path) -> None:
    """A layout inside another one's folder is a layout of its own."""
    outer = layout_of(tmp_path / "app", latest=AMD64)
    layout_of(outer / "inner", latest=ARM64)
    assert ask(outer, lambda store: store.fetch_manifest("latest")) == content_of(AMD64)
    assert ask(outer / "inner", lambda store: store.fetch_manifest("")) == content_of(ARM64)
