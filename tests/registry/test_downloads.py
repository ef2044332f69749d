"""A download goes on where it broke, by a Range request where that is answered."""

import asyncio
from dataclasses import replace
from http import HTTPStatus

import httpx
import pytest

from mbuild.errors import MbuildError
from mbuild.registry.client import Registry
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from tests.registry.world import (
    HOST,
    LATER,
    NO_REGISTRY,
    Recorder,
    ask,
    blob_descriptor,
    error_of,
    open_registries,
)
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_edges import FakeTransport, serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, cut, header, redirect, status
from tests.support.images import digest_of

BLOB = b"0123456789" * 10
DESCRIPTOR = blob_descriptor(BLOB)
OTHERS = "asked for the bytes from 50 on, the registry sent those from 51 on"
W = f"{HOST}/a/b@{DESCRIPTOR.digest}: "


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry with one blob."""
    fake = FakeRegistry()
    fake.repository("a/b").blobs[digest_of(BLOB)] = BLOB
    return fake


async def stream(registry: Registry, offset: int = 0) -> bytes:
    """Stream the blob and put it together."""
    async with registry.open_blob("a/b", DESCRIPTOR, offset) as chunks:
        return b"".join([chunk async for chunk in chunks])


def ranges(fake: FakeRegistry) -> list[str]:
    """The range that each request asked for."""
    return [one.request.headers.get("range", "") for one in fake.log.exchanges]


def no_range(request: Request, registry: Handler) -> Answer:
    """Answer as a server that knows no ranges."""
    headers = {name: value for name, value in request.headers.items() if name != "range"}
    return registry(replace(request, headers=headers))


@pytest.mark.parametrize("offset", [0, 1, 99])
def test_offset(recorder: Recorder, fake: FakeRegistry, offset: int) -> None:
    """A stream begins at its offset, and asks for no more."""
    assert ask(recorder, fake, lambda registry: stream(registry, offset)) == BLOB[offset:]
    assert ranges(fake) == [f"bytes={offset}-" if offset else ""]


@pytest.mark.parametrize("offset", [0, 1, 99])
def test_no_ranges(recorder: Recorder, fake: FakeRegistry, offset: int) -> None:
    """Of a registry that sends all of it nevertheless, the first bytes are left out."""
    fake.faults.append(Fault("GET", "", no_range))
    assert ask(recorder, fake, lambda registry: stream(registry, offset)) == BLOB[offset:]


def test_broken_ten_times(recorder: Recorder, fake: FakeRegistry) -> None:
    """Each break costs a request for the rest and one wait: attempts count anew."""
    fake.faults.append(Fault("GET", "", cut(10), times=9))
    assert ask(recorder, fake, stream, attempts=2) == BLOB
    assert ranges(fake) == ["", *(f"bytes={at}-" for at in range(10, 100, 10))]
    assert recorder.waits == [1.0] * 9


def test_broken_without_ranges(recorder: Recorder, fake: FakeRegistry) -> None:
    """Without ranges it goes on too, though the registry sends the first bytes again."""
    fake.faults += [Fault("GET", "", cut(60), times=1), Fault("GET", "", no_range)]
    assert ask(recorder, fake, stream) == BLOB


def test_many_pieces_are_left_out() -> None:
    """What comes again over a real connection, in many pieces, is left out up to the break."""
    large = BLOB * 10_000
    fake = FakeRegistry(Fault("GET", "", cut(700_001), times=1), Fault("GET", "", no_range))
    fake.repository("a/b").blobs[digest_of(large)] = large

    async def scenario(host: str) -> bytes:
        async with Registries(Settings(), sleep=Recorder().sleep) as registries:
            descriptor = blob_descriptor(large)
            async with registries.registry(host).open_blob("a/b", descriptor) as chunks:
                return b"".join([chunk async for chunk in chunks])

    with serve_fake(fake) as server:
        assert asyncio.run(scenario(server.host)) == large


def test_no_progress(recorder: Recorder, fake: FakeRegistry) -> None:
    """A stream that does not get any further is given up after the attempts there are."""
    fake.faults += [Fault("GET", "", cut(10), times=1), Fault("GET", "", cut(0))]
    assert error_of(recorder, fake, stream, attempts=3) == (
        "TransportError",
        6,
        (
            f"{W}the answer was cut short: peer closed connection without complete message body"
            f" ({HOST}), after 3 attempts{LATER}"
        ),
    )
    assert recorder.waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            status(416),
            ("RegistryError", 6, f"{W}{HOST} answered 416 {HTTPStatus(416).phrase}"),
        ),
        (
            header("Content-Range", "bytes 51-99/100"),
            (
                "ProtocolError",
                6,
                f"{W}{OTHERS}{NO_REGISTRY}",
            ),
        ),
        (
            header("Content-Range", "lines 50-99/100"),
            (
                "ProtocolError",
                6,
                f"{W}sent a part of a blob, and of it says only 'lines 50-99/100'{NO_REGISTRY}",
            ),
        ),
        (
            header("Content-Range", None),
            ("ProtocolError", 6, f"{W}sent a part of a blob, and of it says only ''{NO_REGISTRY}"),
        ),
    ],
    ids=["416", "other range", "other unit", "no range"],
)
def test_strange_parts(
    recorder: Recorder, fake: FakeRegistry, effect: Effect, expected: tuple[str, int, str]
) -> None:
    """A part that is not the one asked for is an error."""
    fake.faults.append(Fault("GET", "", effect))
    assert error_of(recorder, fake, lambda registry: stream(registry, 50)) == expected


def test_range_goes_along(recorder: Recorder, fake: FakeRegistry) -> None:
    """A stream that breaks where the blob lies is asked for where it is listed."""
    moved = FakeRegistry(Fault("GET", "", redirect("https://cdn.test")))
    fake.faults.append(Fault("GET", "", cut(30), times=1))

    async def scenario() -> bytes:
        async with open_registries(recorder, {HOST: moved, "cdn.test": fake}) as registries:
            return await stream(registries.registry(HOST))

    assert asyncio.run(scenario()) == BLOB
    assert ranges(moved) == ranges(fake) == ["", "bytes=30-"]


def test_gone_meanwhile(recorder: Recorder, fake: FakeRegistry) -> None:
    """A blob that is deleted while it is read is an error, and nothing is left open."""
    fake.faults += [Fault("GET", "", cut(30), times=1), Fault("GET", "", status(404))]
    with pytest.raises(MbuildError, match="answered 404 Not Found"):
        ask(recorder, fake, stream)


class Closing(FakeTransport):
    """Remembers which answers are open."""

    def __init__(self, fake: FakeRegistry) -> None:
        super().__init__({HOST: fake})
        self.open_now: set[httpx.Response] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the fake."""
        response = await super().handle_async_request(request)
        self.open_now.add(response)
        close = response.aclose

        async def aclose() -> None:
            self.open_now.discard(response)
            await close()

        response.aclose = aclose  # type: ignore[method-assign]  # to see it called
        return response


@pytest.mark.parametrize("effect", [header("Content-Type", "text/html"), status(404)])
def test_refused_answer_is_closed(recorder: Recorder, fake: FakeRegistry, effect: Effect) -> None:
    """An answer that is no blob holds no connection."""
    transport = Closing(fake)

    async def scenario() -> None:
        async with open_registries(recorder, {}, transport=transport) as registries:
            with pytest.raises(MbuildError) as raised:
                await stream(registries.registry(HOST))
            assert (str(raised.value)[: len(W)], transport.open_now) == (W, set())

    fake.faults.append(Fault("GET", "", effect))
    asyncio.run(scenario())
