"""A layout as the target: what it lacks of the children, or holds damaged, is written anew."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.publish.world import BUILDS, World, entry, publish, tags_of, target
from tests.store.test_skopeo import copy, skopeo
from tests.store.world import blob_path, snapshot
from tests.support.images import digest_of, make_image, write_layout

AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64")
BOTH = entry(f"{BUILDS}:amd64", "linux/amd64"), entry(f"{BUILDS}:arm64", "linux/arm64")
LAYER = AMD64.layers[0]


def cut(layout: Path) -> None:
    """Leave a layer half written."""
    blob_path(layout, digest_of(LAYER)).write_bytes(LAYER[:20])


def turn(layout: Path) -> None:
    """Change a layer's last byte."""
    blob_path(layout, digest_of(LAYER)).write_bytes(LAYER[:-1] + bytes([LAYER[-1] ^ 1]))


def take_layer(layout: Path) -> None:
    """Take one layer away."""
    blob_path(layout, digest_of(LAYER)).unlink()


def take_blobs(layout: Path) -> None:
    """Leave the children's manifests, and take all of their blobs away."""
    for blob in (*AMD64.blobs, *ARM64.blobs):
        blob_path(layout, digest_of(blob)).unlink()


def take_child(layout: Path) -> None:
    """Take a child's manifest away, and leave its blobs."""
    blob_path(layout, ARM64.digest).unlink()


def break_child(layout: Path) -> None:
    """Leave a child's manifest half written."""
    blob_path(layout, ARM64.digest).write_bytes(ARM64.manifest[:30])


DAMAGE = {
    "cut layer": (cut, 1),
    "other bytes": (turn, 1),
    "missing layer": (take_layer, 1),
    "manifests without blobs": (take_blobs, len(AMD64.blobs) + len(ARM64.blobs)),
    "missing child": (take_child, 0),
    "cut child": (break_child, 0),
}


@pytest.fixture
def world() -> World:
    """A repository of builds."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    world[BUILDS].put("arm64", ARM64)
    return world


@pytest.mark.parametrize("tag", ["1.0", "2.0"], ids=["kept tag", "new tag"])
@pytest.mark.parametrize(("damage", "copied"), DAMAGE.values(), ids=DAMAGE)
def test_repaired(
    world: World, tmp_path: Path, tag: str, damage: Callable[[Path], None], copied: int
) -> None:
    """The next push brings what is gone or damaged, and no more; skopeo then reads all of it."""
    layout = tmp_path / "app"
    publish(world, target(*BOTH, images=(f"oci:{layout}",)))
    whole = {name: raw for name, raw in snapshot(layout).items() if name.startswith("blobs/")}
    damage(layout)
    (outcome,) = publish(world, target(*BOTH, images=(f"oci:{layout}",), tags=(tag,)))
    assert outcome.errors == ()
    assert tags_of(outcome) == [(tag, "kept" if tag == "1.0" else "created")]
    assert outcome.copied.blobs == copied
    assert outcome.verified is (True if copied or tag == "2.0" else None)
    assert {n: raw for n, raw in snapshot(layout).items() if n.startswith("blobs/")} == whole
    assert skopeo("inspect", "--raw", f"oci:{layout}:{tag}")
    copy(f"oci:{layout}:{tag}", f"oci:{tmp_path / 'copied'}:{tag}")


@pytest.mark.parametrize("damage", [cut, take_layer], ids=["cut", "missing"])
def test_nothing_to_repair_from(
    world: World, tmp_path: Path, damage: Callable[[Path], None]
) -> None:
    """What is damaged in the layout that is source and target at once stops the tag."""
    layout = write_layout(tmp_path / "app", {"amd64": AMD64})
    damage(layout)
    source = entry(f"oci:{layout}:amd64", "linux/amd64")
    (outcome,) = publish(world, target(source, images=(f"oci:{layout}",)))
    assert tags_of(outcome) == [("1.0", "untouched")]
    assert [error.exit_code for error in outcome.errors] in ([4], [6])


def test_nothing_to_repair(world: World, tmp_path: Path) -> None:
    """A layout that is whole is left as it is, file by file."""
    layout = tmp_path / "app"
    given = target(*BOTH, images=(f"oci:{layout}",))
    publish(world, given)
    before = {path: path.stat().st_mtime_ns for path in layout.rglob("*")}
    (outcome,) = publish(world, given)
    assert (outcome.copied.blobs, outcome.verified, outcome.is_change) == (0, None, False)
    assert {path: path.stat().st_mtime_ns for path in layout.rglob("*")} == before


def test_dry_run_repairs_nothing(world: World, tmp_path: Path) -> None:
    """A dry run leaves a damaged layout as it is."""
    layout = tmp_path / "app"
    given = target(*BOTH, images=(f"oci:{layout}",))
    publish(world, given)
    cut(layout)
    before = snapshot(layout)
    publish(world, given, dry_run=True)
    assert snapshot(layout) == before
