"""One connection to a host that behaves as a list says, over real sockets."""

import asyncio
import socket
import ssl
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable
from typing import Any

import httpx
import pytest

from mbuild.registry.http.connection import LONGEST_HEAD, LONGEST_IDLE, Connection
from mbuild.registry.http.stream import open_stream

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

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one connection."""
        self.connections += 1
        try:
            while self.answers:
                await self._read(reader)
                answer = self.answers.pop(0)
                if answer is SILENCE:
                    await asyncio.sleep(60)
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
            await scenario(host, connection, clock)

    asyncio.run(play())


async def ask(host: Host, connection: Connection, method: str = "GET", **more: Any) -> bytes:
    """Send a request and read its answer to the end."""
    response = await connection.handle_async_request(host.request(method, **more))
    return await response.aread()


async def settle() -> None:
    """Let what was sent arrive."""
    await asyncio.sleep(0.05)


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


async def stream_of(*chunks: bytes) -> AsyncIterator[bytes]:
    """A body in chunks."""
    for chunk in chunks:
        yield chunk


def test_streamed_body() -> None:
    """A streamed body arrives whole, under the length that was promised."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        body, headers = stream_of(b"to", b"", b"gether"), {"Content-Length": "8"}
        assert await ask(host, connection, "PUT", content=body, headers=headers) == b"ok"

    host = Host(OK)
    run(host, scenario)
    assert host.bodies == [b"together"]


def test_answer_before_the_body_ends() -> None:
    """A host that refuses a body and stops listening is heard."""
    refused = b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"

    async def slowly() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b"x" * 100_000
            await asyncio.sleep(0.001)

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        headers = {"Content-Length": "10000000"}
        request = host.request("PUT", content=slowly(), headers=headers)
        response = await connection.handle_async_request(request)
        assert response.status_code == 413

    class Refusing(Host):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Answer the head, read a while, hang up."""
            await self._read(reader)
            writer.write(refused)
            await writer.drain()
            await reader.readexactly(500_000)
            writer.transport.abort()

    run(Refusing(), scenario)


FAILURES: Iterable[tuple[str, bytes | None, dict[str, Any], type[Exception], str]] = [
    ("hang up", HANG_UP, {}, httpx.RemoteProtocolError, "Server disconnected without sending a response"),
    ("no HTTP", b"SSH-2.0\r\n\r\n", {}, httpx.RemoteProtocolError, "illegal status line"),
    (
        "long head", b"HTTP/1.1 200 OK\r\nA: " + b"x" * LONGEST_HEAD, {},
        httpx.RemoteProtocolError, "Receive buffer too long",
    ),
    (
        "cut short", LAST[:-1], {}, httpx.RemoteProtocolError,
        "peer closed connection without sending complete message body",
    ),
    ("silence", SILENCE, {"timeout": {"read": 0.05}}, httpx.ReadTimeout, "^$"),
    (
        "body too short", OK,
        {"method": "PUT", "content": stream_of(b"x"), "headers": {"Content-Length": "2"}},
        httpx.LocalProtocolError, "Too little data for declared Content-Length",
    ),
    (
        "nobody reads", SILENCE,
        {
            "method": "PUT", "content": stream_of(*[b"x" * 1_000_000] * 20),
            "headers": {"Content-Length": "20000000"}, "timeout": {"write": 0.05},
        },
        httpx.WriteTimeout, "^$",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("answer", "request_", "kind", "text"),
    [case[1:] for case in FAILURES],
    ids=[case[0] for case in FAILURES],
)
def test_failures(
    answer: bytes | None, request_: dict[str, Any], kind: type[Exception], text: str
) -> None:
    """What goes wrong is raised as httpx's own transports raise it, and the connection is gone."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        with pytest.raises(kind, match=text):
            await ask(host, connection, **request_)
        host.answers = [OK]
        assert await ask(host, connection) == b"ok"

    host = Host(answer)
    run(host, scenario)
    assert host.connections == 2


def test_reset() -> None:
    """A connection that is reset is a failure to read."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        with pytest.raises(httpx.ReadError, match="reset"):
            await ask(host, connection)

    class Resetting(Host):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Hang up in the middle of a request, which the system says as a reset."""
            await self._read(reader)
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()

    run(Resetting(), scenario)


def connect(url: str, wait: float = 5.0) -> None:
    """Only connect."""
    asyncio.run(_connect(httpx.URL(url), wait))


async def _connect(url: httpx.URL, wait: float) -> None:
    tls = ssl.create_default_context() if url.scheme == "https" else None
    (await open_stream(url, tls, wait)).close()


def test_refused() -> None:
    """A port where nobody listens is said in the system's words, for all addresses of a name."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port = listener.getsockname()[1]
        for name in ("127.0.0.1", "localhost"):
            with pytest.raises(httpx.ConnectError) as raised:
                connect(f"http://{name}:{port}")
            assert isinstance(raised.value.__cause__, ConnectionRefusedError)


def test_connect_timeout() -> None:
    """A host that never greets back is left."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(httpx.ConnectTimeout):
            connect(f"https://127.0.0.1:{port}", wait=0.05)


def test_name_that_cannot_be() -> None:
    """A name with a part that is too long is no host."""
    with pytest.raises(httpx.ConnectError, match="label"):
        connect(f"http://{'a' * 64}.test")
