"""The cache on disk: what is kept is given back, verified, until it is too much."""

import hashlib
from pathlib import Path

import pytest

from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content
from mbuild.store.cache_disk import BATCH
from tests.store.cache_world import BLOB, BLOB_DIGEST, IMAGE, INDEX, TAG, Shelf, manifest
from tests.support.images import SCHEMA_1
from tests.support.images import digest_of as text_digest

BY_DIGEST = f"registry.test/team/app@{IMAGE.digest}"
OTHER = manifest(1)


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty cache."""
    return Shelf(tmp_path)


@pytest.mark.parametrize("is_reopened", [False, True], ids=["same run", "next run"])
def test_kept(shelf: Shelf, is_reopened: bool) -> None:
    """Manifests, indexes, blobs and what references held are given back as they were."""
    with shelf.open() as cache:
        cache.keep(IMAGE)
        cache.keep(INDEX)
        cache.keep_blob(BLOB_DIGEST, BLOB)
        cache.note(TAG, INDEX.descriptor())
        cache.note(BY_DIGEST, IMAGE.descriptor())
        if is_reopened:
            cache.close()
        with shelf.open() as again:
            reader = again if is_reopened else cache
            assert reader.content(IMAGE.digest) == IMAGE
            assert reader.content(INDEX.digest) == INDEX
            assert reader.blob(BLOB_DIGEST) == BLOB
            assert reader.recall(TAG) == INDEX.descriptor()
            assert reader.recall(BY_DIGEST) == IMAGE.descriptor()
    assert shelf.warnings == []


def test_unknown(shelf: Shelf) -> None:
    """What was never kept is not known."""
    with shelf.open() as cache:
        known = (cache.content(IMAGE.digest), cache.blob(BLOB_DIGEST), cache.recall(TAG))
    assert known == (None, None, None)


def test_sha512(shelf: Shelf) -> None:
    """Content under a digest of another algorithm is kept under that digest."""
    digest = Digest("sha512", hashlib.sha512(IMAGE.raw).hexdigest())
    content = Content(IMAGE.media_type, digest, IMAGE.raw)
    shelf.fill(content)
    with shelf.open() as cache:
        assert cache.content(digest) == content
        assert cache.content(IMAGE.digest) is None


def test_only_for_this_user(shelf: Shelf) -> None:
    """Folder and files can be read by their owner only."""
    with shelf.open() as cache:
        for number in range(BATCH):
            cache.keep(manifest(number, 10))
        modes = {path.name: path.stat().st_mode & 0o777 for path in shelf.path.parent.iterdir()}
    assert modes["content.db"] == 0o600
    assert set(modes.values()) == {0o600}
    assert shelf.path.parent.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize("is_written", [False, True], ids=["same run", "next run"])
@pytest.mark.parametrize("is_first", [False, True], ids=["blob first", "manifest first"])
def test_manifest_and_blob(shelf: Shelf, is_written: bool, is_first: bool) -> None:
    """The same bytes as manifest and as blob stay a manifest, and are given as both."""
    with shelf.open() as cache:
        if is_first:
            cache.keep(IMAGE)
        cache.keep_blob(IMAGE.digest, IMAGE.raw)
        assert cache.content(IMAGE.digest) == (IMAGE if is_first else None)
        if is_written:
            cache.close()
    with shelf.open() as cache:
        cache.keep(IMAGE)
        cache.keep_blob(IMAGE.digest, IMAGE.raw)
    with shelf.open() as cache:
        assert cache.content(IMAGE.digest) == IMAGE
        assert cache.blob(IMAGE.digest) == IMAGE.raw


def test_a_blob_is_no_manifest(shelf: Shelf) -> None:
    """Bytes that were kept as a blob are not given as a manifest, nor recalled as one."""
    with shelf.open() as cache:
        cache.keep_blob(IMAGE.digest, IMAGE.raw)
        cache.note(TAG, IMAGE.descriptor())
        assert (cache.content(IMAGE.digest), cache.recall(TAG)) == (None, None)
    with shelf.open() as cache:
        assert (cache.content(IMAGE.digest), cache.recall(TAG)) == (None, None)


@pytest.mark.parametrize(
    "content",
    [
        Content(SCHEMA_1, digest_of(b"{}"), b"{}"),
        Content("application/vnd.example+json", digest_of(b"{}"), b"{}"),
        manifest(0, MAX_MANIFEST_SIZE),
    ],
    ids=["schema 1", "unknown type", "too large"],
)
def test_not_kept(shelf: Shelf, content: Content) -> None:
    """What is neither an image manifest nor an index, and what is too large, is not kept."""
    with shelf.open() as cache:
        cache.keep(content)
        cache.keep_blob(content.digest, content.raw * (MAX_MANIFEST_SIZE // content.size + 1))
        assert cache.content(content.digest) is None
        assert cache.blob(content.digest) is None


def test_tag_moves(shelf: Shelf) -> None:
    """A reference that holds something else, or nothing, is recalled so."""
    shelf.fill(IMAGE, INDEX)
    with shelf.open() as cache:
        cache.note(TAG, IMAGE.descriptor())
    with shelf.open() as cache:
        cache.note(TAG, INDEX.descriptor())
    with shelf.open() as cache:
        assert cache.recall(TAG) == INDEX.descriptor()
        cache.note(TAG, None)
        assert cache.recall(TAG) is None
    with shelf.open() as cache:
        assert cache.recall(TAG) is None
    assert shelf.ask("SELECT count(*) FROM holdings") == [(0,)]


def test_content_that_is_gone(shelf: Shelf) -> None:
    """What a reference held is not recalled where its content is not kept."""
    with shelf.open() as cache:
        cache.note(TAG, IMAGE.descriptor())
        assert cache.recall(TAG) is None
        cache.keep(IMAGE)
        assert cache.recall(TAG) == IMAGE.descriptor()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("raw", b"other bytes"),
        ("raw", "a text"),
        ("raw", 17),
        ("raw", b""),
        ("media_type", "application/vnd.oci.image.manifest.v1+jsom"),
        ("media_type", b"\xff\xfe"),
    ],
    ids=["bytes", "text", "number", "empty", "type", "type that is no text"],
)
def test_damaged_row(shelf: Shelf, column: str, value: object) -> None:
    """Content that does not match its digest, or has a type that was never kept, is thrown away."""
    shelf.fill(IMAGE, OTHER)
    shelf.ask(f"UPDATE contents SET {column} = ? WHERE digest = ?", value, str(IMAGE.digest))
    with shelf.open() as cache:
        assert cache.content(IMAGE.digest) is None
        assert cache.content(IMAGE.digest) is None
        assert cache.content(OTHER.digest) == OTHER
    assert shelf.holds(IMAGE.digest, OTHER.digest) == [False, True]
    assert shelf.warnings == []


def test_damaged_row_is_not_recalled(shelf: Shelf) -> None:
    """A reference to content that was found wrong is not recalled, until it is kept anew."""
    shelf.fill(IMAGE)
    shelf.ask("UPDATE contents SET raw = 'x'")
    with shelf.open() as cache:
        cache.note(TAG, IMAGE.descriptor())
        assert cache.recall(TAG) == IMAGE.descriptor()
        assert cache.content(IMAGE.digest) is None
        assert cache.recall(TAG) is None
        cache.keep(IMAGE)
        assert cache.recall(TAG) == IMAGE.descriptor()
    with shelf.open() as cache:
        assert cache.content(IMAGE.digest) == IMAGE


@pytest.mark.parametrize(
    "value", ["", "sha256:x", b"\xff", 5], ids=["empty", "short", "bytes", "5"]
)
def test_damaged_holding(shelf: Shelf, value: object) -> None:
    """What a reference holds, damaged in the file, is not recalled."""
    shelf.fill(IMAGE)
    shelf.ask("INSERT INTO holdings (reference, digest) VALUES (?, ?)", TAG, value)
    with shelf.open() as cache:
        assert cache.recall(TAG) is None
        cache.note(TAG, IMAGE.descriptor())
        assert cache.recall(TAG) == IMAGE.descriptor()
    assert shelf.warnings == []


@pytest.mark.parametrize("value", ["now", b"\xff"], ids=["text", "bytes"])
def test_damaged_use(shelf: Shelf, value: object) -> None:
    """When content was used last, damaged in the file, keeps nobody from using it."""
    shelf.fill(IMAGE)
    shelf.ask("UPDATE contents SET used = ?", value)
    with shelf.open() as cache:
        assert cache.content(IMAGE.digest) == IMAGE
    assert shelf.warnings == []


def test_written_in_batches(shelf: Shelf) -> None:
    """Others see what was kept a batch at a time, and the rest at the end."""
    with shelf.open() as cache:
        for number in range(BATCH + 1):
            cache.keep(manifest(number, 10))
        assert shelf.ask("SELECT count(*) FROM contents") == [(BATCH,)]
        assert cache.content(manifest(BATCH, 10).digest) == manifest(BATCH, 10)
    assert shelf.ask("SELECT count(*) FROM contents") == [(BATCH + 1,)]


def test_a_warm_run_writes_nothing(shelf: Shelf) -> None:
    """A run that finds everything, and finds it unchanged, leaves the file as it is."""
    with shelf.open() as cache:
        cache.keep(IMAGE)
        cache.keep_blob(BLOB_DIGEST, BLOB)
        cache.note(TAG, IMAGE.descriptor())
    before = shelf.path.read_bytes()
    with shelf.open() as cache:
        assert (cache.content(IMAGE.digest), cache.blob(BLOB_DIGEST)) == (IMAGE, BLOB)
        cache.note(TAG, IMAGE.descriptor())
        cache.note("registry.test/team/app:absent", None)
    assert shelf.path.read_bytes() == before


def test_kept_twice(shelf: Shelf) -> None:
    """Content that is kept again, by a push of what was there, is there once."""
    shelf.fill(IMAGE)
    shelf.fill(IMAGE)
    assert shelf.ask("SELECT count(*) FROM contents") == [(1,)]


LIMIT = 400_000


def test_bounded(tmp_path: Path) -> None:
    """The file stays within its limit, but for what one batch and sqlite's own pages take."""
    shelf = Shelf(tmp_path, limit=LIMIT)
    for run in range(6):
        shelf.fill(*(manifest(100 * run + number, 3000) for number in range(100)))
    assert shelf.path.stat().st_size < LIMIT * 2
    newest, oldest = manifest(599, 3000), manifest(0, 3000)
    assert shelf.holds(newest.digest, oldest.digest) == [True, False]
    assert shelf.warnings == []


def test_least_recently_used_goes_first(tmp_path: Path) -> None:
    """What is used again and again outlives what was kept after it, with what refers to it."""
    shelf = Shelf(tmp_path, limit=LIMIT)
    with shelf.open() as cache:
        for content in (IMAGE, INDEX):
            cache.keep(content)
            cache.note(f"registry.test/team/app@{content.digest}", content.descriptor())
    for run in range(20):
        shelf.fill(*(manifest(100 * run + number, 3000) for number in range(10)))
        with shelf.open() as cache:
            assert cache.content(IMAGE.digest) == IMAGE
    assert shelf.holds(IMAGE.digest, INDEX.digest) == [True, False]
    assert shelf.ask("SELECT digest FROM holdings") == [(str(IMAGE.digest),)]


def test_more_than_the_limit_at_once(tmp_path: Path) -> None:
    """One run that keeps more than there is room for loses the surplus, and no more happens."""
    shelf = Shelf(tmp_path, limit=LIMIT)
    shelf.fill(*(manifest(number, 100_000) for number in range(40)))
    assert shelf.path.stat().st_size < LIMIT + 2_000_000
    ((kept,),) = shelf.ask("SELECT sum(size) FROM contents")
    assert 0 < int(str(kept)) < LIMIT
    assert shelf.warnings == []


def test_digests_are_those_of_the_bytes() -> None:
    """The world of these tests names its contents rightly."""
    assert str(BLOB_DIGEST) == text_digest(BLOB)
