"""A world for the registry's tests: time that only passes when it is slept, hosts that are fakes."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Any, TypeVar

import httpx
import pytest

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.oci.manifest import Content
from mbuild.registry.client import Registry
from mbuild.registry.observer import Exchange, Retry
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.registry.source import OpenSource
from tests.support.exchange import Answer, Request, RequestLog
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.images import Image, Index, digest_of

T = TypeVar("T")

HOST = "registry.test"
NOON = 1_750_000_000.0

LOGIN = f"; no login for it was found: log in with `docker login {HOST}`"
DAMAGED = "; try again; if it stays, what holds it is damaged, or something on the way changes it"
NO_REGISTRY = "; check that the name is that of a registry and of an image in it"
LATER = "; try again later; -vv shows each request"
TELL = "; try again; if it stays, tell whoever runs the registry"


class Recorder:
    """An observer that writes down what it is told, and a clock that sleeping moves."""

    def __init__(self) -> None:
        self.exchanges: list[Exchange] = []
        self.retries: list[Retry] = []
        self.warnings: list[str] = []
        self.told: list[str] = []
        self.notes: list[str] = []
        self.waits: list[float] = []
        self.now = 0.0

    def on_request(self, exchange: Exchange) -> None:
        """Write down a request."""
        self.exchanges.append(exchange)

    def on_retry(self, retry: Retry) -> None:
        """Write down a retry."""
        self.retries.append(retry)

    def on_wait(self, text: str) -> None:
        """Write down why all wait."""
        self.told.append(text)

    def on_note(self, text: str) -> None:
        """Write down a way that was taken."""
        self.notes.append(text)

    def on_warning(self, text: str) -> None:
        """Write down a warning."""
        self.warnings.append(text)

    async def sleep(self, seconds: float) -> None:
        """Let time pass at once."""
        self.waits.append(seconds)
        self.now += seconds

    def clock(self) -> float:
        """Give the time since the beginning."""
        return self.now

    def wall_clock(self) -> float:
        """Give the Unix time."""
        return NOON + self.now


class Scripted(FakeRegistry):
    """A host whose answers come from one function: a token service, or a strange registry."""

    def __init__(self, answer: Callable[[Request], Answer]) -> None:
        super().__init__()
        self.log = RequestLog()
        self._answer = answer

    def handle(self, request: Request) -> Answer:
        """Answer by the function."""
        return self._answer(request)


def open_registries(
    recorder: Recorder,
    hosts: Mapping[str, FakeRegistry],
    *,
    transport: httpx.AsyncBaseTransport | None = None,
    **settings: Any,
) -> Registries:
    """Make Registries whose network is `hosts`."""
    return Registries(
        Settings(**settings),
        observer=recorder,
        sleep=recorder.sleep,
        clock=recorder.clock,
        wall_clock=recorder.wall_clock,
        make_transport=lambda _host: transport or FakeTransport(hosts),
        random=lambda: 0.5,
    )


def content_of(image: Image | Index) -> Content:
    """The manifest of a made image, as the code under test takes it."""
    return Content(image.media_type, parse_digest(image.digest), image.manifest)


def blob_descriptor(blob: bytes, *, size: int | None = None) -> Descriptor:
    """The descriptor of a blob, perhaps with a size that is wrong."""
    digest = parse_digest(digest_of(blob))
    return Descriptor("application/octet-stream", digest, len(blob) if size is None else size)


def source_of(*chunks: bytes, error: Exception | None = None) -> OpenSource:
    """A blob's source that gives chunks, and then perhaps fails."""

    @asynccontextmanager
    async def open_source(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        yield give(offset)

    async def give(offset: int) -> AsyncIterator[bytes]:
        for chunk in chunks:
            if chunk[offset:]:
                yield chunk[offset:]
            offset = max(0, offset - len(chunk))
        if error:
            raise error

    return open_source


def ask(
    recorder: Recorder,
    fake: FakeRegistry,
    question: Callable[[Registry], Awaitable[T]],
    **settings: Any,
) -> T:
    """Ask the registry one thing."""

    async def scenario() -> T:
        async with open_registries(recorder, {HOST: fake}, **settings) as registries:
            before = len(fake.log.exchanges)
            result = await question(registries.registry(HOST))
            assert registries.requests == len(fake.log.exchanges) - before
            return result

    return asyncio.run(scenario())


def error_of(
    recorder: Recorder,
    fake: FakeRegistry,
    question: Callable[[Registry], Awaitable[object]],
    **settings: Any,
) -> tuple[str, int, str]:
    """Class, exit code and whole message of what is raised."""
    with pytest.raises(MbuildError) as raised:
        ask(recorder, fake, question, **settings)
    return type(raised.value).__name__, raised.value.exit_code, str(raised.value)
