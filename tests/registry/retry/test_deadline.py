"""The deadline of a run: what it ends, and what it leaves alone."""

import asyncio
from collections.abc import AsyncIterator

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


def test_bound_each() -> None:
    """Items are passed on until the deadline; that the reader takes its time ends nothing."""

    async def count() -> AsyncIterator[int]:
        for number in range(9):
            await asyncio.sleep(1)
            yield number

    async def scenario() -> None:
        seen: list[int] = []

        async def read(deadline: Deadline) -> None:
            async for number in deadline.bound_each(count(), "w"):
                seen.append(number)  # what was seen before the error counts
                await asyncio.sleep(0.1)

        with pytest.raises(TransportError, match=r"^w: not done within the deadline of 2\.5 s; "):
            await read(Deadline(2.5, now))
        assert seen == [0, 1]
        await read(Deadline(None, now))
        assert seen == [0, 1, *range(9)]

    run_virtually(scenario)


def test_check() -> None:
    """It is over when its time has come, and without a deadline never."""

    async def scenario() -> None:
        deadline, never = Deadline(5, now), Deadline(None, now)
        await asyncio.sleep(4.9)
        deadline.check("w")
        await asyncio.sleep(0.1)
        never.check("w")
        with pytest.raises(TransportError, match="deadline of 5 s; raise --deadline"):
            deadline.check("w")

    run_virtually(scenario)
