"""Whatever is cancelled, left half read or cut short: an answer is always the request's own."""

import asyncio
import random
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from itertools import count
from typing import Any

import httpx
import pytest

from mbuild.registry.http.connection import Connection
from mbuild.registry.http.lanes import Lanes

REQUESTS, UNDER_WAY, MOST_IDLE = 500, 12, 8
UNASKED = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 5\r\n\r\nwrong"


class Unreliable:
    """A host that answers with the path it was asked for, late, in pieces, or not to the end."""

    def __init__(self, chance: random.Random) -> None:
        self._chance = chance

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer until it pleases to hang up."""
        with suppress(ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            while await self._answer(reader, writer):
                await writer.drain()
        writer.close()

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        path = (await reader.readuntil(b"\r\n\r\n")).split()[1]
        body = path * self._chance.choice([1, 10, 20_000])
        answer = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
        await asyncio.sleep(self._chance.random() / 200)
        whim = self._chance.random()
        if whim < 0.1:
            writer.write(answer[: len(answer) // 2])
            return False
        writer.write(answer[:30_000])
        await asyncio.sleep(0)
        writer.write(answer[30_000:])
        if whim < 0.2:
            writer.write(UNASKED)
        return whim > 0.15


class Client:
    """Asks for many paths, impatiently; `ends` counts how that went."""

    def __init__(self, lanes: Lanes, port: int, chance: random.Random) -> None:
        self._lanes = lanes
        self._url = f"http://127.0.0.1:{port}"
        self._chance = chance
        self._numbers = count(1)
        self.ends: Counter[str] = Counter()

    async def work(self) -> None:
        """Send one request after the other."""
        while (number := next(self._numbers)) <= REQUESTS:
            try:
                async with asyncio.timeout(self._chance.choice([0.001, 0.004, 10, 10])):
                    self.ends[await self._ask(f"/{number}/")] += 1
            except (TimeoutError, httpx.TransportError) as error:
                self.ends[type(error).__name__] += 1

    async def _ask(self, path: str) -> str:
        response = await self._lanes.handle_async_request(httpx.Request("GET", self._url + path))
        try:
            assert response.status_code == 200
            if self._chance.random() < 0.1:
                return "left"
            body = await response.aread()
        finally:
            await response.aclose()
        assert body.replace(path.encode(), b"") == b""
        return "read"


@pytest.mark.parametrize("seed", range(3))
def test_own_answers(seed: int) -> None:
    """No request gets another's answer, no lane is lost, and idle ones are not more than allowed."""
    chance = random.Random(seed)
    lanes: list[Connection] = []

    def make_lane(clock: Callable[[], float]) -> Connection:
        lanes.append(Connection(None, clock))
        return lanes[-1]

    async def scenario() -> Counter[str]:
        server = await asyncio.start_server(Unreliable(chance).serve, "127.0.0.1", 0)
        port: Any = server.sockets[0].getsockname()[1]
        clock = asyncio.get_running_loop().time
        async with server, Lanes(lambda: make_lane(clock), most_idle=MOST_IDLE) as all_lanes:
            client = Client(all_lanes, port, chance)
            await asyncio.gather(*(client.work() for _ in range(UNDER_WAY)))
            assert sum(lane.is_open for lane in lanes) <= MOST_IDLE
        assert not any(lane.is_open for lane in lanes)
        return client.ends

    ends = asyncio.run(scenario())
    assert sum(ends.values()) == REQUESTS
    assert set(ends) >= {"read", "left", "TimeoutError", "RemoteProtocolError"}
