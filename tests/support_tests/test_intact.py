"""The look at what a registry or a layout holds: it finds what is missing, and nothing else."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.fake_edges import plain_fake
from tests.support.fake_registry import FakeRegistry, Repository
from tests.support.faults import READ_ONLY
from tests.support.images import digest_of, make_image, make_index, write_layout
from tests.support.intact import (
    dangling_in_layout,
    dangling_tags,
    tagged_digests,
    tags_in_layout,
)

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64)


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds an index at a tag; its faults do not matter."""
    registry = FakeRegistry(READ_ONLY)
    registry.put("team/app", "1.0", INDEX)
    return registry


def lose_child(held: Repository) -> str:
    """Lose the second image."""
    del held.manifests[ARM64.digest]
    return ARM64.digest


def lose_layer(held: Repository) -> str:
    """Lose a layer of the first image."""
    digest = digest_of(AMD64.layers[0])
    del held.blobs[digest]
    return digest


def damage_config(held: Repository) -> str:
    """Have other bytes in the place of a config."""
    digest = digest_of(AMD64.config)
    held.blobs[digest] = b"{}"
    return digest


def damage_child(held: Repository) -> str:
    """Have other bytes in the place of an image."""
    held.manifests[ARM64.digest] = held.manifests[AMD64.digest]
    return ARM64.digest


def test_whole(fake: FakeRegistry) -> None:
    """Where all is there, nothing is said."""
    with plain_fake(fake) as client:
        assert dangling_tags(client, "team/app") == []
        assert tagged_digests(client, "team/app") == {"1.0": INDEX.digest}


@pytest.mark.parametrize("lose", [lose_child, lose_layer, damage_config, damage_child])
def test_missing(fake: FakeRegistry, lose: Callable[[Repository], str]) -> None:
    """What is missing or has other bytes below a tag is named."""
    lost = lose(fake.repository("team/app"))
    with plain_fake(fake) as client:
        assert dangling_tags(client, "team/app") == [f"team/app:1.0 lacks team/app@{lost}"]


def test_no_repository(fake: FakeRegistry) -> None:
    """A repository that does not exist has no tags."""
    with plain_fake(fake) as client:
        assert tagged_digests(client, "team/none") == {}


@pytest.mark.parametrize("content", [AMD64.manifest, AMD64.config, AMD64.layers[0]])
def test_layout(tmp_path: Path, content: bytes) -> None:
    """In a layout too, what is missing or damaged below a tag is named."""
    layout = write_layout(tmp_path / "layout", {"1.0": INDEX})
    assert tags_in_layout(layout) == {"1.0": INDEX.digest}
    assert dangling_in_layout(layout) == []
    path = layout / "blobs" / digest_of(content).replace(":", "/")
    path.write_bytes(content + b" ")
    assert dangling_in_layout(layout) == [digest_of(content)]
    path.unlink()
    assert dangling_in_layout(layout) == [digest_of(content)]


def test_no_layout(tmp_path: Path) -> None:
    """A layout that was not begun lacks nothing."""
    assert dangling_in_layout(tmp_path) == []
    assert tags_in_layout(tmp_path) == {}
