"""A layout in a target whose tags are refused elsewhere: its tags go back, or are dropped."""

from pathlib import Path

import pytest

from tests.publish.world import MIRROR, World, tags_of
from tests.publish.write.tagging import OLD, hold, make_world, push, refuse
from tests.store.world import layout_of, tags_in


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    return make_world()


def test_layout_is_put_back(world: World, tmp_path: Path) -> None:
    """A layout's moved tag holds what it held, and its new one is gone; other entries stay."""
    layout = layout_of(tmp_path / "layout", latest=OLD, other=OLD)
    hold(world, MIRROR, "1.0", "latest")
    refuse(world, MIRROR, "latest")
    first, second = push(world, images=(f"oci:{layout}", MIRROR))
    assert tags_of(first) == [("1.0", "removed"), ("latest", "restored")]
    assert tags_of(second) == [("1.0", "restored"), ("latest", "failed")]
    assert tags_in(layout) == [("latest", OLD.digest), ("other", OLD.digest)]


def test_layout_gets_its_tags_at_once(world: World, tmp_path: Path) -> None:
    """New tags of a layout go with the index, those that move are written together after them."""
    layout = layout_of(tmp_path / "layout", latest=OLD)
    (outcome,) = push(world, images=(f"oci:{layout}",), tags=("latest", "1.0", "1"))
    assert tags_of(outcome) == [("latest", "moved"), ("1.0", "created"), ("1", "created")]
    assert outcome.verified is True
    assert outcome.index
    digest = str(outcome.index.digest)
    assert tags_in(layout) == [("latest", digest), ("1.0", digest), ("1", digest)]
