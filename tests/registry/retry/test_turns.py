"""Turns: so many at a time, in order; shut, opened, ended; and nothing lost to who gives up."""

import asyncio

import pytest

from mbuild.errors import TransportError
from mbuild.registry.retry.turns import Turns
from tests.support.virtual_time import now, run_virtually


async def ask(turns: Turns, log: list[float]) -> None:
    """Make a request of one second, and note when it began."""
    async with turns:
        log.append(now())
        await asyncio.sleep(1)


async def ask_many(turns: Turns, count: int) -> list[float]:
    """Make requests side by side; give when each began."""
    log: list[float] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(ask(turns, log))
    return log


def test_so_many_at_a_time() -> None:
    """So many are under way as may be; the next begins when one ends."""
    assert run_virtually(lambda: ask_many(Turns(4), 9)) == [0, 0, 0, 0, 1, 1, 1, 1, 2]


def test_in_order() -> None:
    """Who came first goes first."""

    async def scenario() -> list[int]:
        turns, order = Turns(1), []

        async def note(number: int) -> None:
            async with turns:
                order.append(number)
                await asyncio.sleep(1)

        await asyncio.gather(*(note(number) for number in range(5)))
        return order

    assert run_virtually(scenario) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize(
    ("count", "expected"), [(1, [0, 0, 1, 2]), (3, [0, 0, 0.5, 1])], ids=["fewer", "more"]
)
def test_allow(count: int, expected: list[float]) -> None:
    """From now on fewer, or more, are let through; those under way stay."""

    async def scenario() -> list[float]:
        turns = Turns(2)
        asked = asyncio.create_task(ask_many(turns, 4))
        await asyncio.sleep(0.5)
        turns.allow(count)
        return await asked

    assert run_virtually(scenario) == expected


def test_shut() -> None:
    """Nobody is let through while it is shut, whether he waits already or comes then."""

    async def scenario() -> list[float]:
        turns = Turns(2)
        early = asyncio.create_task(ask_many(turns, 3))
        await asyncio.sleep(0.5)
        turns.shut()
        late = asyncio.create_task(ask_many(turns, 1))
        await asyncio.sleep(4.5)
        turns.open()
        return [*await early, *await late]

    assert run_virtually(scenario) == [0, 0, 5, 5]


def test_shut_a_moment_after_it_was_given() -> None:
    """A turn that was given just before it was shut is taken back, and is the first after."""

    async def scenario() -> list[str]:
        turns, order = Turns(1), []

        async def note(name: str) -> None:
            async with turns:
                order.append(name)

        await turns.acquire()
        waiting = [asyncio.create_task(note(name)) for name in ("first", "second")]
        await asyncio.sleep(1)
        turns.release()
        turns.shut()
        await asyncio.sleep(1)
        assert order == []
        turns.open()
        await asyncio.gather(*waiting)
        return order

    assert run_virtually(scenario) == ["first", "second"]


def test_end() -> None:
    """Those who wait, and all who come, are given the error; those under way come to their end."""

    async def scenario() -> None:
        turns = Turns(1)
        under_way = asyncio.create_task(ask_many(turns, 1))
        await asyncio.sleep(0.5)
        waiting = asyncio.create_task(ask_many(turns, 1))
        gone = asyncio.create_task(ask_many(turns, 1))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        gone.cancel()
        await asyncio.sleep(0)
        turns.end(lambda: TransportError("it is over"))
        with pytest.raises(ExceptionGroup) as group:
            await waiting
        assert [str(error) for error in group.value.exceptions] == ["it is over"]
        assert await under_way == [0]
        with pytest.raises(TransportError, match="it is over"):
            await turns.acquire()

    run_virtually(scenario)


def test_cancelled_in_the_queue() -> None:
    """Who stops waiting takes no place, when he had just been given one neither."""

    async def scenario() -> None:
        turns = Turns(1)
        await turns.acquire()
        early, late = (asyncio.create_task(turns.acquire()) for _ in range(2))
        await asyncio.sleep(0)
        early.cancel()
        await asyncio.wait({early})
        turns.release()
        late.cancel()  # its turn has come by now, and it does not know that yet
        await asyncio.wait({late})
        assert early.cancelled()
        assert late.cancelled()
        assert await ask_many(turns, 1) == [0]

    run_virtually(scenario)
