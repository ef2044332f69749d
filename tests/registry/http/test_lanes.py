"""Each request has a lane of its own; lanes are used again, and none is lost or left open."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable

import httpx
import pytest

from mbuild.registry.http.lanes import Lanes

REQUEST = httpx.Request("GET", "http://reg.test/v2/")


class Lane(httpx.AsyncBaseTransport):
    """A connection that answers at once, or never, or fails."""

    def __init__(self, garage: "Garage") -> None:
        self.garage = garage
        self.requests = 0
        self.is_closed = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer as the garage says."""
        assert not self.is_closed
        self.requests += 1
        await self.garage.behave()
        return httpx.Response(200, stream=Body(self.garage), request=request)

    async def aclose(self) -> None:
        """Remember that it is closed."""
        self.is_closed = True


class Body(httpx.AsyncByteStream):
    """Two chunks, whose end may fail."""

    def __init__(self, garage: "Garage") -> None:
        self.garage = garage

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield b"one"
        yield b"two"

    async def aclose(self) -> None:
        """End as the garage says."""
        await self.garage.end()


async def at_once() -> None:
    """Nothing to wait for."""


async def never() -> None:
    """An answer that does not come."""
    await asyncio.sleep(60)


async def broken() -> None:
    """A connection that is lost."""
    raise httpx.ReadError("reset")


class Garage:
    """Makes lanes, and remembers them."""

    def __init__(self) -> None:
        self.lanes: list[Lane] = []
        self.behave: Callable[[], Awaitable[None]] = at_once
        self.end: Callable[[], Awaitable[None]] = at_once

    def make(self) -> Lane:
        """Make one more lane."""
        self.lanes.append(Lane(self))
        return self.lanes[-1]

    @property
    def requests(self) -> list[int]:
        """How many requests each lane had."""
        return [lane.requests for lane in self.lanes]

    @property
    def closed(self) -> list[bool]:
        """Which lanes are closed."""
        return [lane.is_closed for lane in self.lanes]


async def fetch(lanes: Lanes) -> bytes:
    """Send a request, read its answer, close it."""
    response = await lanes.handle_async_request(REQUEST)
    return await response.aread()


async def open_several(lanes: Lanes, number: int) -> list[httpx.Response]:
    """Send requests whose answers stay open."""
    return [await lanes.handle_async_request(REQUEST) for _ in range(number)]


def test_one_after_the_other() -> None:
    """Requests one after the other share a lane, and have their whole answers."""
    garage = Garage()

    async def scenario() -> list[bytes]:
        lanes = Lanes(garage.make, most_idle=2)
        return [await fetch(lanes) for _ in range(3)]

    assert asyncio.run(scenario()) == [b"onetwo"] * 3
    assert garage.requests == [3]


def test_side_by_side() -> None:
    """Two answers that are open at once have two lanes; the one freed last is used first."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        first, second = await open_several(lanes, 2)
        await first.aclose()
        await second.aclose()
        await fetch(lanes)
        await fetch(lanes)

    asyncio.run(scenario())
    assert garage.requests == [1, 3]


def test_surplus_is_closed() -> None:
    """Of lanes that are idle only so many stay open."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        for response in await open_several(lanes, 4):
            await response.aclose()
        for response in await open_several(lanes, 2):
            await response.aclose()

    asyncio.run(scenario())
    assert garage.closed == [False, False, True, True]
    assert garage.requests == [2, 2, 1, 1]


def test_cancelled() -> None:
    """A lane whose request was cancelled is closed, and the next request has another."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        garage.behave = never
        task = asyncio.create_task(fetch(lanes))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        garage.behave = at_once
        await fetch(lanes)

    asyncio.run(scenario())
    assert (garage.closed, garage.requests) == ([True, False], [1, 1])


def test_failed() -> None:
    """A lane whose request failed is closed; the failure passes."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        garage.behave = broken
        with pytest.raises(httpx.ReadError, match="reset"):
            await fetch(lanes)

    asyncio.run(scenario())
    assert garage.closed == [True]


def test_end_failed() -> None:
    """A lane whose answer cannot be ended is closed; the failure passes."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        garage.end = broken
        with pytest.raises(httpx.ReadError, match="reset"):
            await fetch(lanes)
        garage.end = at_once
        await fetch(lanes)

    asyncio.run(scenario())
    assert (garage.closed, garage.requests) == ([True, False], [1, 1])


def test_close() -> None:
    """Closing takes all lanes, busy ones too, and an answer that is closed later changes nothing."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        idle, busy = await open_several(lanes, 2)
        await idle.aclose()
        await lanes.aclose()
        assert garage.closed == [True, True]
        await busy.aclose()
        await fetch(lanes)

    asyncio.run(scenario())
    assert garage.requests == [1, 1, 1]


def test_closed_twice() -> None:
    """An answer that is closed twice does not free the lane of whoever has it now."""
    garage = Garage()

    async def scenario() -> None:
        lanes = Lanes(garage.make, most_idle=2)
        first = await lanes.handle_async_request(REQUEST)
        assert isinstance(first.stream, httpx.AsyncByteStream)
        await first.stream.aclose()
        second = await lanes.handle_async_request(REQUEST)
        await first.stream.aclose()
        await fetch(lanes)
        await second.aclose()

    asyncio.run(scenario())
    assert garage.requests == [2, 1]
