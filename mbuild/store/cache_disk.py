"""The cache on disk: verified on reading, written in batches, and never in the way of a run."""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content
from mbuild.store.cache import Warn
from mbuild.store.cache_fault import CacheFault
from mbuild.store.cache_file import (
    LIMIT,
    Batch,
    CacheFile,
    Row,
    open_cache_file,
    remove_cache_file,
)

BATCH = 64
"""So many changes are written at once: see `Batch.weight`."""

MOST_WAITING = 1024
"""So many changes wait for another process to let go of the file before they are given up."""

STALE_RUNS = 3
"""The use of content is noted anew after so many runs, so that most runs write nothing."""

CLOSING_MS = 2000

_KEPT = media_types.INDEXES | media_types.IMAGE_MANIFESTS

T = TypeVar("T")


class DiskCache:
    """Keeps content in a file; `Cache` says what it does.

    The first fault is told to `warn`, and from then on nothing is kept or known. A broken file
    is removed, and made anew.
    """

    def __init__(self, path: Path, warn: Warn, *, limit: int = LIMIT) -> None:
        self._path = path
        self._warn = warn
        self._limit = limit
        self._file: CacheFile | None = None
        self._is_off = False
        self._batch = Batch()
        self._flush_at = BATCH

    def content(self, digest: Digest) -> Content | None:
        """Give a manifest, hashed and compared."""
        row = self._read(digest)
        if row is None or not row.media_type:
            return None
        if row.media_type not in _KEPT:
            self._discard(digest)
            return None
        return Content(row.media_type, digest, row.raw)

    def blob(self, digest: Digest) -> bytes | None:
        """Give a blob, hashed and compared."""
        row = self._read(digest)
        return row.raw if row else None

    def keep(self, content: Content) -> None:
        """Keep an image manifest or an index."""
        if content.media_type in _KEPT:
            self._keep(content.digest, content.media_type, content.raw)

    def keep_blob(self, digest: Digest, raw: bytes) -> None:
        """Keep a config."""
        if str(digest) not in self._batch.contents:  # where it may be a manifest
            self._keep(digest, "", raw)

    def recall(self, reference: str) -> Descriptor | None:
        """Tell what a reference held, if that is kept."""
        try:
            digest = parse_digest(self._holding(reference) or "")
        except ValueError:  # nothing, or damaged
            return None
        found = self._describe(str(digest))
        if found is None or found[0] not in _KEPT:
            return None
        return Descriptor(found[0], digest, found[1])

    def note(self, reference: str, descriptor: Descriptor | None) -> None:
        """Note what a reference holds, where that is news."""
        digest = str(descriptor.digest) if descriptor else None
        if self._holding(reference) != digest and not self._is_off:
            self._batch.holdings[reference] = digest
            self._flush_if_due()

    def close(self) -> None:
        """Write the last batch, waiting a little for other processes, and close the file."""
        if self._batch.weight:
            self._flush(patience_ms=CLOSING_MS)
        self._turn_off()

    def _read(self, digest: Digest) -> Row | None:
        text = str(digest)
        if text in self._batch.contents:
            return Row(*self._batch.contents[text], used=0)
        if text in self._batch.wrong:
            return None
        row = self._ask(lambda file: file.content(text))
        if row is None:
            return None
        if not digest.matches(row.raw):
            self._discard(digest)
            return None
        self._note_use(text, row)
        return row

    def _note_use(self, digest: str, row: Row) -> None:
        if self._file and row.used + STALE_RUNS <= self._file.run:
            self._batch.used.add(digest)
            self._flush_if_due()

    def _discard(self, digest: Digest) -> None:
        self._batch.wrong.add(str(digest))
        self._flush_if_due()

    def _describe(self, digest: str) -> tuple[str, int] | None:
        if digest in self._batch.contents:
            media_type, raw = self._batch.contents[digest]
            return media_type, len(raw)
        if digest in self._batch.wrong:
            return None
        return self._ask(lambda file: file.describe(digest))

    def _holding(self, reference: str) -> str | None:
        if reference in self._batch.holdings:
            return self._batch.holdings[reference]
        return self._ask(lambda file: file.holding(reference))

    def _keep(self, digest: Digest, media_type: str, raw: bytes) -> None:
        if self._is_off or len(raw) > MAX_MANIFEST_SIZE:
            return
        self._batch.add(str(digest), media_type, raw)
        self._flush_if_due()

    def _flush_if_due(self) -> None:
        if self._batch.weight >= self._flush_at:
            self._flush()

    def _flush(self, *, patience_ms: int = 0) -> None:
        """Write the batch; where another process holds the file, later."""
        is_last = patience_ms > 0 or self._batch.weight >= MOST_WAITING
        try:
            self._opened().write(self._batch, patience_ms=patience_ms)
        except CacheFault as fault:
            if is_last or not fault.is_busy:
                self._give_up(fault)
            self._flush_at = self._batch.weight + BATCH
            return
        self._batch = Batch()
        self._flush_at = BATCH

    def _ask(self, question: Callable[[CacheFile], T | None]) -> T | None:
        if self._is_off:
            return None
        try:
            return question(self._opened())
        except CacheFault as fault:
            self._give_up(fault)
            return None

    def _opened(self) -> CacheFile:
        if self._file is None:
            self._file = self._open()
        return self._file

    def _open(self) -> CacheFile:
        try:
            return open_cache_file(self._path, limit=self._limit)
        except CacheFault as fault:
            if not fault.is_broken:
                raise
        remove_cache_file(self._path)
        file = open_cache_file(self._path, limit=self._limit)
        self._warn(f"the cache {str(self._path)!r} was broken, and was made anew")
        return file

    def _give_up(self, fault: CacheFault) -> None:
        self._warn(
            f"the cache {str(self._path)!r} cannot be used: {fault.reason};"
            " the run goes on without it"
        )
        self._turn_off()
        if fault.is_broken:
            with contextlib.suppress(CacheFault):  # told of already: the next run tries again
                remove_cache_file(self._path)

    def _turn_off(self) -> None:
        self._is_off = True
        self._batch = Batch()
        if self._file:
            # What could be written was written before. What cannot be closed now (it is another
            # thread's) is tried again by `close`.
            with contextlib.suppress(CacheFault):
                self._file.close()
                self._file = None
