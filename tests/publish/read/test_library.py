"""What a run has read: once however many ask, the same for the whole run, bounded in memory."""

import asyncio

import pytest

from mbuild.errors import NotFound
from mbuild.publish.read.library import Library
from tests.publish.world import APP, BUILDS, World, run
from tests.support.images import make_image
from tests.support.values import blob_descriptor, content_of

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
CONFIG = blob_descriptor(AMD64.config)


@pytest.fixture
def world() -> World:
    """A repository with two images."""
    world = World()
    world[APP].put("amd64", AMD64)
    world[APP].put("arm64", ARM64)
    return world


def test_together(world: World) -> None:
    """Many that ask at once make one request, by tag, by digest and of a blob."""

    async def work() -> None:
        library = Library()
        found = await asyncio.gather(*(library.manifest(world[APP], "amd64") for _ in range(3)))
        assert found == [content_of(AMD64)] * 3
        await asyncio.gather(*(library.manifest(world[APP], ARM64.digest) for _ in range(3)))
        await asyncio.gather(
            *(library.blob(world[APP], CONFIG, of=content_of(AMD64).digest) for _ in range(3))
        )

    run(work)
    assert world.calls() == [
        "fetch_manifest app amd64",
        f"fetch_manifest app {ARM64.digest}",
        f"fetch_blob app {CONFIG.digest}",
    ]


def test_one_answer_for_the_run(world: World) -> None:
    """What a tag held when it was first asked for stands, however it was asked."""

    async def work() -> None:
        library = Library()
        first = await library.descriptor(world[APP], "amd64")
        world[APP].put("amd64", ARM64)
        assert await library.manifest(world[APP], "amd64") == content_of(AMD64)
        assert await library.descriptor(world[APP], "amd64") == first
        assert first == content_of(AMD64).descriptor()

    run(work)
    assert world.calls() == ["head_manifest app amd64", f"fetch_manifest app {AMD64.digest}"]


def test_moved_between_head_and_get(world: World) -> None:
    """Of a HEAD and a GET that are under way together, the one answered first stands."""

    async def work() -> None:
        library = Library()
        head = asyncio.create_task(library.descriptor(world[APP], "amd64"))
        fetch = asyncio.create_task(library.manifest(world[APP], "amd64"))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        first = await head
        assert first
        assert (await fetch).digest == first.digest

    run(work)

    async def moved() -> None:
        library = Library()
        library.learn(world[APP], "amd64", content_of(ARM64))
        content = await library._by_tag(world[APP], "amd64")
        assert content == content_of(ARM64)

    run(moved)


def test_failures_are_remembered(world: World) -> None:
    """A failure is raised again for whoever asks for the same, without another request."""

    async def work() -> None:
        library = Library()
        for _ in range(2):
            with pytest.raises(NotFound, match="no such manifest"):
                await library.manifest(world[APP], "absent")
        assert await library.descriptor(world[BUILDS], "absent") is None

    run(work)
    assert world.calls("fetch_manifest") == ["fetch_manifest app absent"]


def test_memory_is_bounded(world: World) -> None:
    """The least recently used bytes go first, and are fetched again by their digest."""
    one = len(AMD64.manifest)

    async def work() -> None:
        library = Library(max_held=one + len(AMD64.config))
        await library.manifest(world[APP], "amd64")
        await library.blob(world[APP], CONFIG, of=content_of(AMD64).digest)
        await library.manifest(world[APP], AMD64.digest)
        await library.manifest(world[APP], "arm64")
        await library.manifest(world[APP], "amd64")
        await library.blob(world[APP], CONFIG, of=content_of(AMD64).digest)

    run(work)
    assert world.calls() == [
        "fetch_manifest app amd64",
        f"fetch_blob app {CONFIG.digest}",
        "fetch_manifest app arm64",
        f"fetch_manifest app {AMD64.digest}",
        f"fetch_blob app {CONFIG.digest}",
    ]


def test_what_is_to_come(world: World) -> None:
    """What a repository will hold is read where it is now, and its tag is known beforehand."""

    async def work() -> None:
        library = Library()
        library.learn(world[BUILDS], "1.0", content_of(AMD64))
        for digest in (content_of(ARM64).digest, content_of(AMD64).digest):
            library.lend(world[BUILDS], digest, world[APP])
        assert await library.manifest(world[BUILDS], "1.0") == content_of(AMD64)
        assert await library.manifest(world[BUILDS], ARM64.digest) == content_of(ARM64)
        assert (
            await library.blob(world[BUILDS], CONFIG, of=content_of(AMD64).digest) == AMD64.config
        )

    run(work)
    assert [call.split()[1] for call in world.calls()] == ["app", "app"]


def test_what_is_to_come_stays(world: World) -> None:
    """What a tag will hold is nowhere else yet: it is held, however much is read after it."""

    async def work() -> None:
        library = Library(max_held=1)
        library.learn(world[BUILDS], "1.0", content_of(AMD64))
        await library.manifest(world[APP], "arm64")
        assert await library.manifest(world[BUILDS], "1.0") == content_of(AMD64)

    run(work)
    assert world.calls() == ["fetch_manifest app arm64"]
