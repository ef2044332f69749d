"""A registry whose faults a test scripts, on the loopback."""

from collections.abc import Iterator

import pytest

from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.images import make_image
from tests.support.loopback import LoopbackServer


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds two images, and takes whatever it is told to go wrong."""
    registry = FakeRegistry()
    registry.put("team/app", "amd64", make_image("linux/amd64"))
    registry.put("team/app", "arm64", make_image("linux/arm64"))
    return registry


@pytest.fixture
def server(fake: FakeRegistry) -> Iterator[LoopbackServer]:
    """The fake's place on the loopback."""
    with serve_fake(fake) as running:
        yield running
