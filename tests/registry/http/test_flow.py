"""Large amounts through a stream, in plain text and over TLS: whole, and never much at a time."""

import asyncio
import random
import socket
import ssl
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from mbuild.registry.http.flow import MOST_UNREAD
from mbuild.registry.http.stream import Stream, open_stream
from tests.registry.http.scripted_host import RESET
from tests.support.certificates import TlsFiles

LARGE = random.Random(1).randbytes(20_000_000)
WAIT = 20.0


class Peer:
    """The other end, which counts what it could send."""

    def __init__(self, files: TlsFiles | None) -> None:
        self.sent = 0
        self.received = bytearray()
        self.has_all = asyncio.Event()
        self._files = files
        self.ended = asyncio.Event()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Stream]:
        """Serve, and give a stream to it."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0, ssl=self._server_tls())
        port = server.sockets[0].getsockname()[1]
        scheme = "https" if self._files else "http"
        async with server:
            stream = await open_stream(
                httpx.URL(f"{scheme}://127.0.0.1:{port}"), self._client_tls(), WAIT
            )
            try:
                yield stream
            finally:
                stream.close()
                await self.ended.wait()

    def _server_tls(self) -> ssl.SSLContext | None:
        if not self._files:
            return None
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self._files.certificate, self._files.key)
        return context

    def _client_tls(self) -> ssl.SSLContext | None:
        return ssl.create_default_context(cafile=self._files.ca) if self._files else None

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Send all that is large when asked with a `?`, else take in what comes."""
        try:
            if await reader.read(1) == b"?":
                for at in range(0, len(LARGE), 100_000):
                    writer.write(LARGE[at : at + 100_000])
                    await writer.drain()
                    self.sent += 100_000
            else:
                while chunk := await reader.read(1_000_000):
                    self.received += chunk
                    if len(self.received) >= len(LARGE):
                        self.has_all.set()
                    await asyncio.sleep(0.001)
        except ConnectionError:
            pass
        finally:
            writer.close()
            self.ended.set()


@pytest.fixture(params=["plain", "tls"])
def files(request: pytest.FixtureRequest, tls_files: TlsFiles) -> TlsFiles | None:
    """What the server's TLS needs, None where it speaks none."""
    return tls_files if request.param == "tls" else None


def test_read(files: TlsFiles | None) -> None:
    """Much arrives as it was sent, in pieces of about as much as is kept unread."""

    async def scenario() -> None:
        pieces = []
        async with Peer(files).opened() as stream:
            stream.write(b"?")
            while piece := await stream.read(WAIT):
                pieces.append(piece)
        assert b"".join(pieces) == LARGE
        assert max(map(len, pieces)) < 2 * MOST_UNREAD

    asyncio.run(scenario())


def test_held_back(files: TlsFiles | None) -> None:
    """What nobody reads is not taken in: the sender has to wait, and later all of it comes."""

    async def scenario() -> None:
        peer = Peer(files)
        async with peer.opened() as stream:
            stream.write(b"?")
            before, size = -1, len(await stream.read(WAIT))
            while peer.sent > before:
                before = peer.sent
                await asyncio.sleep(0.1)
            assert peer.sent < len(LARGE)
            assert not stream.is_quiet
            while piece := await stream.read(WAIT):
                size += len(piece)
            assert size == len(LARGE)

    asyncio.run(scenario())


def test_write(files: TlsFiles | None) -> None:
    """Much is sent whole, to somebody who takes it slowly."""

    async def scenario() -> None:
        peer = Peer(files)
        async with peer.opened() as stream:
            stream.write(b"!")
            for at in range(0, len(LARGE), 300_000):
                stream.write(LARGE[at : at + 300_000])
                await stream.drain(WAIT)
            async with asyncio.timeout(WAIT):
                await peer.has_all.wait()
        assert peer.received == LARGE

    asyncio.run(scenario())


def test_lost_unseen() -> None:
    """A connection that broke while this program was busy is told to whoever writes, each time."""
    is_open, is_reset = threading.Event(), threading.Event()

    def serve(listener: socket.socket) -> None:
        accepted, _ = listener.accept()
        is_open.wait(WAIT)
        accepted.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        accepted.close()
        is_reset.set()

    async def scenario(port: int) -> None:
        stream = await open_stream(httpx.URL(f"http://127.0.0.1:{port}"), None, WAIT)
        is_open.set()
        is_reset.wait(WAIT)  # nor does the event loop see anything until then
        stream.write(b"?")
        for _ in range(2):
            with pytest.raises(httpx.WriteError, match="reset"):
                await stream.drain(WAIT)
        stream.close()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = threading.Thread(target=serve, args=(listener,))
        server.start()
        asyncio.run(scenario(listener.getsockname()[1]))
        server.join()
