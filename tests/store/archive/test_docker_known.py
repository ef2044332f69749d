"""Docker images that an earlier run has compressed: known again, and checked when they are sent."""

import asyncio
import bz2
from pathlib import Path

import pytest

from mbuild.errors import ImageMismatch
from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.reference import ArchiveReference
from mbuild.store.archive.archive import ArchiveStore
from mbuild.store.archive.docker_known import KnownImages
from mbuild.store.cache import Cache
from tests.store.archive.world import AMD64, ARM64
from tests.store.cache_world import Shelf
from tests.support.archives import docker_members, packed, plain_layers, write_tar
from tests.support.images import DOCKER_MANIFEST
from tests.support.images import digest_of as text_digest
from tests.support.values import content_of

CONFIG = digest_of(AMD64.config)
LAYER = f"{text_digest(plain_layers(AMD64)[0])[7:]}/layer.tar"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty cache."""
    return Shelf(tmp_path / "cache")


def fetch(path: Path, cache: Cache) -> tuple[Content, list[bool]]:
    """The image in an archive, and whether each of its blobs is what its digest says."""

    async def use() -> tuple[Content, list[bool]]:
        store = ArchiveStore(ArchiveReference("docker-archive", str(path)), cache=cache)
        content = await store.fetch_manifest("")
        blobs = parse_image_manifest(content.raw).blobs
        return content, [await store.hash_blob(one) == (one.size, one.digest) for one in blobs]

    return asyncio.run(use())


def test_not_compressed_again(shelf: Shelf, tmp_path: Path) -> None:
    """The next run gives the same manifest without reading the layers; wrong ones show when read."""
    members = docker_members({"": AMD64})
    path = write_tar(tmp_path / "app.tar", members)
    with shelf.open() as cache:
        first = fetch(path, cache)
    with shelf.open() as cache:
        assert fetch(path, cache) == first
    members[LAYER] = bytes(len(members[LAYER]))
    write_tar(path, members)
    with shelf.open() as cache:
        assert fetch(path, cache) == (first[0], [True, False, True])


def test_layers_that_travel_as_they_are(shelf: Shelf, tmp_path: Path) -> None:
    """Where a layer is compressed in the archive, nothing is known before it was read."""
    members = docker_members({"": AMD64})
    path = write_tar(tmp_path / "app.tar", members)
    with shelf.open() as cache:
        plain, _ = fetch(path, cache)
    members[LAYER] = packed(members[LAYER], "zstd")
    write_tar(path, members)
    for _ in range(2):
        with shelf.open() as cache:
            content, whole = fetch(path, cache)
            assert content != plain
            assert whole == [True, True, True]
            assert KnownImages(cache).recall(CONFIG, 2) == (
                plain,
                parse_image_manifest(plain.raw),
            )


def test_another_compression(shelf: Shelf, tmp_path: Path) -> None:
    """A layer that is compressed otherwise is refused as it is when nothing is known."""
    members = docker_members({"": AMD64})
    path = write_tar(tmp_path / "app.tar", members)
    with shelf.open() as cache:
        fetch(path, cache)
    members[LAYER] = bz2.compress(members[LAYER])
    write_tar(path, members)
    with shelf.open() as cache, pytest.raises(ImageMismatch, match="is compressed with bzip2"):
        fetch(path, cache)


def test_another_image(shelf: Shelf) -> None:
    """What was noted of a config and is no manifest over it is nothing that is known."""
    with shelf.open() as cache:
        known = KnownImages(cache)
        assert known.recall(CONFIG, 2) is None
        for content in (content_of(ARM64), Content(DOCKER_MANIFEST, digest_of(b"{}"), b"{}")):
            known.keep(CONFIG, content)
            assert known.recall(CONFIG, 2) is None
        known.keep(CONFIG, content_of(AMD64))
        assert known.recall(CONFIG, 3) is None
        assert known.recall(CONFIG, 2)
        assert known.recall(Digest("sha256", "0" * 64), 2) is None
