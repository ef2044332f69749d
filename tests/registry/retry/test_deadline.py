"""The deadline of a run: what it ends, and what it leaves alone."""

import asyncio

import pytest

from mbuild.errors import TransportError
from mbuild.registry.retry.deadline import Deadline
from tests.support.virtual_time import now, run_virtually


def test_deadline_passes_other_timeouts() -> None:
    """A timeout that is not the deadline's is none of its business."""

    async def scenario() -> None:
        async with Deadline(60, lambda: 0.0).bound("w"):
            raise TimeoutError("another")

    with pytest.raises(TimeoutError, match="another"):
        asyncio.run(scenario())


def test_bound() -> None:
    """What is not done in time is ended then, in words of its own."""

    async def scenario() -> None:
        deadline = Deadline(5, now)
        async with deadline.bound("w", "look"):
            await asyncio.sleep(4)
        assert deadline.left() == 1
        with pytest.raises(TransportError) as raised:
            async with deadline.bound("w", "look"):
                await asyncio.sleep(4)
        assert str(raised.value) == "w: not done within the deadline of 5 s; look"
        assert now() == 5

    run_virtually(scenario)
