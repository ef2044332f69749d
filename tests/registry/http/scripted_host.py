"""A host that behaves as a list says, over real sockets, for the tests of connections."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any

import httpx

from mbuild.registry.http.connection import Connection

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
HEAD_OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n"
LAST = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
UNTIL_THE_END = b"HTTP/1.1 200 OK\r\n\r\nok"
EARLY = b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
RESET = b"\x01\x00\x00\x00\x00\x00\x00\x00"
"""SO_LINGER of a socket whose end is a reset."""

HANG_UP = b""
"""In a host's list: it closes the connection."""

SILENCE = None
"""In a host's list: it neither answers nor reads on."""


class Host:
    """Gives its answers in turn, one a request; counts connections, and keeps what it was sent."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.heads: list[bytes] = []
        self.bodies: list[bytes] = []
        self.port = 0
        self.is_over = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.connections += 1
        try:
            while self.answers:
                await self._read(reader)
                answer = self.answers.pop(0)
                if answer is SILENCE:
                    await self.is_over.wait()
                elif answer == HANG_UP:
                    return
                else:
                    writer.write(answer)
                    if b"Connection: close" in answer or answer == UNTIL_THE_END:
                        return
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _read(self, reader: asyncio.StreamReader) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        length = head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0]
        if length and int(length) < 1000:
            self.bodies.append(await reader.readexactly(int(length)))

    def request(self, method: str = "GET", **more: Any) -> httpx.Request:
        """Make a request to this host."""
        timeout = {"connect": 5.0, "read": 5.0, "write": 5.0, **more.pop("timeout", {})}
        url = f"http://127.0.0.1:{self.port}/v2/?a=b"
        return httpx.Request(method, url, extensions={"timeout": timeout}, **more)


class Clock:
    """Time that only passes when it is said."""

    now = 0.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


Scenario = Callable[[Host, Connection, Clock], Coroutine[Any, Any, None]]


def run(host: Host, scenario: Scenario) -> None:
    """Play a scenario on one connection to a host."""

    async def play() -> None:
        server = await asyncio.start_server(host.serve, "127.0.0.1", 0)
        host.port = server.sockets[0].getsockname()[1]
        clock = Clock()
        async with server, Connection(None, clock) as connection:
            try:
                await scenario(host, connection, clock)
            finally:
                host.is_over.set()

    asyncio.run(play())


async def ask(host: Host, connection: Connection, method: str = "GET", **more: Any) -> bytes:
    """Send a request and read its answer to the end."""
    response = await connection.handle_async_request(host.request(method, **more))
    try:
        return await response.aread()
    finally:
        await response.aclose()


async def stream_of(*chunks: bytes) -> AsyncIterator[bytes]:
    """A body in chunks."""
    for chunk in chunks:
        yield chunk


async def settle() -> None:
    """Let what was sent arrive."""
    await asyncio.sleep(0.05)
