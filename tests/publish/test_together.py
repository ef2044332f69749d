"""The same work for many items is done a few at a time."""

import asyncio

import pytest

from mbuild.publish.together import each
from tests.publish.world import run


@pytest.mark.parametrize("width", [1, 3, 50])
def test_each(width: int) -> None:
    """Results come in the order of the items, and never more than `width` are under way."""
    under_way, most = 0, 0

    async def work(number: int) -> int:
        nonlocal under_way, most
        under_way += 1
        most = max(most, under_way)
        await asyncio.sleep(0.002 * (number % 3))
        under_way -= 1
        return number * number

    found = run(lambda: each(range(20), work, width=width))
    assert found == tuple(number * number for number in range(20))
    assert most == min(width, 20)


def test_each_of_nothing() -> None:
    """Of nothing there is no result."""

    async def work(_item: object) -> None:
        raise AssertionError

    assert run(lambda: each((), work, width=4)) == ()
