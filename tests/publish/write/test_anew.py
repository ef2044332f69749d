"""`--force` takes nothing for proven: what was lost below a tag that holds the index comes back."""

from collections.abc import Callable

import pytest

from mbuild.publish.decide.rules import TagRules
from tests.publish.world import APP, BUILDS, World, entry, publish, shown, tags_of, target
from tests.support.images import make_image
from tests.support.values import blob_descriptor

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
BOTH = (
    entry(f"{BUILDS}:amd64", "linux/amd64", line=3),
    entry(f"{BUILDS}:arm64", "linux/arm64", line=4),
)
FORCE = TagRules(force=True)


@pytest.fixture
def world() -> World:
    """An index that was published before."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    world[BUILDS].put("arm64", ARM64)
    publish(world, target(*BOTH, tags=["1.0", "latest"]))
    world.log.clear()
    return world


def lose_index(world: World) -> None:
    """Lose the index under its tags."""
    del world[APP].manifests[world[APP].tags["1.0"]]


def lose_child(world: World) -> None:
    """Lose one image's manifest."""
    del world[APP].manifests[ARM64.digest]


def lose_blob(world: World) -> None:
    """Lose one layer."""
    del world[APP].blobs[str(blob_descriptor(ARM64.layers[0]).digest)]


@pytest.mark.parametrize("lose", [lose_child, lose_blob], ids=["child", "blob"])
def test_what_was_lost_comes_back(world: World, lose: Callable[[World], None]) -> None:
    """A plain push finds nothing to do; a forced one leaves a list that is whole."""
    manifests, blobs = {*world[APP].manifests}, {*world[APP].blobs}
    lose(world)
    (outcome,) = publish(world, target(*BOTH, tags=["1.0", "latest"]))
    assert (outcome.verified, world.writes) == (None, [])
    (outcome,) = publish(world, target(*BOTH, tags=["1.0", "latest"]), rules=FORCE)
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "kept")]
    assert (outcome.verified, outcome.errors) == (True, ())
    assert ({*world[APP].manifests}, {*world[APP].blobs}) == (manifests, blobs)


def test_lost_index(world: World) -> None:
    """A tag whose index is gone holds nothing: any push puts the index, and the tag holds it."""
    manifests = {*world[APP].manifests}
    lose_index(world)
    (outcome,) = publish(world, target(*BOTH, tags=["1.0", "latest"]))
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "kept")]
    assert {*world[APP].manifests} == manifests


def test_everything_is_read_again(world: World) -> None:
    """Images that the target has already are read, and all is put and read back but the tags."""
    publish(world, target(*BOTH, tags=["1.0", "latest"]), rules=FORCE)
    assert "fetch_manifest builds amd64" in world.calls()
    digest = world[APP].tags["1.0"]
    assert world.calls("put_manifest") == [
        *(f"put_manifest app {image.digest}" for image in (AMD64, ARM64)),
        f"put_manifest app {digest}",
    ]
    assert {"read_back app 1.0", "read_back app latest"} <= {*world.calls("read_back")}


def test_lost_everywhere(world: World) -> None:
    """What no source has any more is an error, and no tag moves."""
    blob = str(blob_descriptor(ARM64.layers[0]).digest)
    del world[APP].blobs[blob], world[BUILDS].blobs[blob]
    (outcome,) = publish(world, target(*BOTH, tags=["1.0", "2.0"]), rules=FORCE)
    assert [shown(error)[:2] for error in outcome.errors] == [("SourceError", 4)]
    assert "2.0" not in world[APP].tags
