"""Layers at URLs of their own: asked for by https only, without a login, and taken up again."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace

import pytest

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from tests.registry.world import Recorder, blob_descriptor, open_registries
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import FOR_EVER, Effect, Fault, cut, redirect, status

LAYER = b"0123456789" * 10
HOST, OTHER = "files.test", "other.test"
URL = f"https://{HOST}/layer.tar.gz"
PAGE = "/layer.tar.gz"
NO_LOGIN = "; a layer's URL is asked without a login; without --foreign-layers it stays there"
REBUILD = "; build the image on a base whose layers are in registries"


def give(request: Request, _: Handler) -> Answer:
    """Answer with the layer at any path, or with the part that is asked for."""
    said = request.headers.get("range", "")
    if not said:
        return Answer(200, body=LAYER)
    first = int(said.removeprefix("bytes=").removesuffix("-"))
    headers = {"Content-Range": f"bytes {first}-{len(LAYER) - 1}/{len(LAYER)}"}
    return Answer(206, headers, LAYER[first:])


def host_of_files(*effects: Effect, times: int = 1) -> FakeRegistry:
    """A host that gives the layer, but for what becomes of its first answers, one after another."""
    host = FakeRegistry()
    host.faults += [Fault("GET", "", effect, times=times) for effect in effects]
    host.faults.append(Fault("GET", "", give))
    return host


def layer(*urls: str) -> Descriptor:
    """The layer, at some URLs."""
    return replace(blob_descriptor(LAYER), urls=urls)


def fetch(
    recorder: Recorder, hosts: Mapping[str, FakeRegistry], *urls: str, offset: int = 0
) -> bytes:
    """Stream the layer and put it together."""

    async def scenario() -> bytes:
        async with (
            open_registries(recorder, hosts, attempts=3) as registries,
            registries.elsewhere.open(layer(*urls), offset) as chunks,
        ):
            return b"".join([chunk async for chunk in chunks])

    return asyncio.run(scenario())


def error_of(recorder: Recorder, hosts: Mapping[str, FakeRegistry], *urls: str) -> tuple[str, str]:
    """Class and message of what is raised."""
    with pytest.raises(MbuildError) as raised:
        fetch(recorder, hosts, *urls)
    return type(raised.value).__name__, str(raised.value)


@pytest.fixture
def files() -> FakeRegistry:
    """The host of the layer."""
    return host_of_files()


@pytest.mark.parametrize("offset", [0, 1, 99])
def test_arrives(recorder: Recorder, files: FakeRegistry, offset: int) -> None:
    """A layer comes from its URL, by https, from the offset on."""
    assert fetch(recorder, {HOST: files}, URL, offset=offset) == LAYER[offset:]
    (exchange,) = files.log.exchanges
    assert (exchange.request.origin, exchange.request.path) == (f"https://{HOST}", PAGE)


def test_taken_up_again(recorder: Recorder) -> None:
    """A stream that breaks goes on at the byte where it stopped."""
    files = host_of_files(cut(50))
    assert fetch(recorder, {HOST: files}, URL) == LAYER
    assert [one.request.headers.get("range") for one in files.log.exchanges] == [None, "bytes=50-"]


def test_no_credentials(recorder: Recorder) -> None:
    """A challenge is not answered: nothing is sent but the one request, and no login with it."""
    files = host_of_files(status(401))
    kind, message = error_of(recorder, {HOST: files}, URL)
    assert kind == "Denied"
    assert message == f"{URL}: {HOST} answered 401 Unauthorized{NO_LOGIN}"
    (exchange,) = files.log.exchanges
    assert "authorization" not in exchange.request.headers


def test_next_url(recorder: Recorder, files: FakeRegistry) -> None:
    """Where one URL has nothing, the next is asked, and that is noted."""
    other = host_of_files(status(404))
    assert fetch(recorder, {OTHER: other, HOST: files}, f"https://{OTHER}/a", URL) == LAYER
    assert recorder.notes == [
        f"https://{OTHER}/a: {OTHER} answered 404 Not Found; the layer's next URL is asked"
    ]


def test_several_layers(recorder: Recorder, files: FakeRegistry) -> None:
    """A host that was asked before is known again."""

    async def scenario() -> int:
        async with open_registries(recorder, {HOST: files}) as registries:
            for _ in range(2):
                async with registries.elsewhere.open(layer(URL)) as chunks:
                    assert [chunk async for chunk in chunks]
            return registries.requests

    assert asyncio.run(scenario()) == 2


@pytest.mark.parametrize("code", [500, 503])
def test_failing_host(recorder: Recorder, code: int) -> None:
    """A host that fails is asked again, as a registry is."""
    files = host_of_files(status(code), times=FOR_EVER)
    kind, message = error_of(recorder, {HOST: files}, URL)
    assert (kind, len(recorder.waits)) == ("RegistryError", 2)
    assert message.startswith(f"{URL}: {HOST} answered {code} ")


def test_nobody_there(recorder: Recorder) -> None:
    """That nobody answers is said of the URL."""
    kind, message = error_of(recorder, {}, URL)
    assert kind == "TransportError"
    assert message.startswith(f"{URL}: ")


def test_redirect(recorder: Recorder, files: FakeRegistry) -> None:
    """A redirect is followed, but never to plain http."""
    other = host_of_files(redirect(f"https://{HOST}"), redirect(f"http://{HOST}"))
    hosts = {OTHER: other, HOST: files}
    assert fetch(recorder, hosts, f"https://{OTHER}/a") == LAYER
    kind, message = error_of(recorder, hosts, f"https://{OTHER}/a")
    assert kind == "ProtocolError"
    assert "sends on from https to plain http" in message


@pytest.mark.parametrize(
    "url",
    [
        f"http://{HOST}/layer",
        f"ftp://{HOST}/layer",
        f"https://user:secret@{HOST}/layer",
        "https:///layer",
        "https://\ufffe/",
        "layer",
        "",
    ],
)
def test_not_asked(recorder: Recorder, files: FakeRegistry, url: str) -> None:
    """Nothing is sent to what is no https address, or has a user in it."""
    kind, message = error_of(recorder, {HOST: files}, url)
    assert kind == "SourceError"
    assert message.startswith("a layer lies at ")
    assert message.endswith(f"; only https addresses without a user are asked{REBUILD}")
    assert not files.log.exchanges
