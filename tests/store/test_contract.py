"""One contract that every store keeps: a layout, an archive, a repository, and the memory store of the tests."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from mbuild.errors import IntegrityError, MbuildError, NotFound, RegistryError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.manifest import Content
from mbuild.oci.reference import ArchiveReference, parse_reference
from mbuild.oci.referrers import referrer_descriptor
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.store.cache import Cache
from mbuild.store.layout import LayoutStore
from mbuild.store.packing.bundle import Bundle
from mbuild.store.packing.target import ArchiveTarget
from mbuild.store.repository import RepositoryStore
from mbuild.store.store import Store
from tests.store.cache_world import Shelf
from tests.support.artifacts import make_referrer
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.images import digest_of, make_image, make_index
from tests.support.memory_store import MemoryStore
from tests.support.values import blob_descriptor, content_of, stream_of

T = TypeVar("T")
Opening = Callable[[], AbstractAsyncContextManager[Store]]

IMAGE = make_image("linux/amd64", layers=2)
INDEX = make_index(IMAGE, make_image("linux/arm64"))
ABSENT = digest_of(b"absent")
ABSENT_BLOB = Descriptor("application/octet-stream", parse_digest(ABSENT), 6)


@pytest.fixture(params=["layout", "archive", "repository", "cached", "memory"])
def opening(request: pytest.FixtureRequest, tmp_path: Path) -> Opening:
    """Each kind of store in turn, empty."""

    @asynccontextmanager
    async def repository(cache: Cache | None = None) -> AsyncIterator[Store]:
        reference = parse_reference("registry.test/team/app")
        hosts = {"registry.test": fake}
        async with Registries(
            Settings(attempts=1), make_transport=lambda _host: FakeTransport(hosts)
        ) as registries:
            yield RepositoryStore(registries.registry(reference.domain), reference, cache=cache)

    @asynccontextmanager
    async def cached() -> AsyncIterator[Store]:
        with Shelf(tmp_path).open() as cache:
            async with repository(cache) as store:
                yield store

    @asynccontextmanager
    async def ready(store: Store) -> AsyncIterator[Store]:
        yield store

    @asynccontextmanager
    async def archive() -> AsyncIterator[Store]:
        bundle = Bundle(ArchiveReference("oci-archive", str(tmp_path / "app.tar")))
        yield ArchiveTarget(bundle)
        await bundle.close()

    fake = FakeRegistry()
    memory = MemoryStore()
    layout = LayoutStore(str(tmp_path / "layout"))
    openings: dict[str, Opening] = {
        "layout": lambda: ready(layout),
        "archive": archive,
        "repository": repository,
        "cached": cached,
        "memory": lambda: ready(memory),
    }
    return openings[request.param]


def run(opening: Opening, use: Callable[[Store], Awaitable[T]]) -> T:
    """Use the store."""

    async def main() -> T:
        async with opening() as store:
            return await use(store)

    return asyncio.run(main())


def error_of(opening: Opening, use: Callable[[Store], Awaitable[object]]) -> MbuildError:
    """What is raised."""
    with pytest.raises(MbuildError) as raised:
        run(opening, use)
    return raised.value


async def push(store: Store) -> None:
    """Put the images by digest, then the index by digest and tag."""
    for image in INDEX.children:
        for blob in image.blobs:
            await store.upload_blob(blob_descriptor(blob), stream_of(blob[:10], blob[10:]))
        await store.put_manifest(image.digest, content_of(image))
    await store.put_manifest(INDEX.digest, content_of(INDEX))
    await store.put_manifest("1.0", content_of(INDEX))


def test_write_and_read(opening: Opening) -> None:
    """What was put is there under tag and digest, byte for byte, and reads back."""

    async def use(store: Store) -> tuple[list[Content], list[Descriptor | None], object]:
        await push(store)
        names = ("1.0", INDEX.digest, IMAGE.digest)
        fetched = [await store.fetch_manifest(name) for name in names]
        return (
            fetched,
            [await store.head_manifest(name) for name in names],
            await store.read_back("1.0"),
        )

    expected = [content_of(INDEX), content_of(INDEX), content_of(IMAGE)]
    fetched, heads, held = run(opening, use)
    assert fetched == expected
    assert heads == [content.descriptor() for content in expected]
    assert str(held) == INDEX.digest


def test_tag_moves(opening: Opening) -> None:
    """A tag that is put again holds the new manifest, and the old one stays by its digest."""

    async def use(store: Store) -> tuple[object, Descriptor | None]:
        await push(store)
        await store.put_manifest("1.0", content_of(IMAGE))
        return await store.read_back("1.0"), await store.head_manifest(INDEX.digest)

    held, old = run(opening, use)
    assert str(held) == IMAGE.digest
    assert old == content_of(INDEX).descriptor()


def test_put_tagged(opening: Opening) -> None:
    """A manifest with tags is there by its digest, and every tag that is said to be taken holds it."""

    async def use(store: Store) -> tuple[frozenset[str], list[str], object]:
        await push(store)
        taken = await store.put_tagged(content_of(IMAGE), ("1.0", "new"))
        held = [str(await store.read_back(tag)) for tag in sorted(taken)]
        return taken, held, await store.read_back(IMAGE.digest)

    taken, held, by_digest = run(opening, use)
    assert taken <= {"1.0", "new"}
    assert held == [IMAGE.digest] * len(taken)
    assert str(by_digest) == IMAGE.digest


def test_list_tags(opening: Opening) -> None:
    """Tags are listed, each once; a store without anything has none."""

    async def use(store: Store) -> tuple[tuple[str, ...], tuple[str, ...]]:
        before = await store.list_tags()
        await push(store)
        await store.put_manifest("2.0", content_of(INDEX))
        await store.put_manifest("2.0", content_of(IMAGE))
        return before, await store.list_tags()

    before, after = run(opening, use)
    assert (before, sorted(after)) == ((), ["1.0", "2.0"])


def test_referrers(opening: Opening) -> None:
    """What was put as a referrer is listed, with its type, for its subject alone.

    A store that does not list it by itself does when it is told to.
    """

    async def use(store: Store) -> list[tuple[Descriptor, ...]]:
        before = await store.list_referrers(subject)
        for blob in sbom.blobs:
            await store.upload_blob(blob_descriptor(blob), stream_of(blob))
        if not await store.put_referrer(subject, content_of(sbom)):
            await store.add_referrers(subject, (entry,))
        other = parse_digest(INDEX.digest)
        return [before, await store.list_referrers(subject), await store.list_referrers(other)]

    subject, sbom = parse_digest(IMAGE.digest), make_referrer(IMAGE)
    entry = referrer_descriptor(content_of(sbom))
    assert run(opening, use) == [(), (entry,), ()]


def test_delete_tag(opening: Opening) -> None:
    """A deleted tag is gone alone: its manifest and other tags of it stay; or nothing happens."""

    async def use(store: Store) -> tuple[bool, list[object]]:
        await push(store)
        await store.put_manifest("2.0", content_of(INDEX))
        is_deleted = await store.delete_tag("2.0")
        return is_deleted, [await store.read_back(one) for one in ("1.0", "2.0", INDEX.digest)]

    is_deleted, held = run(opening, use)
    there = parse_digest(INDEX.digest)
    assert held == [there, None if is_deleted else there, there]


@pytest.mark.parametrize("reference", ["absent", ABSENT])
@pytest.mark.parametrize("is_filled", [True, False], ids=["filled", "empty"])
def test_absent(opening: Opening, reference: str, is_filled: bool) -> None:
    """What is not there is None when only asked for, in an empty store too, and NotFound else."""

    async def head(store: Store) -> Descriptor | None:
        if is_filled:
            await push(store)
        return await store.head_manifest(reference)

    assert run(opening, head) is None
    assert isinstance(error_of(opening, lambda store: store.fetch_manifest(reference)), NotFound)


@pytest.mark.parametrize("is_filled", [True, False], ids=["filled", "empty"])
def test_absent_tag_and_blob(opening: Opening, is_filled: bool) -> None:
    """Neither an absent tag nor an absent blob is an error to ask for."""

    async def use(store: Store) -> tuple[object, bool, bool]:
        if is_filled:
            await push(store)
        return (
            await store.read_back("absent"),
            await store.has_blob(ABSENT_BLOB),
            await store.mount_blob(parse_digest(ABSENT), "other/app"),
        )

    assert run(opening, use) == (None, False, False)


def test_blob(opening: Opening) -> None:
    """A blob that was uploaded is there, whole or as a stream."""
    blob = bytes(range(256)) * 9

    async def use(store: Store) -> tuple[bool, bytes, bytes]:
        descriptor = blob_descriptor(blob)
        await store.upload_blob(descriptor, stream_of(blob))
        async with store.open_blob(descriptor) as chunks:
            streamed = b"".join([chunk async for chunk in chunks])
        return await store.has_blob(descriptor), await store.fetch_blob(descriptor), streamed

    assert run(opening, use) == (True, blob, blob)


def test_measured_blob(opening: Opening) -> None:
    """A blob's size can be asked for, and its bytes read and hashed, without its being fetched."""
    blob = bytes(range(256)) * 9

    async def use(store: Store) -> tuple[int | None, tuple[int, Digest]]:
        descriptor = blob_descriptor(blob)
        await store.upload_blob(descriptor, stream_of(blob))
        return await store.blob_size(descriptor.digest), await store.hash_blob(descriptor)

    assert run(opening, use) == (2304, (2304, parse_digest(digest_of(blob))))


@pytest.mark.parametrize("offset", [0, 1, 2303])
def test_from_the_middle(opening: Opening, offset: int) -> None:
    """A blob's stream begins at the byte that is asked for."""
    blob = bytes(range(256)) * 9

    async def use(store: Store) -> bytes:
        descriptor = blob_descriptor(blob)
        await store.upload_blob(descriptor, stream_of(blob))
        async with store.open_blob(descriptor, offset) as chunks:
            return b"".join([chunk async for chunk in chunks])

    assert run(opening, use) == blob[offset:]


def test_absent_blob_is_not_found(opening: Opening) -> None:
    """A blob that is not there is NotFound, fetched, streamed, measured or hashed."""
    absent = blob_descriptor(b"absent")

    async def stream(store: Store) -> None:
        async with store.open_blob(absent):
            pass

    assert isinstance(error_of(opening, lambda store: store.fetch_blob(absent)), NotFound)
    assert isinstance(error_of(opening, stream), NotFound)
    assert isinstance(error_of(opening, lambda store: store.blob_size(absent.digest)), NotFound)
    assert isinstance(error_of(opening, lambda store: store.hash_blob(absent)), NotFound)


@pytest.mark.parametrize(
    ("blob", "sent"),
    [(b"right", b"wrong"), (b"right", b"righ"), (b"right", b"right!"), (b"right", b"")],
    ids=["other bytes", "too short", "too long", "nothing"],
)
def test_wrong_upload(opening: Opening, blob: bytes, sent: bytes) -> None:
    """Bytes that are not the descriptor's are refused, and nothing is there afterwards."""
    descriptor = blob_descriptor(blob)

    async def upload(store: Store) -> None:
        await store.upload_blob(descriptor, stream_of(sent))

    async def is_there(store: Store) -> bool:
        return await store.has_blob(descriptor)

    assert isinstance(error_of(opening, upload), IntegrityError)
    assert run(opening, is_there) is False


def test_failing_source(opening: Opening) -> None:
    """An upload whose source fails raises the source's error, and nothing is there afterwards."""
    descriptor = blob_descriptor(b"right")
    failure = RegistryError("the source is gone", where="elsewhere")

    async def upload(store: Store) -> None:
        await store.upload_blob(descriptor, stream_of(b"ri", error=failure))

    async def is_there(store: Store) -> bool:
        return await store.has_blob(descriptor)

    assert str(error_of(opening, upload)) == "elsewhere: the source is gone"
    assert run(opening, is_there) is False


@pytest.mark.parametrize("size", [3, 7], ids=["smaller", "larger"])
def test_size_that_lies(opening: Opening, size: int) -> None:
    """A blob whose descriptor gives another size is refused."""

    async def use(store: Store) -> None:
        await store.upload_blob(blob_descriptor(b"right"), stream_of(b"right"))
        await store.fetch_blob(blob_descriptor(b"right", size=size))

    assert isinstance(error_of(opening, use), IntegrityError)
