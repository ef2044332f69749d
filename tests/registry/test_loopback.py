"""Over real sockets: this machine is tried with TLS, and only "that is not TLS" falls back."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from mbuild.errors import MbuildError
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from tests.registry.world import Recorder, content_of
from tests.support.certificates import TlsFiles
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.images import make_image
from tests.support.loopback import LoopbackServer

IMAGE = make_image()


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry with one image."""
    fake = FakeRegistry()
    fake.put("team/app", "1.0", IMAGE)
    return fake


def fetch(host: str, *, times: int = 1, **settings: Any) -> int:
    """Fetch the image's manifest several times at once; give the number of requests."""

    async def scenario() -> int:
        known = Settings(**{"attempts": 1, **settings})
        async with Registries(known, observer=Recorder()) as registries:
            registry = registries.registry(host)
            async with asyncio.TaskGroup() as group:
                tasks = [
                    group.create_task(registry.fetch_manifest("team/app", "1.0"))
                    for _ in range(times)
                ]
            assert {task.result() for task in tasks} == {content_of(IMAGE)}
            return registries.requests

    return asyncio.run(scenario())


def error_of(host: str, **settings: Any) -> str:
    """The whole message of a fetch that fails."""
    with pytest.raises(ExceptionGroup) as raised:
        fetch(host, **settings)
    (error,) = raised.value.exceptions
    assert isinstance(error, MbuildError)
    assert error.exit_code == 6
    return str(error)


def test_plain(fake: FakeRegistry) -> None:
    """However many requests wait, TLS is tried once, and costs no request."""
    with serve_fake(fake) as server:
        assert fetch(server.host, times=10) == 10
        assert server.handshakes == 1


def test_plain_http(fake: FakeRegistry) -> None:
    """A host named by the user is not tried with TLS."""
    with serve_fake(fake) as server:
        assert fetch(server.host, plain_http=frozenset({server.host})) == 1
        assert server.handshakes == 0


def test_tls(fake: FakeRegistry, tls_files: TlsFiles) -> None:
    """A host that speaks TLS is asked at its root, once, and stays on TLS."""
    with serve_fake(fake, tls=tls_files) as server:
        assert fetch(server.host, times=10, ca_file=str(tls_files.ca)) == 11
        assert server.handshakes == 0
    assert {one.request.connection > 0 for one in fake.log.exchanges} == {True}


def test_certificate_error_never_falls_back(fake: FakeRegistry, tls_files: TlsFiles) -> None:
    """An untrusted certificate is an error, on this machine too."""
    with serve_fake(fake, tls=tls_files) as server:
        host = server.host
        assert error_of(host, attempts=6) == (
            f"{host}/team/app:1.0: the certificate of {host} is not trusted: unable to get local"
            " issuer certificate; give the certificate authority with --ca FILE, or add it to"
            " the system's store"
        )
    assert fake.log.exchanges == ()


def test_connection_refused() -> None:
    """A dead port is a dead port, and not taken for one without TLS."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        assert error_of(host) == (
            f"{host}/team/app:1.0: cannot connect: connection refused ({host});"
            " check the registry's name, its port and the network"
        )


@contextmanager
def hang_up() -> Iterator[str]:
    """A host that closes every connection at once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            while True:
                try:
                    connection, _ = listener.accept()
                except OSError:
                    return
                connection.close()

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def test_hanging_up_is_not_plain_http() -> None:
    """A host that hangs up has not said that it speaks no TLS."""
    with hang_up() as host:
        assert "cannot connect: " in error_of(host)


def test_proxy_is_not_asked_for_this_machine(fake: FakeRegistry) -> None:
    """This machine is reached directly, whatever the environment says."""
    environment = {"HTTP_PROXY": "http://127.0.0.1:1", "HTTPS_PROXY": "http://127.0.0.1:1"}
    with serve_fake(fake) as server:
        assert fetch(server.host, environment=environment) == 1


def test_proxy(fake: FakeRegistry) -> None:
    """A host elsewhere is asked for through the proxy of the environment."""
    with serve_fake(fake) as proxy:
        plain = frozenset({"registry.test:5000"})
        environment = {"HTTP_PROXY": proxy.url}
        fetch("registry.test:5000", plain_http=plain, environment=environment)
        assert _targets(proxy) == ["http://registry.test:5000/v2/team/app/manifests/1.0"]


def _targets(server: LoopbackServer) -> list[str]:
    return [one.request.target for one in server.log.exchanges]


@pytest.mark.parametrize(
    "proxy", ["socks5://127.0.0.1:1", "ftp://x", "http://u:p@127.0.0.1:65536", "http://[::1"]
)
def test_proxy_that_cannot_be(proxy: str) -> None:
    """A proxy that cannot be used is named, without its password."""
    plain = frozenset({"registry.test"})
    with pytest.raises(ExceptionGroup) as raised:
        fetch("registry.test", plain_http=plain, environment={"HTTP_PROXY": proxy})
    assert str(raised.value.exceptions[0]) == (
        "the proxy for http cannot be used: it must be http://HOST:PORT or https://HOST:PORT"
    )


def test_connections_are_reused(fake: FakeRegistry) -> None:
    """Requests one after another share a connection."""

    async def scenario(host: str) -> None:
        async with Registries(Settings()) as registries:
            registry = registries.registry(host)
            for _ in range(3):
                await registry.fetch_manifest("team/app", "1.0")
                await registry.head_manifest("team/app", "1.0")
                await registry.put_manifest("team/app", "2.0", content_of(IMAGE))

    with serve_fake(fake) as server:
        asyncio.run(scenario(server.host))
    assert len({one.request.connection for one in fake.log.exchanges}) == 1
