"""The proxy that counts: it changes nothing, and its rounds do not depend on speed."""

import socket
from concurrent.futures import ThreadPoolExecutor

import httpx

from tests.support.docker_registry import DockerRegistry
from tests.support.exchange import depths, most_at_once
from tests.support.images import make_image, make_index
from tests.support.pushing import fetch_manifest, plain_client, push_image
from tests.support.wire import listen_at_the_wire

INDEX = make_index(make_image(), make_image("linux/arm64"))


def test_content_passes_unchanged(registry: DockerRegistry, repository: str) -> None:
    """What is pushed through the proxy is read back through it and beside it, byte for byte."""
    with listen_at_the_wire(registry.url, settle=0.01) as wire:
        push_image(f"http://{wire.host}", repository, "1", INDEX)
        through = fetch_manifest(f"http://{wire.host}", repository, "1")
        beside = fetch_manifest(registry.url, repository, "1")
        asked = [exchange.path for exchange in wire.exchanges if exchange.method == "POST"]
    assert through.content == beside.content == INDEX.manifest
    assert through.headers["docker-content-digest"] == INDEX.digest
    assert asked == [f"/v2/{repository}/blobs/uploads/"] * 4


def test_a_header_in_several_lines(registry: DockerRegistry, repository: str) -> None:
    """What a client accepts line by line, the registry is told whole."""
    push_image(registry.url, repository, "1", INDEX)
    accept = [("Accept", INDEX.media_type), ("Accept", "application/json")]
    with (
        listen_at_the_wire(registry.url, settle=0.01) as wire,
        plain_client(f"http://{wire.host}") as client,
    ):
        assert client.get(f"/v2/{repository}/manifests/1", headers=accept).content == INDEX.manifest


def test_head_keeps_the_length(registry: DockerRegistry, repository: str) -> None:
    """The length in an answer to HEAD is the registry's."""
    push_image(registry.url, repository, "1", INDEX)
    with (
        listen_at_the_wire(registry.url, settle=0.01) as wire,
        plain_client(f"http://{wire.host}") as client,
    ):
        accept = {"Accept": INDEX.media_type}
        answer = client.head(f"/v2/{repository}/manifests/1", headers=accept)
    assert int(answer.headers["content-length"]) == INDEX.size


def test_rounds(registry: DockerRegistry) -> None:
    """Eight requests side by side are one round trip, and those after them the next."""
    with (
        listen_at_the_wire(registry.url) as wire,
        plain_client(f"http://{wire.host}") as client,
        ThreadPoolExecutor(8) as threads,
    ):

        def ask(_: int) -> httpx.Response:
            return client.get("/v2/")

        list(threads.map(ask, range(8)))
        list(threads.map(ask, range(3)))
        assert depths(wire.exchanges) == [1] * 8 + [2] * 3
        assert wire.round_trips == 2
        assert most_at_once(wire.exchanges) == 8
        assert wire.report.splitlines()[-1] == "2 GET /v2/ 200"


def test_handshakes_are_no_requests(registry: DockerRegistry) -> None:
    """A client that tries TLS is told that there is none; this is counted apart."""
    with listen_at_the_wire(registry.url) as wire:
        name, _, port = wire.host.partition(":")
        with socket.create_connection((name, int(port))) as connection:
            connection.sendall(b"\x16\x03\x01\x00\x05hello")
            assert connection.makefile("rb").read().startswith(b"HTTP/1.1 400 ")
        assert wire.server
        assert (wire.exchanges, wire.server.handshakes) == ((), 1)
