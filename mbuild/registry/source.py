"""Where the bytes of a blob come from, and the one check that they are the blob's."""

from __future__ import annotations

from abc import ABC, abstractmethod
from bisect import bisect_right
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from mbuild.errors import IntegrityError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Hasher

OpenSource = Callable[[int], AbstractAsyncContextManager[AsyncIterator[bytes]]]
"""Opens a stream of a blob's bytes, from an offset on; called anew for each attempt."""

MARK_EVERY = 1024 * 1024
MOST_MARKS = 1024
"""The hash is kept at each megabyte of a blob, or at so many places of a large one."""


class Checked(ABC):
    """A source that has IntegrityError in the place of the last chunk of wrong bytes.

    So nobody ever holds all the bytes of wrong content, and an upload of it is never complete.
    """

    @abstractmethod
    def __call__(self, offset: int, /) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a stream of the bytes from an offset on."""


class CheckedSource(Checked):
    """Any source, its bytes hashed on the way; `where` is what errors say of it.

    The hash is kept at marks, so that a stream that begins in the middle is read from the
    mark before it, and not from the first byte on. Chunks have one byte or more.
    """

    def __init__(self, descriptor: Descriptor, open_source: OpenSource, *, where: str) -> None:
        self._descriptor = descriptor
        self._open_source = open_source
        self._where = where
        self._step = max(MARK_EVERY, descriptor.size // MOST_MARKS)
        self._marks = [0]
        self._hashes = [descriptor.digest.hasher()]

    @asynccontextmanager
    async def __call__(self, offset: int, /) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open the source at the last mark before the offset."""
        number = bisect_right(self._marks, offset) - 1
        async with self._open_source(self._marks[number]) as chunks:
            yield self._passed(chunks, number, offset)

    async def _passed(
        self, chunks: AsyncIterator[bytes], number: int, offset: int
    ) -> AsyncIterator[bytes]:
        """Pass on what lies behind the offset, a chunk later than it comes."""
        position, hasher = self._marks[number], self._hashes[number].copy()
        held = b""
        async for chunk in chunks:
            if held:
                yield held
            held = chunk[max(0, offset - position) :]
            position += len(chunk)
            if position > self._descriptor.size:
                raise wrong_size(position, self._descriptor, self._where)
            hasher.update(chunk)
            self._mark(position, hasher)
        if position != self._descriptor.size:
            raise wrong_size(position, self._descriptor, self._where)
        if hasher.hexdigest() != self._descriptor.digest.encoded:
            raise wrong_digest(self._descriptor, self._where)
        if held:
            yield held

    def _mark(self, position: int, hasher: Hasher) -> None:
        if position >= self._marks[-1] + self._step:
            self._marks.append(position)
            self._hashes.append(hasher.copy())


def checked(descriptor: Descriptor, open_source: OpenSource, *, where: str) -> Checked:
    """Give a source that is checked: itself, or one around it."""
    if isinstance(open_source, Checked):
        return open_source
    return CheckedSource(descriptor, open_source, where=where)


def wrong_size(size: int, descriptor: Descriptor, where: str) -> IntegrityError:
    """Give the error for bytes that are too few or too many."""
    relation = "more than" if size > descriptor.size else "not"
    return IntegrityError(
        f"{size} bytes arrived, {relation} the {descriptor.size} that its descriptor says",
        where=where,
    )


def wrong_digest(descriptor: Descriptor, where: str) -> IntegrityError:
    """Give the error for bytes that hash to another digest."""
    return IntegrityError(
        f"the bytes that arrived are not those of {descriptor.digest}", where=where
    )
