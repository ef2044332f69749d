"""Work that many wait for is done once."""

import asyncio

import pytest

from mbuild.registry.flight import SingleFlight


class Work:
    """Something to be done, counted."""

    def __init__(self, error: Exception | None = None) -> None:
        self.runs = 0
        self.gate = asyncio.Event()
        self._error = error

    async def __call__(self) -> int:
        self.runs += 1
        await self.gate.wait()
        if self._error:
            raise self._error
        return self.runs


def test_once() -> None:
    """All that wait get the one result; afterwards the work is done anew."""

    async def scenario() -> tuple[list[int], int]:
        flights, work = SingleFlight(), Work()
        waiting = [asyncio.create_task(flights.run("k", work)) for _ in range(3)]
        await asyncio.sleep(0)
        work.gate.set()
        return [await task for task in waiting], await flights.run("k", work)

    assert asyncio.run(scenario()) == ([1, 1, 1], 2)


def test_failure_is_shared() -> None:
    """A failure is raised in all that wait."""

    async def scenario() -> list[object]:
        flights, work = SingleFlight(), Work(ValueError("no"))
        work.gate.set()
        return list(
            await asyncio.gather(
                *(flights.run("k", work) for _ in range(2)), return_exceptions=True
            )
        )

    assert [str(error) for error in asyncio.run(scenario())] == ["no", "no"]


def test_cancelled_waiter() -> None:
    """One that is cancelled takes nothing from the others."""

    async def scenario() -> int:
        flights, work = SingleFlight(), Work()
        first = asyncio.create_task(flights.run("k", work))
        second = asyncio.create_task(flights.run("k", work))
        await asyncio.sleep(0)
        first.cancel()
        await asyncio.sleep(0)
        work.gate.set()
        return await second

    assert asyncio.run(scenario()) == 1


def test_close() -> None:
    """Closing stops what is under way."""

    async def scenario() -> None:
        flights = SingleFlight()
        waiting = asyncio.create_task(flights.run("k", Work()))
        await asyncio.sleep(0)
        await flights.close()
        with pytest.raises(asyncio.CancelledError):
            await waiting

    asyncio.run(scenario())
