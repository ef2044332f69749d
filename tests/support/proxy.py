"""`python -m tests.support.proxy HOST:PORT SECONDS`: a registry far away, on a port it prints.

A process of its own, so that what is measured does not share an interpreter with it, and as cheap
as Python can be: bytes are passed on by the protocols themselves, with one timer for all of them.
"""

from __future__ import annotations

import asyncio
import sys
from collections import deque
from collections.abc import Callable
from importlib import import_module
from importlib.util import find_spec
from itertools import takewhile

Due = tuple[float, Callable[[], None]]


class Distance:
    """Holds back what is to happen, always for the same time: first in, first out."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._loop = asyncio.get_running_loop()
        self._waiting: deque[Due] = deque()

    def after(self, act: Callable[[], None]) -> None:
        """Act when the time is over."""
        if self._seconds <= 0:
            act()
            return
        self._waiting.append((self._loop.time() + self._seconds, act))
        if len(self._waiting) == 1:
            self._loop.call_later(self._seconds, self._release)

    def _release(self) -> None:
        now = self._loop.time()
        due = [act for _, act in takewhile(lambda one: one[0] <= now, self._waiting)]
        for act in due:
            self._waiting.popleft()
            act()
        if self._waiting:
            self._loop.call_at(self._waiting[0][0], self._release)


class End(asyncio.Protocol):
    """One end of a connection: what it hears, the other end says after a while."""

    def __init__(self, distance: Distance) -> None:
        self._distance = distance
        self._transport: asyncio.Transport | None = None
        self._unsaid: list[bytes] = []
        self._is_over = False
        self.other: End | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Say what was to be said before there was a connection."""
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        transport.writelines(self._unsaid)
        if self._is_over:
            transport.close()

    def data_received(self, data: bytes) -> None:
        """Pass bytes on, later."""
        other = self.other
        assert other
        self._distance.after(lambda: other.say(data))

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Hang up at the other end too, later."""
        if self.other:
            self._distance.after(self.other.hang_up)

    def say(self, data: bytes) -> None:
        """Send bytes, as soon as there is a connection."""
        if self._transport is None:
            self._unsaid.append(data)
        elif not self._transport.is_closing():
            self._transport.write(data)

    def hang_up(self) -> None:
        """Close the connection, once what was said is sent."""
        self._is_over = True
        if self._transport:
            self._transport.close()


class Door(End):
    """The near end, where clients come in: each gets a connection of its own to the registry."""

    def __init__(self, distance: Distance, host: str, port: int) -> None:
        super().__init__(distance)
        self._address = host, port
        self._opening: asyncio.Task[None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Open the far end; the client may speak already."""
        super().connection_made(transport)
        self.other = End(self._distance)
        self.other.other = self
        self._opening = asyncio.create_task(self._open(self.other))

    async def _open(self, far: End) -> None:
        try:
            await asyncio.get_running_loop().create_connection(lambda: far, *self._address)
        except OSError:
            self.hang_up()


async def serve(upstream: str, seconds: float) -> None:
    """Serve until the process ends; half of the time is spent on each way."""
    host, _, port = upstream.rpartition(":")
    distance = Distance(seconds / 2)
    loop = asyncio.get_running_loop()
    server = await loop.create_server(
        lambda: Door(distance, host, int(port)), "127.0.0.1", 0, backlog=512
    )
    sys.stdout.write(f"{server.sockets[0].getsockname()[1]}\n")
    sys.stdout.flush()
    await server.serve_forever()


def main(upstream: str, seconds: str) -> None:
    """Serve, on the faster loop where it is installed."""
    work = serve(upstream, float(seconds))
    if find_spec("uvloop"):
        import_module("uvloop").run(work)
    else:
        asyncio.run(work)


if __name__ == "__main__":
    main(*sys.argv[1:])
