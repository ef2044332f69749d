"""Each origin is reached over connections of its own: directly, through a proxy, through a tunnel."""

import asyncio
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import httpx
import pytest

from mbuild.registry.http.routes import Outside, Routes
from tests.support.certificates import TlsFiles
from tests.support.exchange import Answer
from tests.support.loopback import LoopbackServer, serve_loopback


@contextmanager
def serve(tls: TlsFiles | None = None) -> Iterator[LoopbackServer]:
    """A host that answers everything with one word."""
    with serve_loopback(lambda _: Answer(200, {}, b"ok"), tls=tls) as server:
        yield server


def ask(
    *urls: str, environment: Mapping[str, str] | None = None, tls: ssl.SSLContext | None = None
) -> None:
    """Fetch addresses one after the other over the same routes."""

    def make_tls() -> ssl.SSLContext:
        assert tls
        return tls

    async def scenario() -> None:
        outside = Outside(environment=environment or {}, make_tls=make_tls, clock=lambda: 0.0)
        async with Routes(outside, most_idle=4) as routes:
            for url in urls:
                response = await routes.handle_async_request(httpx.Request("GET", url))
                assert await response.aread() == b"ok"

    asyncio.run(scenario())


def connections(server: LoopbackServer) -> list[int]:
    """On which connection each request came."""
    return [one.request.connection for one in server.log.exchanges]


def trusting(files: TlsFiles) -> ssl.SSLContext:
    """A context that trusts a certificate under any name."""
    context = ssl.create_default_context(cafile=str(files.ca))
    context.check_hostname = False
    return context


def test_origins_have_their_own_connections() -> None:
    """Requests to two hosts in turns keep both connections."""
    with serve() as one, serve() as other:
        ask(*[f"{one.url}/v2/", f"{other.url}/v2/"] * 3)
        assert connections(one) == connections(other) == [1, 1, 1]


def test_tls_is_not_asked_for_in_vain(tls_files: TlsFiles) -> None:
    """The same host with TLS and without are two origins, each of which is reused."""
    with serve(tls_files) as secure, serve() as plain:
        ask(*[f"{secure.url}/", f"{plain.url}/"] * 2, tls=trusting(tls_files))
        assert connections(secure) == connections(plain) == [1, 1]


def test_proxy() -> None:
    """Connections to a proxy are reused too; each request names its host."""
    with serve() as proxy:
        url = "http://registry.test:5000/v2/"
        ask(url, url, environment={"HTTP_PROXY": proxy.url})
        assert connections(proxy) == [1, 1]
        assert {one.request.target for one in proxy.log.exchanges} == {url}


def test_proxy_with_tls(tls_files: TlsFiles) -> None:
    """A proxy is trusted as hosts are: by the system's store, and by --ca."""
    with serve(tls_files) as proxy:
        url = "http://registry.test:5000/v2/"
        ask(url, url, environment={"HTTP_PROXY": proxy.url}, tls=trusting(tls_files))
        assert connections(proxy) == [1, 1]


class Tunnels:
    """A proxy that knows CONNECT, and leads everybody to one port."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.asked: list[bytes] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Open a tunnel, and pass on what comes until both ends are silent."""
        self.asked.append((await reader.readuntil(b"\r\n\r\n")).splitlines()[0])
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        await asyncio.gather(self._pass_on(reader, far_writer), self._pass_on(far_reader, writer))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while chunk := await reader.read(65536):
                writer.write(chunk)
        finally:
            writer.close()


def test_tunnel(tls_files: TlsFiles) -> None:
    """A host with TLS is reached through a tunnel, which is used again."""

    async def scenario(port: int) -> list[bytes]:
        tunnels = Tunnels(port)
        proxy = await asyncio.start_server(tunnels.serve, "127.0.0.1", 0)
        address = f"http://127.0.0.1:{proxy.sockets[0].getsockname()[1]}"
        outside = Outside(
            environment={"HTTPS_PROXY": address},
            make_tls=lambda: trusting(tls_files),
            clock=lambda: 0.0,
        )
        async with proxy, Routes(outside, most_idle=4) as routes:
            for _ in range(3):
                request = httpx.Request("GET", "https://registry.test/v2/")
                response = await routes.handle_async_request(request)
                assert await response.aread() == b"ok"
        return tunnels.asked

    with serve(tls_files) as server:
        asked = asyncio.run(scenario(int(server.host.partition(":")[2])))
        assert asked == [b"CONNECT registry.test:443 HTTP/1.1"]
        assert connections(server) == [1, 1, 1]


def test_other_schemes() -> None:
    """Only http and https lead anywhere."""
    with pytest.raises(httpx.UnsupportedProtocol, match="'ftp' is neither http nor https"):
        ask("ftp://registry.test/")
