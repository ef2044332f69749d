"""The proxy that holds everything back: it costs time, and changes nothing."""

import socket
import time

from tests.support.distance import far_away
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image, make_index
from tests.support.pushing import fetch_manifest, plain_client, push_image

INDEX = make_index(make_image(size=300_000), make_image("linux/arm64"))
ROUND_TRIP = 0.1


def test_content_passes_unchanged(registry: DockerRegistry, repository: str) -> None:
    """What is pushed through the proxy is read back beside it, byte for byte."""
    with far_away(registry.host, 0) as host:
        push_image(f"http://{host}", repository, "1", INDEX)
    assert fetch_manifest(registry.url, repository, "1").content == INDEX.manifest


def test_each_answer_takes_a_round_trip(registry: DockerRegistry) -> None:
    """An answer comes a round trip after its question; opening the connection is free."""
    with far_away(registry.host, ROUND_TRIP) as host, plain_client(f"http://{host}") as client:
        started = time.monotonic()
        assert client.get("/v2/").status_code == 200
        first = time.monotonic() - started
        assert client.get("/v2/").status_code == 200
        both = time.monotonic() - started
    assert first >= ROUND_TRIP
    assert both - first >= ROUND_TRIP


def test_a_hang_up_passes_too() -> None:
    """A registry that hangs up, or is not there, is heard of at the other end."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with far_away(f"127.0.0.1:{port}", 0.01) as host:
            name, _, near = host.partition(":")
            with socket.create_connection((name, int(near)), timeout=10) as client:
                server.accept()[0].close()
                assert client.recv(1) == b""
            server.close()
            with socket.create_connection((name, int(near)), timeout=10) as client:
                assert client.recv(1) == b""
