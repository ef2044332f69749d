"""What is sent over a connection, what is read from it, and how it fails."""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Iterable
from typing import Any

import httpx
import pytest

from mbuild.registry.http.connection import LONGEST_HEAD, Connection
from mbuild.registry.http.stream import open_stream
from tests.registry.http.scripted_host import (
    HANG_UP,
    LAST,
    OK,
    RESET,
    SILENCE,
    Clock,
    Host,
    ask,
    run,
    stream_of,
)


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
            """Read a while, answer, and hang up at once."""
            await self._read(reader)
            await reader.readexactly(500_000)
            writer.write(refused)
            writer.transport.abort()

    run(Refusing(), scenario)


LARGE = bytes(20_000_000)
INFORMED = b"HTTP/1.1 100 Continue\r\n\r\n"
DENIED = b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno"


class Hasty(Host):
    """A host that speaks early, as soon as it has a head; `reads_on` when it has said all."""

    def __init__(self, *early: bytes, reads_on: bool = False) -> None:
        super().__init__(OK)
        self._early = list(early)
        self._reads_on = reads_on
        self.length = 0
        self.may_end = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Speak early on the first connection."""
        if not self._early:
            await super().serve(reader, writer)
            return
        self.connections += 1
        try:
            await self._read(reader)
            while self._early:
                writer.write(self._early.pop(0))
                await asyncio.sleep(0.01)
            while self._reads_on and self.length < len(LARGE):
                self.length += len(await reader.read(1_000_000))
            if self._reads_on:
                writer.write(OK)
            await self.may_end.wait()
        finally:
            writer.close()


def large_body() -> dict[str, Any]:
    """A body that fits into no buffer."""
    pieces = [LARGE[at : at + 1_000_000] for at in range(0, len(LARGE), 1_000_000)]
    return {"content": stream_of(*pieces), "headers": {"Content-Length": str(len(LARGE))}}


@pytest.mark.parametrize(
    "early", [(DENIED,), (DENIED[:20], DENIED[20:]), (INFORMED, DENIED)],
    ids=["at once", "in parts", "after 100 Continue"],
)  # fmt: skip
def test_answer_in_place_of_reading(early: tuple[bytes, ...]) -> None:
    """A host that answers and lets the rest of the body wait is heard at once; it gets no more."""

    async def scenario(_: Host, connection: Connection, __: Clock) -> None:
        assert await ask(host, connection, "PUT", **large_body()) == b"no"
        host.may_end.set()
        assert await ask(host, connection) == b"ok"

    host = Hasty(*early)
    run(host, scenario)
    assert host.connections == 2


def test_told_to_go_on() -> None:
    """What only says that the answer is still to come does not end the body."""

    async def scenario(_: Host, connection: Connection, __: Clock) -> None:
        host.may_end.set()
        assert await ask(host, connection, "PUT", **large_body()) == b"ok"

    host = Hasty(INFORMED, reads_on=True)
    run(host, scenario)
    assert host.length == len(LARGE)


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


@pytest.mark.parametrize("has_body", [False, True], ids=["waiting", "sending"])
def test_reset(has_body: bool) -> None:
    """A connection that is reset is a failure to read, also while a body is sent."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        with pytest.raises(httpx.ReadError, match="reset"):
            await ask(host, connection, "PUT", **(large_body() if has_body else {}))

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
