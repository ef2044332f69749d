"""The cache's file: an sqlite database that several processes use at once."""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from mbuild.store.cache_fault import CacheFault, explained

APPLICATION = 0x6D62_6C64
"""Marks an sqlite file as mbuild's own: `mbld`."""

VERSION = 1
LIMIT = 256 * 1024 * 1024
"""The most bytes that the file holds; the least recently used content goes first."""

OPENING_MS = 1000
READING_MS = 100
"""How long another process's lock is waited for, in milliseconds."""

_ROW_BYTES = 300
"""What a row takes beside its content: digest and index entries."""

_HEAVY = 16 * 1024
"""So many bytes of content weigh as much as one change."""

_SCHEMA = f"""
DROP TABLE IF EXISTS contents;
DROP TABLE IF EXISTS holdings;
CREATE TABLE contents (
    id INTEGER PRIMARY KEY,
    digest TEXT NOT NULL UNIQUE,
    media_type TEXT NOT NULL,  -- empty for a blob
    size INTEGER NOT NULL,
    used INTEGER NOT NULL,  -- the run that used it last
    raw BLOB NOT NULL
);
CREATE INDEX contents_by_use ON contents (used, size);
CREATE TABLE holdings (reference TEXT PRIMARY KEY, digest TEXT NOT NULL) WITHOUT ROWID;
PRAGMA application_id = {APPLICATION};
PRAGMA user_version = {VERSION};
"""


@dataclass(frozen=True, slots=True)
class Row:
    """A kept content as it stands in the file; its hash has not been compared."""

    media_type: str
    raw: bytes
    used: int


@dataclass(slots=True)
class Batch:
    """What is to be written at once: content, what references hold, what was used, what is wrong.

    Content is media type and bytes by digest; a reference that holds nothing has None.
    """

    contents: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    holdings: dict[str, str | None] = field(default_factory=dict)
    used: set[str] = field(default_factory=set)
    wrong: set[str] = field(default_factory=set)
    _bytes: int = 0

    def add(self, digest: str, media_type: str, raw: bytes) -> None:
        """Add a content."""
        self.contents[digest] = (media_type, raw)
        self._bytes += len(raw)

    @property
    def weight(self) -> int:
        """Give the number of changes; much content weighs as much as many changes."""
        changes = len(self.contents) + len(self.holdings) + len(self.used) + len(self.wrong)
        return changes + self._bytes // _HEAVY


class CacheFile:
    """An open file: reads a row at a time, writes a batch in a short transaction.

    A process that is killed may lose its last batches, and never leaves a half of one. All
    raise CacheFault. A run is numbered one higher than the last that wrote: that number, and
    no clock, tells how long ago content was used.
    """

    def __init__(self, connection: sqlite3.Connection, *, limit: int = LIMIT) -> None:
        self._connection = connection
        self._limit = limit
        with explained():
            (last,) = connection.execute(
                "SELECT CAST(max(used) AS INTEGER) FROM contents"
            ).fetchone()
        self.run: int = (last or 0) + 1

    def content(self, digest: str) -> Row | None:
        """Read a content."""
        with explained():
            found = self._connection.execute(
                "SELECT CAST(media_type AS TEXT), CAST(raw AS BLOB), CAST(used AS INTEGER)"
                " FROM contents WHERE digest = ?",
                (digest,),
            ).fetchone()
        return Row(*found) if found else None

    def describe(self, digest: str) -> tuple[str, int] | None:
        """Read the media type and size of a content."""
        with explained():
            found: tuple[str, int] | None = self._connection.execute(
                "SELECT CAST(media_type AS TEXT), CAST(size AS INTEGER) FROM contents"
                " WHERE digest = ?",
                (digest,),
            ).fetchone()
        return found

    def holding(self, reference: str) -> str | None:
        """Read the digest that a reference held."""
        with explained():
            found = self._connection.execute(
                "SELECT CAST(digest AS TEXT) FROM holdings WHERE reference = ?", (reference,)
            ).fetchone()
        return found[0] if found else None

    def write(self, batch: Batch, *, patience_ms: int = 0) -> None:
        """Write a batch, whole or not at all, and make room if the file has grown too large.

        Another process that writes just then is waited for as long as `patience_ms`.
        """
        with explained(), self._waiting(patience_ms), _transaction(self._connection):
            self._write(batch)
            self._prune()

    def close(self) -> None:
        """Close the file."""
        with explained():
            self._connection.close()

    def _write(self, batch: Batch) -> None:
        many = self._connection.executemany
        many("DELETE FROM contents WHERE digest = ?", [(one,) for one in batch.wrong])
        many(
            "INSERT INTO contents (digest, media_type, size, used, raw) VALUES (?, ?, ?, ?, ?)"
            " ON CONFLICT (digest) DO UPDATE SET media_type = excluded.media_type"
            " WHERE media_type = '' AND excluded.media_type <> ''",
            [
                (digest, media_type, len(raw), self.run, raw)
                for digest, (media_type, raw) in batch.contents.items()
            ],
        )
        held = {name: digest for name, digest in batch.holdings.items() if digest is not None}
        many(
            "DELETE FROM holdings WHERE reference = ?",
            [(name,) for name in batch.holdings if name not in held],
        )
        many("INSERT OR REPLACE INTO holdings (reference, digest) VALUES (?, ?)", held.items())
        many(
            "UPDATE contents SET used = ? WHERE digest = ?",
            [(self.run, digest) for digest in batch.used],
        )

    def _prune(self) -> None:
        """Take out what was used least recently, an eighth of the file at a time."""
        excess = self._bytes() - self._limit
        if excess <= 0:
            return
        doomed = self._least_used(excess + self._limit // 8)
        self._connection.executemany("DELETE FROM contents WHERE id = ?", doomed)
        self._connection.execute(
            "DELETE FROM holdings WHERE digest NOT IN (SELECT digest FROM contents)"
        )

    def _bytes(self) -> int:
        pages, unused, size = (
            self._connection.execute(f"PRAGMA {name}").fetchone()[0]
            for name in ("page_count", "freelist_count", "page_size")
        )
        return int((pages - unused) * size)

    def _least_used(self, wanted: int) -> list[tuple[int]]:
        doomed = []
        with contextlib.closing(
            self._connection.execute("SELECT id, size FROM contents ORDER BY used")
        ) as rows:
            for row, size in rows:
                doomed.append((row,))
                wanted -= size + _ROW_BYTES
                if wanted <= 0:
                    break
        return doomed

    @contextlib.contextmanager
    def _waiting(self, milliseconds: int) -> Iterator[None]:
        self._connection.execute(f"PRAGMA busy_timeout = {milliseconds}")
        try:
            yield
        finally:
            self._connection.execute(f"PRAGMA busy_timeout = {READING_MS}")


def open_cache_file(path: Path, *, limit: int = LIMIT) -> CacheFile:
    """Open the file, made first if it is not there, for this user alone.

    Raises CacheFault, also for a file that is not mbuild's or of a later version of it.
    """
    with explained():
        _make_file(path)
        connection = sqlite3.connect(path, timeout=OPENING_MS / 1000, isolation_level=None)
    try:
        with explained():
            _prepare(connection)
        return CacheFile(connection, limit=limit)
    except BaseException:
        connection.close()
        raise


def remove_cache_file(path: Path) -> None:
    """Remove a broken file with all that sqlite keeps beside it. Raises CacheFault."""
    with explained():
        for name in (path.name, f"{path.name}-wal", f"{path.name}-shm", f"{path.name}-journal"):
            path.with_name(name).unlink(missing_ok=True)


def _make_file(path: Path) -> None:
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    # A file that is there is not even opened: to close it would drop sqlite's locks.
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))


def _prepare(connection: sqlite3.Connection) -> None:
    connection.text_factory = _text
    # A power failure may break the file, a killed process does not: it is only a cache.
    connection.execute("PRAGMA synchronous = OFF")
    if not _is_ready(connection):
        with contextlib.suppress(sqlite3.OperationalError):  # another process is at it
            connection.execute("PRAGMA journal_mode = WAL")
        with _transaction(connection):
            _make_tables(connection)
    connection.execute(f"PRAGMA busy_timeout = {READING_MS}")


def _is_ready(connection: sqlite3.Connection) -> bool:
    """Tell whether the tables are there. Raises CacheFault where somebody else's are."""
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application != APPLICATION and (application or version or tables):
        raise CacheFault("it is another program's database")
    if version > VERSION:
        raise CacheFault("it is of a later version of mbuild")
    return bool(version == VERSION)


def _make_tables(connection: sqlite3.Connection) -> None:
    if not _is_ready(connection):  # unless another process has made them meanwhile
        for statement in _SCHEMA.split(";\n"):
            connection.execute(statement)


@contextlib.contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:
            connection.rollback()
        raise


def _text(raw: bytes) -> str:
    """Read text as it is: what was damaged on the disk matches nothing, and is no error."""
    return raw.decode(errors="replace")
