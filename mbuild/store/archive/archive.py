"""An archive as a store that is only read; `Store` says what each method does."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from mbuild.errors import NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content
from mbuild.oci.reference import ArchiveReference
from mbuild.store.archive.docker_images import read_docker_images
from mbuild.store.archive.file import CHUNK, ArchiveFile, Stream, bad_archive, look_at
from mbuild.store.archive.gather import read_members
from mbuild.store.archive.images import Images
from mbuild.store.archive.members import Members
from mbuild.store.archive.oci_images import OciImages, read_oci_images
from mbuild.store.archive.pieces import Piece
from mbuild.store.archive.read_only import ReadOnly
from mbuild.store.archive.steps import in_thread, run_steps
from mbuild.store.cache import Cache, NoCache
from mbuild.store.layout_index import LayoutIndex

_READERS = 4
"""So many blobs are read from an archive at a time: each may have to be unpacked."""

_KINDS: dict[str, Callable[[Members, Cache], Images]] = {
    "oci-archive": read_oci_images,
    "docker-archive": read_docker_images,
}


class ArchiveStore(ReadOnly):
    """The images in the archive of a reference. It is gone through when it is first needed.

    What is wrong with it is a SourceError, but for what is not there: that is NotFound.
    """

    def __init__(self, reference: ArchiveReference, *, cache: Cache | None = None) -> None:
        super().__init__(reference.repository, reference.file)
        self._read_images = _KINDS[reference.transport]
        self._cache = cache or NoCache()
        self._images: Images | None = None
        self._opening = asyncio.Lock()
        self._readers = asyncio.Semaphore(_READERS)

    async def read_index(self) -> LayoutIndex:
        """Give the index.json of an OCI archive, an empty one where there is no file."""
        images = await self._open_if_there()
        return images.index if isinstance(images, OciImages) else LayoutIndex.empty()

    async def candidates(self, reference: str) -> tuple[Descriptor, ...]:
        """Ask the archive's own list of images."""
        if _digest_in(reference):
            return ()
        images = await self._open_if_there()
        return await images.candidates(reference) if images else ()

    async def fetch_manifest(self, reference: str) -> Content:
        """Read a manifest by tag, by digest, or the archive's only one (empty text)."""
        images, where = await self._open(), self._at(reference)
        digest = _digest_in(reference)
        if digest:
            return await images.by_digest(digest, where)
        return await images.by_tag(reference, where)

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """Read it, and give its descriptor."""
        try:
            return (await self.fetch_manifest(reference)).descriptor()
        except NotFound:
            return None

    async def list_tags(self) -> tuple[str, ...]:
        """List the names of its images."""
        images = await self._open_if_there()
        return images.tags if images else ()

    async def list_referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Ask the archive's own list of images."""
        images = await self._open_if_there()
        return await images.referrers(subject) if images else ()

    async def read_back(self, reference: str) -> Digest | None:
        """Read it again."""
        found = await self.head_manifest(reference)
        return found.digest if found else None

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """Read a small blob."""
        if descriptor.size > MAX_MANIFEST_SIZE:
            raise self._bad(
                f"blob {descriptor.digest} has {descriptor.size} bytes, "
                f"and {MAX_MANIFEST_SIZE} are the most that are read here"
            )
        async with self.open_blob(descriptor) as chunks:
            raw = b"".join([chunk async for chunk in chunks])
        if not descriptor.digest.matches(raw):
            raise self._bad(f"blob {descriptor.digest} does not hash to its name")
        return raw

    async def has_blob(self, descriptor: Descriptor) -> bool:
        """Tell whether it is there with its size."""
        piece = await self._find(descriptor.digest)
        return piece is not None and piece.size == descriptor.size

    async def blob_size(self, digest: Digest) -> int | None:
        """Give its size."""
        return (await self._piece(digest)).size

    async def hash_blob(self, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read it to its end."""
        piece = await self._piece(descriptor.digest)
        hasher = descriptor.digest.hasher()
        async with self._stream(piece, 0) as stream:
            while chunk := await in_thread(lambda: stream.read(CHUNK)):
                await in_thread(lambda chunk=chunk: hasher.update(chunk))  # type: ignore[misc]
        return piece.size, Digest(descriptor.digest.algorithm, hasher.hexdigest())

    @contextlib.asynccontextmanager
    async def open_blob(
        self, descriptor: Descriptor, offset: int = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read it piece by piece."""
        piece = await self._piece(descriptor.digest)
        if piece.size != descriptor.size:
            raise self._bad(
                f"blob {descriptor.digest} has {piece.size} bytes, "
                f"and its manifest says {descriptor.size}"
            )
        async with self._stream(piece, offset) as stream:
            yield self._chunks(stream)

    async def _open(self) -> Images:
        """Go through the archive, once: then it is known where what is."""
        async with self._opening:
            if self._images is None:
                file = await in_thread(lambda: look_at(Path(self.path), self.name))
                self._images = await self._read(file)
        return self._images

    async def _open_if_there(self) -> Images | None:
        try:
            return await self._open()
        except NotFound:
            return None

    async def _read(self, file: ArchiveFile) -> Images:
        members = await run_steps(read_members(file))
        return await in_thread(lambda: self._read_images(members, self._cache))

    async def _find(self, digest: Digest) -> Piece | None:
        images = await self._open_if_there()
        return await images.piece(digest) if images else None

    async def _piece(self, digest: Digest) -> Piece:
        piece = await self._find(digest)
        if piece is None:
            raise NotFound(f"blob {digest} is missing from the archive", where=self.name)
        return piece

    @contextlib.asynccontextmanager
    async def _stream(self, piece: Piece, offset: int) -> AsyncIterator[Stream]:
        async with self._readers:
            stream = await run_steps(piece.open(offset))
            try:
                yield stream
            finally:
                stream.close()

    async def _chunks(self, stream: Stream) -> AsyncIterator[bytes]:
        while chunk := await in_thread(lambda: stream.read(CHUNK)):
            yield chunk

    def _at(self, reference: str) -> str:
        separator = "@" if _digest_in(reference) else ":"
        return f"{self.name}{separator}{reference}" if reference else self.name

    def _bad(self, why: str) -> SourceError:
        return bad_archive(why, self.name)


def _digest_in(reference: str) -> Digest | None:
    try:
        return parse_digest(reference)
    except ValueError:
        return None
