"""Copies over connections that break in the middle: they go on, and send little twice."""

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from functools import partial

import httpx
import pytest

from mbuild.oci.reference import parse_any_reference
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.registry.source import CheckedSource
from mbuild.store.stores import Stores
from tests.support.breaking import Breaking, breaking
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.images import digest_of
from tests.support.pushing import plain_client, push_blob
from tests.support.values import blob_descriptor

MB = 1024 * 1024
LARGE = random.Random(4).randbytes(MB) * 200
SMALL = LARGE[: 40 * MB]
TEN_BREAKS = (100 * MB, *[3 * MB] * 9)


async def no_sleep(_: float) -> None:
    """Let no time pass between attempts."""
    await asyncio.sleep(0)


@asynccontextmanager
async def stores(attempts: int) -> AsyncIterator[Stores]:
    """Stores of a run that does not wait between its attempts."""
    async with Registries(Settings(attempts=attempts), sleep=no_sleep) as registries:
        yield Stores(registries)


async def copy(layer: bytes, source: str, target: str) -> None:
    """Copy the layer from repository to repository, as a transfer does."""
    blob = blob_descriptor(layer)
    async with stores(attempts=3) as opened:
        reading = opened.open(parse_any_reference(source))
        writing = opened.open_target(parse_any_reference(target))
        checked = CheckedSource(blob, partial(reading.open_blob, blob), where=source)
        await writing.upload_blob(blob, checked)


@contextmanager
def serve_layer(layer: bytes = b"") -> Iterator[tuple[FakeRegistry, str]]:
    """Serve a registry that has the layer in `team/app`, or nothing."""
    fake = FakeRegistry()
    if layer:
        fake.repository("team/app").blobs[digest_of(layer)] = layer
    with serve_fake(fake) as server:
        yield fake, server.host


def check_there(registry: DockerRegistry, repository: str, layer: bytes) -> None:
    """Hold a real registry to having the layer."""
    url = f"{registry.url}/v2/{repository}/blobs/{digest_of(layer)}"
    assert digest_of(httpx.get(url, timeout=60, trust_env=False).content) == digest_of(layer)


def test_ten_broken_downloads(registry: DockerRegistry, repository: str) -> None:
    """Of 200 MB that break ten times half way, little is read twice, and all is sent once."""

    async def scenario(host: str) -> Breaking:
        async with breaking(host, TEN_BREAKS) as proxy:
            await copy(LARGE, f"{proxy.host}/team/app", f"{registry.host}/{repository}")
        return proxy

    with serve_layer(LARGE) as (fake, host):
        proxy = asyncio.run(scenario(host))
    assert proxy.broken == 10
    assert len(LARGE) <= proxy.passed <= 1.1 * len(LARGE)
    assert len(fake.log.exchanges) == 11
    check_there(registry, repository, LARGE)


def test_ten_broken_uploads() -> None:
    """Of 200 MB that break ten times half way to the target, little is sent twice."""

    async def scenario(source: str, target: str) -> Breaking:
        async with breaking(target, TEN_BREAKS, is_upload=True) as proxy:
            await copy(LARGE, f"{source}/team/app", f"{proxy.host}/team/app")
        return proxy

    with serve_layer(LARGE) as (_, source), serve_layer() as (fake, target):
        proxy = asyncio.run(scenario(source, target))
    assert proxy.broken == 10
    assert len(LARGE) <= proxy.passed <= 1.1 * len(LARGE)
    assert fake.repository("team/app").blobs[digest_of(LARGE)] == LARGE


@pytest.mark.parametrize("is_upload", [False, True], ids=["read", "written"])
def test_real_registry(registry: DockerRegistry, repository: str, *, is_upload: bool) -> None:
    """Between real registries the layer arrives, though one before version 3 is sent it anew."""
    push_blob_to(registry, repository, SMALL)

    async def scenario() -> int:
        async with breaking(registry.host, [20 * MB], is_upload=is_upload) as proxy:
            source = f"{registry.host if is_upload else proxy.host}/{repository}"
            target = f"{proxy.host if is_upload else registry.host}/{repository}/copy"
            await copy(SMALL, source, target)
        return proxy.passed

    passed = asyncio.run(scenario())
    assert len(SMALL) <= passed <= (1.6 if is_upload else 1.1) * len(SMALL)
    check_there(registry, f"{repository}/copy", SMALL)


def push_blob_to(registry: DockerRegistry, repository: str, layer: bytes) -> None:
    """Put the layer into a real registry."""
    with plain_client(registry.url) as client:
        push_blob(client, repository, layer)
