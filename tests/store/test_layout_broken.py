"""Layouts that are broken: each is told by what is broken, and never as "not found"."""

import json
import os
from pathlib import Path

import pytest

from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.store.index_file import LARGEST, WRITE_AGAIN
from tests.store.world import AMD64, DAMAGED, INDEX, REF_NAME, ask, blob_path, error_of, index_json
from tests.support.images import write_layout


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


def lose_marker(layout: Path) -> None:
    (layout / "oci-layout").unlink()


def age_marker(layout: Path) -> None:
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "0.9.0"}')


def break_marker(layout: Path) -> None:
    (layout / "oci-layout").write_text("1.0.0")


def break_index(layout: Path) -> None:
    (layout / "index.json").write_text("{")


def list_index(layout: Path) -> None:
    (layout / "index.json").write_text("[]")


def misplace_text(layout: Path) -> None:
    edit_index(layout, manifests=["1.0"])


def misplace_number(layout: Path) -> None:
    edit_entry(layout, annotations={REF_NAME: 1})


def shorten_digest(layout: Path) -> None:
    edit_entry(layout, digest="sha256:abc")


def empty_blob(layout: Path) -> None:
    blob_path(layout, INDEX.digest).write_bytes(b"")


def grow_index(layout: Path) -> None:
    with (layout / "index.json").open("ab") as file:
        file.truncate(5 << 30)


def pipe_index(layout: Path) -> None:
    (layout / "index.json").unlink()
    os.mkfifo(layout / "index.json")


def pipe_marker(layout: Path) -> None:
    (layout / "oci-layout").unlink()
    os.mkfifo(layout / "oci-layout")


def fold_index(layout: Path) -> None:
    (layout / "index.json").unlink()
    (layout / "index.json").mkdir()


def endless_index(layout: Path) -> None:
    (layout / "index.json").unlink()
    (layout / "index.json").symlink_to("/dev/zero")


def lose_blob(layout: Path) -> None:
    blob_path(layout, INDEX.digest).unlink()


def grow_blob(layout: Path) -> None:
    blob_path(layout, INDEX.digest).write_bytes(b" " * (MAX_MANIFEST_SIZE + 1))


def lie_in_size(layout: Path) -> None:
    edit_entry(layout, size=INDEX.size - 1)


def lose_entries(layout: Path) -> None:
    (layout / "index.json").write_text('{"schemaVersion": 2}')


def mistake_type(layout: Path) -> None:
    edit_entry(layout, mediaType=AMD64.media_type)


D = "oci:DIR: "
BROKEN = [
    (lose_marker, "StoreError", f"{D}the layout is broken: its oci-layout file is missing"),
    (
        age_marker,
        "StoreError",
        f"{D}the layout is broken: its version is '0.9.0', and only '1.0.0' is known",
    ),
    (
        break_marker,
        "StoreError",
        f"{D}the layout is broken: not JSON: Extra data at line 1 column 4",
    ),
    (
        break_index,
        "StoreError",
        (
            f"{D}the layout is broken: not JSON: Expecting property name enclosed in double quotes "
            "at line 1 column 2"
        ),
    ),
    (
        grow_index,
        "StoreError",
        f"{D}the layout is broken: index.json has more than {LARGEST} bytes",
    ),
    (pipe_index, "StoreError", f"{D}the layout is broken: index.json is no regular file"),
    (pipe_marker, "StoreError", f"{D}the layout is broken: oci-layout is no regular file"),
    (fold_index, "StoreError", f"{D}the layout is broken: index.json is no regular file"),
    (endless_index, "StoreError", f"{D}the layout is broken: index.json is no regular file"),
    (list_index, "StoreError", f"{D}the layout is broken: not a JSON object"),
    (misplace_text, "StoreError", f"{D}the layout is broken: 'manifests' is not a list of objects"),
    (
        misplace_number,
        "StoreError",
        (
            f"{D}the layout is broken: in index.json, manifests[0]: 'annotations' is not an object "
            "of strings"
        ),
    ),
    (
        shorten_digest,
        "StoreError",
        (
            f"{D}the layout is broken: in index.json, manifests[0]: 'sha256:abc' is not a digest: "
            "it must look like sha256: and 64 hex digits"
        ),
    ),
    (empty_blob, "IntegrityError", f"{D}blob {INDEX.digest} does not hash to its name; {DAMAGED}"),
    (lose_blob, "StoreError", f"oci:DIR:1.0: blob {INDEX.digest} is missing from the layout"),
    (
        grow_blob,
        "IntegrityError",
        f"{D}blob {INDEX.digest} is larger than {MAX_MANIFEST_SIZE} bytes; {DAMAGED}",
    ),
    (
        lie_in_size,
        "StoreError",
        (
            f"oci:DIR:1.0: the layout is broken: index.json gives {INDEX.digest} "
            f"{INDEX.size - 1} bytes, and it has {INDEX.size}"
        ),
    ),
    (
        lose_entries,
        "StoreError",
        f"{D}the layout is broken: in index.json, 'manifests' is missing",
    ),
    (
        mistake_type,
        "StoreError",
        (
            f"oci:DIR:1.0: the layout is broken: it was served as {AMD64.media_type}, and says of "
            f"itself {INDEX.media_type}"
        ),
    ),
]


@pytest.mark.parametrize(
    ("damage", "kind", "message"), BROKEN, ids=[one[0].__name__ for one in BROKEN]
)
def test_broken(layout: Path, damage: object, kind: str, message: str) -> None:
    """A broken layout is an error that says what is broken, never a "not found"."""
    assert callable(damage)
    damage(layout)
    text = f"{message}; {WRITE_AGAIN}" if kind == "StoreError" else message
    assert error_of(layout, lambda store: store.fetch_manifest("1.0")) == (kind, 6, text)


def test_tag_without_its_blob(layout: Path) -> None:
    """A tag whose manifest is gone holds nothing, so that it can be published again."""
    lose_blob(layout)
    assert ask(layout, lambda store: store.head_manifest("1.0")) is None
