"""What is waited for each kind of fault, in order, and how many attempts there are: one table."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from mbuild.errors import MbuildError
from mbuild.registry.client import Registry
from tests.registry.world import (
    HOST,
    LATER,
    NOON,
    Recorder,
    blob_descriptor,
    content_of,
    open_registries,
)
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, cut, lost, lost_reply, slow, status
from tests.support.images import make_image
from tests.support.virtual_time import now, run_virtually

IMAGE = make_image()
W = f"{HOST}/team/app:1.0: "

Operation = Callable[[Registry], Awaitable[object]]


class Measured(Recorder):
    """A recorder in the time of the running loop, where sleeping takes its time."""

    async def sleep(self, seconds: float) -> None:
        """Sleep, and write it down."""
        self.waits.append(seconds)
        await asyncio.sleep(seconds)

    def clock(self) -> float:
        """Give the loop's time."""
        return now()

    def wall_clock(self) -> float:
        """Give the Unix time."""
        return NOON + now()


class Unreachable(httpx.AsyncBaseTransport):
    """A network in which no connection can be made, for a number of times."""

    def __init__(self, fake: FakeRegistry, times: int) -> None:
        self._there = FakeTransport({HOST: fake})
        self._left = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Refuse, or let through."""
        if self._left:
            self._left -= 1
            raise httpx.ConnectError("connection refused", request=request)
        return await self._there.handle_async_request(request)


async def fetch(registry: Registry) -> None:
    """Fetch a manifest."""
    await registry.fetch_manifest("team/app", "1.0")


async def put(registry: Registry) -> None:
    """Put a manifest under a new tag."""
    await registry.put_manifest("team/app", "2.0", content_of(IMAGE))


def slow_down(*waits: str) -> Effect:
    """Answer 429 with one Retry-After after the other, none where the text is empty."""
    left = list(waits)

    def effect(request: Request, registry: Handler) -> Answer:
        return status(429, retry_after=left.pop(0))(request, registry)

    return effect


def play(
    effect: Effect, times: int, operation: Operation, **settings: Any
) -> tuple[list[float], int, str]:
    """Meet a fault so many times; give the waits, the number of requests and the error."""
    recorder = Measured()
    method = "PUT" if operation is put else "GET"
    fake = FakeRegistry(Fault(method, "/manifests/", effect, times=times))
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> str:
        async with open_registries(recorder, {HOST: fake}, **settings) as registries:
            try:
                await operation(registries.registry(HOST))
            except MbuildError as error:
                return str(error)
            return ""

    error = run_virtually(scenario)
    return recorder.waits, len(fake.log.exchanges), error


THREE = [1.0, 2.0, 4.0]
IN_TWENTY_SECONDS = "Sun, 15 Jun 2025 15:07:00 GMT"
AN_HOUR_AGO = "Sun, 15 Jun 2025 14:06:40 GMT"


@pytest.mark.parametrize(
    ("effect", "operation", "waits", "requests"),
    [
        pytest.param(lost(), fetch, THREE, 4, id="reset before the answer"),
        pytest.param(lost(), put, THREE, 4 + 3, id="reset before the answer to a PUT"),
        pytest.param(lost_reply(), put, [1.0], 2, id="reply lost after the write"),
        pytest.param(cut(7), fetch, THREE, 4, id="body cut short"),
        pytest.param(status(408), fetch, THREE, 4, id="408"),
        pytest.param(status(500), fetch, THREE, 4, id="500"),
        pytest.param(status(502), fetch, THREE, 4, id="502"),
        pytest.param(status(503), fetch, THREE, 4, id="503"),
        # The third time all wait for 3 s, and this request for one more: its own wait is 4 s.
        pytest.param(status(503, retry_after=3), fetch, [3, 3, 3, 1], 4, id="503, Retry-After"),
        pytest.param(status(500, retry_after=3), fetch, [3, 3, 4], 4, id="500, Retry-After"),
        pytest.param(status(504), fetch, THREE, 4, id="504"),
        pytest.param(status(429), fetch, THREE, 4, id="429"),
        pytest.param(slow_down("12", "0", "600"), fetch, [12, 2, 600], 4, id="429 with seconds"),
        pytest.param(
            slow_down(IN_TWENTY_SECONDS, AN_HOUR_AGO, "soon"),
            fetch,
            [20, 2, 4],
            4,
            id="429 with a date to come, a past one, and none",
        ),
    ],
)
def test_waits(effect: Effect, operation: Operation, waits: list[float], requests: int) -> None:
    """A fault that is met three times costs these waits, and ends well."""
    assert play(effect, 3, operation) == (waits, requests, "")


def test_no_connection() -> None:
    """A connection that cannot be made is waited for like any other fault."""
    recorder = Measured()
    fake = FakeRegistry()
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> int:
        transport = Unreachable(fake, 3)
        async with open_registries(recorder, {}, transport=transport) as registries:
            await fetch(registries.registry(HOST))
            return registries.requests

    assert run_virtually(scenario) == 1  # what was never sent is no request
    assert recorder.waits == THREE


BACKOFF = [1.0, 2.0, 4.0, 8.0, 16.0]
BUSY = f"{W}{HOST} answered 503 Service Unavailable"
RATE = f"{W}{HOST} answered 429 Too Many Requests"


@pytest.mark.parametrize(
    ("effect", "settings", "waits", "requests", "message"),
    [
        pytest.param(
            status(503), {}, BACKOFF, 6, f"{BUSY}, after 6 attempts; try again later", id="six"
        ),
        pytest.param(
            status(503),
            {"attempts": 9},
            [*BACKOFF, 30, 30, 30],
            9,
            f"{BUSY}, after 9 attempts; try again later",
            id="nine",
        ),
        pytest.param(
            status(429, retry_after=7),
            {"attempts": 3},
            [7, 7],
            3,
            f"{RATE}, after 3 attempts; try again later",
            id="429 to the end",
        ),
        pytest.param(
            lost(),
            {"attempts": 2},
            [1],
            2,
            f"{W}the connection broke while reading: connection reset by peer ({HOST}),"
            f" after 2 attempts{LATER}",
            id="reset to the end",
        ),
        pytest.param(
            status(429, retry_after=601),
            {},
            [],
            1,
            f"{RATE}, and asks to wait 601 s, longer than the 600 s that mbuild waits;"
            " try again later",
            id="a wait that is too long",
        ),
        pytest.param(
            status(429, retry_after="Mon, 16 Jun 2025 15:06:40 GMT"),
            {},
            [],
            1,
            f"{RATE}, and asks to wait 86400 s, longer than the 600 s that mbuild waits;"
            " try again later",
            id="a date that is too far",
        ),
        pytest.param(
            status(503),
            {"deadline": 10},
            [1, 2, 4],
            4,
            f"{BUSY}, after 4 attempts; the deadline of 10 s leaves no time for another;"
            " try again later",
            id="a deadline",
        ),
        pytest.param(
            status(503, retry_after=11),
            {"deadline": 10},
            [],
            1,
            f"{BUSY}, and asks to wait 11 s, longer than the deadline of 10 s allows;"
            " try again later",
            id="a wait beyond the deadline",
        ),
    ],
)
def test_waits_to_no_avail(
    effect: Effect, settings: dict[str, Any], waits: list[float], requests: int, message: str
) -> None:
    """A fault that stays costs these waits, and ends in an error that says so."""
    assert play(effect, 99, fetch, **settings) == (waits, requests, message)


def test_a_slow_host_at_the_deadline() -> None:
    """A request under way when the deadline comes is ended then, and not repeated."""
    waits, _, message = play(slow(30), 1, fetch, deadline=20)
    assert waits == []
    assert message.startswith(f"{W}not done within the deadline of 20 s")


def test_a_cut_error_to_a_stream() -> None:
    """An error whose body breaks off, where a blob was to be streamed, is tried again too."""
    recorder = Measured()
    blob = b"x" * 100
    descriptor = blob_descriptor(blob)

    def cut_error(request: Request, registry: Handler) -> Answer:
        return cut(3)(request, lambda asked: status(503, "BUSY")(asked, registry))

    fake = FakeRegistry(Fault("GET", "/blobs/", cut_error, times=2))
    fake.repository("team/app").blobs[str(descriptor.digest)] = blob

    async def scenario() -> bytes:
        async with (
            open_registries(recorder, {HOST: fake}) as registries,
            registries.registry(HOST).open_blob("team/app", descriptor) as chunks,
        ):
            return b"".join([chunk async for chunk in chunks])

    assert run_virtually(scenario) == blob
    assert recorder.waits == [1.0, 2.0]
    assert recorder.retries[0].why.startswith("the answer was cut short")
