"""Bodies of answers, whatever says where they end, and however they arrive."""

import asyncio
import socket

import httpx
import pytest

from mbuild.registry.http.connection import Connection
from tests.registry.http.scripted_host import OK, Clock, Host, ask, run, stream_of

TEXT = b"twelve bytes"
COUNTED = b"HTTP/1.1 200 OK\r\nContent-Length: 12\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
CUT_SHORT = "peer closed connection without sending complete message body"
LARGE = bytes(20_000_000)
CHUNKS = b"7\r\ntwelve \r\n5\r\nbytes\r\n0\r\n\r\n"


class Pieces(Host):
    """A host whose first answer comes in pieces, with pauses; then it answers as the list says."""

    def __init__(self, pieces: list[bytes], *answers: bytes, stays: bool = False) -> None:
        super().__init__(*answers)
        self._pieces = pieces
        self._stays = stays

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send the pieces once."""
        if not self._pieces:
            await super().serve(reader, writer)
            return
        try:
            await self._serve_pieces(reader, writer)
        finally:
            writer.close()

    async def _serve_pieces(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        pieces, self._pieces = self._pieces, []
        self.connections += not self._stays
        await self._read(reader)
        # Else pieces that were written soon after each other go out as one.
        writer.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for piece in pieces:
            writer.write(piece)
            await asyncio.sleep(0.001)
        if self._stays:
            await super().serve(reader, writer)


def bytewise(answer: bytes) -> list[bytes]:
    """Cut an answer into its bytes."""
    return [answer[at : at + 1] for at in range(len(answer))]


@pytest.mark.parametrize(
    "pieces",
    [
        [COUNTED + TEXT],
        [COUNTED, TEXT],
        [COUNTED + TEXT[:5], TEXT[5:]],
        bytewise(COUNTED + TEXT),
        [COUNTED.replace(b"Length: 12", b"Length: 12, 12") + TEXT],
        [COUNTED.replace(b"Length: 12", b"Length: 12\r\nContent-Length: 12") + TEXT],
        [CHUNKED + CHUNKS],
        bytewise(CHUNKED + CHUNKS),
        [CHUNKED.replace(b"\r\n\r\n", b"\r\nContent-Length: 5\r\n\r\n") + CHUNKS],
    ],
    ids=[
        "at once", "head first", "head with a part", "byte by byte", "length listed twice",
        "length said twice", "chunks", "chunks byte by byte", "chunks beside a length",
    ],
)  # fmt: skip
def test_whole(pieces: list[bytes]) -> None:
    """A body is the same however it arrives, and the connection serves again."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == TEXT
        assert await ask(host, connection) == b"ok"

    host = Pieces(pieces, OK, stays=True)
    run(host, scenario)
    assert host.connections == 1


@pytest.mark.parametrize(
    ("pieces", "text"),
    [
        (
            [COUNTED + TEXT[:-1]],
            f"{CUT_SHORT} (received 11 bytes, expected 12)",
        ),
        (
            [COUNTED],
            f"{CUT_SHORT} (received 0 bytes, expected 12)",
        ),
        (
            [CHUNKED + CHUNKS[:-2]],
            f"{CUT_SHORT} (incomplete chunked read)",
        ),
        ([COUNTED.replace(b"12", b"12, 13") + TEXT], "conflicting Content-Length headers"),
        ([COUNTED.replace(b"12", b"-12") + TEXT], "bad Content-Length"),
        ([CHUNKED + b"no number\r\n"], "illegal chunk header: bytearray(b'no number\\r\\n')"),
    ],
    ids=["cut short", "only a head", "chunks cut short", "two lengths", "no length", "no chunk"],
)
def test_wrong(pieces: list[bytes], text: str) -> None:
    """What is no whole body is told, and the connection is given up."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        with pytest.raises(httpx.RemoteProtocolError) as raised:
            await ask(host, connection)
        assert str(raised.value) == text
        assert await ask(host, connection) == b"ok"

    host = Pieces(pieces, OK)
    run(host, scenario)
    assert host.connections == 2


@pytest.mark.parametrize(
    "pieces",
    [[COUNTED + TEXT + b"!"], [COUNTED, TEXT + OK], [CHUNKED + CHUNKS + b"!"]],
    ids=["a byte", "an answer", "a byte after chunks"],
)
def test_more_than_was_said(pieces: list[bytes]) -> None:
    """Bytes after a body belong to nobody, and the connection is not used again."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == TEXT
        assert await ask(host, connection) == b"ok"

    host = Pieces(pieces, OK)
    run(host, scenario)
    assert host.connections == 2


@pytest.mark.parametrize("status", [b"204 No Content", b"304 Not Modified"])
def test_no_body(status: bytes) -> None:
    """Answers that never have a body have none, whatever their length is said to be."""

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        assert await ask(host, connection) == b""
        assert await ask(host, connection) == b"ok"

    host = Pieces([COUNTED.replace(b"200 OK", status)], OK, stays=True)
    run(host, scenario)
    assert host.connections == 1


def test_request_without_its_end() -> None:
    """Where a host stopped listening, its answer's end does not make the connection good again."""
    answer = b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\nno"

    async def scenario(host: Host, connection: Connection, _: Clock) -> None:
        headers = {"Content-Length": str(len(LARGE))}
        body = stream_of(LARGE[:10], LARGE[10:])
        assert await ask(host, connection, "PUT", content=body, headers=headers) == b"no"
        assert not connection.is_open

    class Refusing(Host):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            """Answer the head and reset the connection, in the middle of the body."""
            await self._read(reader)
            writer.write(answer)
            writer.transport.abort()

    run(Refusing(), scenario)
