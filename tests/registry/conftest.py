"""What the registry's tests ask for."""

import pytest

from tests.registry.world import Recorder


@pytest.fixture
def recorder() -> Recorder:
    """What happened at the wire, and the time."""
    return Recorder()
