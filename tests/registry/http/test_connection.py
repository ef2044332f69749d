"""When a connection is used again, and when not."""

import asyncio
import socket
import threading

import httpx
import pytest

from mbuild.registry.http.connection import LONGEST_IDLE, Connection
from tests.registry.http.scripted_host import (
    EARLY,
    HEAD_OK,
    LAST,
    OK,
    RESET,
    SILENCE,
    UNTIL_THE_END,
    Clock,
    Host,
    ask,
    run,
    settle,
)


def test_reused() -> None:
    """Requests one after the other share the connection, and have an answer each."""
    host = Host(OK, HEAD_OK, OK)

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == b"ok"
        assert await ask(host, connection, "HEAD") == b""
        assert await ask(host, connection, "PUT", content=b"body") == b"ok"

    run(host, scenario)
    assert (host.connections, host.bodies) == (1, [b"body"])
    assert [head.splitlines()[0] for head in host.heads] == [
        b"GET /v2/?a=b HTTP/1.1",
        b"HEAD /v2/?a=b HTTP/1.1",
        b"PUT /v2/?a=b HTTP/1.1",
    ]


@pytest.mark.parametrize(
    "first", [LAST, UNTIL_THE_END, OK + EARLY, OK + b"\r\n"],
    ids=["close", "end is length", "unasked answer", "unasked bytes"],
)  # fmt: skip
def test_not_reused(first: bytes) -> None:
    """After an answer that was the last, or was followed by something unasked, it connects anew."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == b"ok"
        assert await ask(host, connection) == b"ok"

    host = Host(first, OK)
    run(host, scenario)
    assert host.connections == 2


def test_unasked_later() -> None:
    """What a host says while nothing was asked is nobody's answer."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == b"ok"
        host.answers = [OK]
        await settle()
        assert await ask(host, connection) == b"ok"

    class Impatient(Host):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Answer once, and then by itself."""
            if self.connections:
                await super().serve(reader, writer)
                return
            self.connections += 1
            await self._read(reader)
            writer.write(OK)
            await asyncio.sleep(0.02)
            writer.write(EARLY)
            writer.close()

    host = Impatient()
    run(host, scenario)
    assert host.connections == 2


def test_hung_up_while_idle() -> None:
    """A connection that the host closed meanwhile costs nothing."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == b"ok"
        await settle()
        assert await ask(host, connection) == b"ok"

    class Brief(Host):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Answer once a connection."""
            self.connections += 1
            await self._read(reader)
            writer.write(OK)
            writer.close()

    host = Brief()
    run(host, scenario)
    assert host.connections == 2


@pytest.mark.parametrize("ends_by", ["close", "reset"])
def test_hung_up_unseen(ends_by: str) -> None:
    """A connection that the host closed while this program was busy costs nothing either."""
    host, closed = Host(), threading.Event()

    def serve(listener: socket.socket) -> None:
        for _ in range(2):
            accepted, _ = listener.accept()
            with accepted:
                accepted.recv(65536)
                accepted.sendall(OK)
                if ends_by == "reset":
                    accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
                may_close.wait(5)
            closed.set()

    async def scenario() -> None:
        async with Connection(None, Clock()) as connection:
            assert await ask(host, connection) == b"ok"
            may_close.set()
            closed.wait(5)  # nor does the event loop see anything until then
            assert await ask(host, connection) == b"ok"

    may_close = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host.port = listener.getsockname()[1]
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        asyncio.run(scenario())
        server.join()


@pytest.mark.parametrize(("seconds", "connections"), [(LONGEST_IDLE - 1, 1), (LONGEST_IDLE, 2)])
def test_idle(seconds: float, connections: int) -> None:
    """A connection that was idle for long is not trusted."""

    async def scenario(host: Host, connection: Connection, clock: Clock) -> None:
        await ask(host, connection)
        clock.now += seconds
        await ask(host, connection)

    host = Host(OK, OK)
    run(host, scenario)
    assert host.connections == connections


def test_half_read() -> None:
    """An answer that is left before its end takes the connection with it."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        response = await connection.handle_async_request(host.request())
        await response.aclose()
        assert await ask(host, connection) == b"ok"

    host = Host(OK[:-1], OK)
    run(host, scenario)
    assert host.connections == 2


def test_closed_twice() -> None:
    """An answer that is closed twice does not end the next one."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        first = await connection.handle_async_request(host.request())
        assert isinstance(first.stream, httpx.AsyncByteStream)
        await first.aread()
        second = await connection.handle_async_request(host.request())
        await first.stream.aclose()
        assert await second.aread() == b"ok"
        assert await ask(host, connection) == b"ok"

    host = Host(OK, OK, OK)
    run(host, scenario)
    assert host.connections == 1


def test_cancelled() -> None:
    """A request that is cancelled takes the connection with it."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.05):
                await ask(host, connection)
        assert await ask(host, connection) == b"ok"

    host = Host(SILENCE, OK)
    run(host, scenario)
    assert host.connections == 2


def test_informational() -> None:
    """What comes before the answer is passed over."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == b"ok"

    run(Host(b"HTTP/1.1 103 Early Hints\r\nLink: </x>\r\n\r\n" + OK), scenario)
