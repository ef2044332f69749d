"""A cache in a folder, what is kept in it, and a look at its file past the code under test."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.manifest import Content
from mbuild.store.cache_disk import BATCH, DiskCache
from mbuild.store.cache_file import LIMIT
from tests.support.images import make_image, make_index
from tests.support.values import content_of

IMAGE = content_of(make_image())
INDEX = content_of(make_index(make_image()))
TAG = "registry.test/team/app:1.0"
BLOB = b'{"architecture": "amd64", "os": "linux"}'
BLOB_DIGEST = digest_of(BLOB)

WITHOUT = "the run goes on without it"


class Shelf:
    """The cache of one user: each `open` is a run, whose warnings are gathered here."""

    def __init__(self, folder: Path, *, limit: int = LIMIT) -> None:
        self.path = folder / "mbuild" / "content.db"
        self.warnings: list[str] = []
        self._limit = limit

    @contextmanager
    def open(self) -> Iterator[DiskCache]:
        """Open the cache, and close it at the end of the block."""
        with closing(DiskCache(self.path, self.warn, limit=self._limit)) as cache:
            yield cache

    def warn(self, text: str) -> None:
        """Take down a warning, the path as PATH."""
        self.warnings.append(text.replace(str(self.path), "PATH"))

    def fill(self, *contents: Content) -> None:
        """Keep contents, in a run of its own."""
        with self.open() as cache:
            for content in contents:
                cache.keep(content)

    def holds(self, *digests: Digest) -> list[bool]:
        """Whether each of the digests is there in the file."""
        kept = {one for (one,) in self.ask("SELECT digest FROM contents")}
        return [str(digest) in kept for digest in digests]

    def ask(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        """Carry out a statement in the file, with sqlite alone."""
        with closing(sqlite3.connect(self.path, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()


def manifest(number: int, size: int = 1000) -> Content:
    """A manifest that differs by number; nothing but its type says what it is."""
    raw = f'{{"number": {number}, "padding": "{"x" * size}"}}'.encode()
    return Content(IMAGE.media_type, digest_of(raw), raw)


def use(shelf: Shelf, times: int = 2 * BATCH) -> None:
    """Do all that a run does with its cache, many times over; it is never in the way."""
    with shelf.open() as cache:
        for number in range(times):
            content = manifest(number)
            cache.recall(TAG)
            cache.keep(content)
            cache.keep_blob(BLOB_DIGEST, BLOB)
            cache.note(TAG, content.descriptor())
            assert cache.content(content.digest) in {content, None}
            assert cache.blob(BLOB_DIGEST) in {BLOB, None}
