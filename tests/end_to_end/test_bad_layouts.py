"""A layout that is not whole: one clear error, exit code 4, and nothing is written."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import run_mbuild
from tests.support.fake_registry import FakeRegistry
from tests.support.images import digest_of, make_image, make_index, write_layout
from tests.support.loopback import LoopbackServer
from tests.support.specs import SPEC, write_spec

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64)
(LAYER,) = AMD64.layers
CONFIG, LAYER_DIGEST = digest_of(AMD64.config), digest_of(LAYER)


def blob(layout: Path, digest: str) -> Path:
    return layout / "blobs" / digest.replace(":", "/")


def edit_entry(layout: Path, **changes: object) -> None:
    index = json.loads((layout / "index.json").read_bytes())
    index["manifests"][0].update(changes)
    (layout / "index.json").write_text(json.dumps(index))


def no_marker(layout: Path) -> None:
    (layout / "oci-layout").unlink()


def other_version(layout: Path) -> None:
    (layout / "oci-layout").write_text('{"imageLayoutVersion": "2.0.0"}')


def no_index(layout: Path) -> None:
    (layout / "index.json").unlink()


def no_json(layout: Path) -> None:
    (layout / "index.json").write_text("<html>")


def no_manifests(layout: Path) -> None:
    (layout / "index.json").write_text('{"schemaVersion": 2}')


def no_blobs(layout: Path) -> None:
    shutil.rmtree(layout / "blobs")


def no_index_blob(layout: Path) -> None:
    blob(layout, INDEX.digest).unlink()


def no_child(layout: Path) -> None:
    blob(layout, AMD64.digest).unlink()


def no_config(layout: Path) -> None:
    blob(layout, CONFIG).unlink()


def no_layer(layout: Path) -> None:
    blob(layout, LAYER_DIGEST).unlink()


def other_child(layout: Path) -> None:
    blob(layout, AMD64.digest).write_bytes(ARM64.manifest)


def other_config(layout: Path) -> None:
    blob(layout, CONFIG).write_bytes(AMD64.config.replace(b"linux", b"linus"))


def other_layer(layout: Path) -> None:
    blob(layout, LAYER_DIGEST).write_bytes(LAYER[:-1] + b"x")


def short_layer(layout: Path) -> None:
    blob(layout, LAYER_DIGEST).write_bytes(LAYER[:-1])


def long_layer(layout: Path) -> None:
    blob(layout, LAYER_DIGEST).write_bytes(LAYER + b"x")


def lying_size(layout: Path) -> None:
    edit_entry(layout, size=3)


def negative_size(layout: Path) -> None:
    edit_entry(layout, size=-1)


def link_to_nowhere(layout: Path) -> None:
    blob(layout, LAYER_DIGEST).unlink()
    blob(layout, LAYER_DIGEST).symlink_to("nowhere")


def folder_for_a_blob(layout: Path) -> None:
    blob(layout, LAYER_DIGEST).unlink()
    blob(layout, LAYER_DIGEST).mkdir()


AGAIN = "write the layout again with the tool that made it"
EXPORT = "build or export the image again"
DAMAGED = "try again; if it stays, what holds it is damaged, or something on the way changes it"
LISTED = f"it is an index that lists {AMD64.digest}, which does not exist"
NO_LAYER = f":1.0: its layer {LAYER_DIGEST} does not exist; {EXPORT}"
BAD = [
    (no_marker, f": the layout is broken: its oci-layout file is missing; {AGAIN}"),
    (
        other_version,
        f": the layout is broken: its version is '2.0.0', and only '1.0.0' is known; {AGAIN}",
    ),
    (
        no_index,
        (": no OCI image layout is there; check the name and the tag, or mark the entry optional"),
    ),
    (
        no_json,
        f": the layout is broken: not JSON: Expecting value at line 1 column 1; {AGAIN}",
    ),
    (no_manifests, f": the layout is broken: in index.json, 'manifests' is missing; {AGAIN}"),
    (no_blobs, f":1.0: blob {INDEX.digest} is missing from the layout; {AGAIN}"),
    (no_index_blob, f":1.0: blob {INDEX.digest} is missing from the layout; {AGAIN}"),
    (no_child, f":1.0: {LISTED}; build and push it again"),
    (no_config, f":1.0: its config {CONFIG} does not exist; {EXPORT}"),
    (no_layer, NO_LAYER),
    (other_child, f": blob {AMD64.digest} does not hash to its name; {DAMAGED}"),
    (other_config, f": blob {CONFIG} does not hash to its name; {DAMAGED}"),
    (
        short_layer,
        (f":1.0: its layer {LAYER_DIGEST} has {len(LAYER) - 1} bytes, not {len(LAYER)}; {EXPORT}"),
    ),
    (
        long_layer,
        (f":1.0: its layer {LAYER_DIGEST} has {len(LAYER) + 1} bytes, not {len(LAYER)}; {EXPORT}"),
    ),
    (
        lying_size,
        (
            f":1.0: the layout is broken: index.json gives {INDEX.digest} 3 bytes, and it has "
            f"{INDEX.size}; {AGAIN}"
        ),
    ),
    (
        negative_size,
        (
            ": the layout is broken: in index.json, manifests[0]: 'size' is missing or "
            f"negative; {AGAIN}"
        ),
    ),
    (link_to_nowhere, NO_LAYER),
    (folder_for_a_blob, NO_LAYER),
]


@pytest.mark.parametrize(("damage", "message"), BAD, ids=[one.__name__ for one, _ in BAD])
def test_bad_layout(
    fake: FakeRegistry,
    server: LoopbackServer,
    tmp_path: Path,
    damage: Callable[[Path], None],
    message: str,
) -> None:
    """One line says what is wrong with it, with the place in the spec, and no tag moves."""
    damage(write_layout(tmp_path / "held", {"1.0": INDEX}))
    write_spec(tmp_path, f"{server.host}/team/new:1.0", {"linux/amd64": "oci:held:1.0"})
    result = run_mbuild("push", cwd=tmp_path)
    assert result.lines == [f"error: {SPEC}:3:16: oci:held{message}"]
    assert result.code == 4
    assert fake.log.writes == []


def test_other_bytes(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """Bytes that are not the layer's are seen while it is copied: the layout's fault, and no tag."""
    other_layer(write_layout(tmp_path / "held", {"1.0": INDEX}))
    write_spec(tmp_path, f"{server.host}/team/new:1.0", {"linux/amd64": "oci:held:1.0"})
    result = run_mbuild("push", cwd=tmp_path)
    assert result.lines == [
        (
            f"error: oci:held@{LAYER_DIGEST}: the bytes that arrived are not those of "
            f"{LAYER_DIGEST}; {EXPORT}"
        )
    ]
    assert result.code == 4
    assert fake.repository("team/new").tags == {}
