"""An OCI image layout directory, as a store (image-spec, image-layout.md)."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from mbuild.errors import IntegrityError, NotFound, StoreError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content, media_type_of
from mbuild.oci.referrers import referrers_tag
from mbuild.registry.source import OpenSource, checked
from mbuild.store.blob_files import BlobFiles
from mbuild.store.candidates import find_candidates, pick_candidate
from mbuild.store.files import explain_disk_errors, replace_file, write_file
from mbuild.store.index_file import WRITE_AGAIN, IndexFile, blaming
from mbuild.store.layout_referrers import LayoutReferrers
from mbuild.store.locks import FOR_EVER, LockWait
from mbuild.store.on_disk import OnDisk

Retry = Callable[[str, Callable[[], Awaitable[None]]], Awaitable[None]]


async def only_once(_what: str, attempt: Callable[[], Awaitable[None]]) -> None:
    """Make the one attempt: nothing is tried again."""
    await attempt()


class LayoutStore(OnDisk):
    """The layout in a directory; `Store` says what each method does. `retry` runs its copies.
    `file` is another index.json than the directory's own, and gives the layout its name.

    Writes are atomic, and the layout's lock is held while its index.json is rewritten, so
    that concurrent writers, in this process or in others, lose nothing of each other.
    """

    def __init__(
        self,
        directory: str,
        *,
        lock_wait: LockWait = FOR_EVER,
        retry: Retry = only_once,
        file: IndexFile | None = None,
    ) -> None:
        self._root = Path(directory)
        self._file = file or IndexFile(self._root, f"oci:{directory}", lock_wait=lock_wait)
        self._name = self._file.name
        self._retry = retry
        self._blobs = BlobFiles(self._root, self._name)
        self._referrers = LayoutReferrers(self._read_entry, name=self._name)

    @property
    def name(self) -> str:
        """Give `oci:DIR`."""
        return self._name

    @property
    def place(self) -> str:
        """Give `oci:DIR`: nothing can be mounted from one layout to another."""
        return self._name

    @property
    def path(self) -> str:
        """Give the directory."""
        return str(self._root)

    @property
    def keeps_whole(self) -> bool:
        """Give False: any tool may have taken a file away, or left one half written."""
        return False

    async def candidates(self, reference: str) -> tuple[Descriptor, ...]:
        """Look the tag, or all images, up in index.json."""
        if _digest_in(reference):
            return ()
        return find_candidates(self._file.load(), reference)

    async def fetch_manifest(self, reference: str) -> Content:
        """Read a manifest by tag, by digest, or the layout's only one (empty text)."""
        descriptor = self._find(reference)
        if descriptor is None:
            raise self._absent(reference)
        try:
            raw = self._blobs.read(descriptor.digest, MAX_MANIFEST_SIZE)
        except NotFound as error:  # a broken layout, and no image that was not built yet
            raise StoreError(error.message, where=self._at(reference), hint=WRITE_AGAIN) from None
        with blaming(self._at(reference)):
            _check_size(raw, descriptor)
            media_type = media_type_of(raw, descriptor.media_type)
        return Content(media_type, descriptor.digest, raw)

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """Look a manifest up, and measure its blob."""
        descriptor = self._find(reference)
        if descriptor is None or not self._blobs.is_there(descriptor.digest):
            return None
        content = await self.fetch_manifest(reference)
        return content.descriptor()

    async def put_manifest(self, reference: str, content: Content) -> None:
        """Write the blob, and for a tag move its entry in index.json, all others kept."""
        await self.put_tagged(content, (reference,) if _digest_in(reference) is None else ())

    @property
    def takes_tags(self) -> bool | None:
        """Give True: the index.json is written once for all of them."""
        return True

    async def put_tagged(self, content: Content, tags: tuple[str, ...]) -> frozenset[str]:
        """Write the blob, and move the entries of all tags at once."""
        with explain_disk_errors(self._file.shown, self._name):
            self._file.prepare()
            path = self._blobs.path(content.digest)
            if not path.exists() or path.read_bytes() != content.raw:
                await asyncio.to_thread(write_file, path, content.raw)
        await self._move(tags, content.descriptor())
        return frozenset(tags)

    async def delete_tag(self, tag: str) -> bool:
        """Take its entry out of index.json; the manifest stays."""
        await self._move((tag,), None)
        return True

    async def list_tags(self) -> tuple[str, ...]:
        """List the names that index.json gives."""
        return self._file.load().tags

    async def list_referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Look for them in what index.json names, and under the tag for referrers."""
        return self._referrers.list(self._file.load(), subject)

    async def put_referrer(self, subject: Digest, content: Content) -> bool:  # noqa: ARG002
        """Write the blob; False: nothing in index.json leads to it yet."""
        await self.put_manifest(str(content.digest), content)
        return False

    async def add_referrers(self, subject: Digest, referrers: tuple[Descriptor, ...]) -> None:
        """Name them in the list that the tag for referrers stands for."""
        await self._file.change(
            self._at(referrers_tag(subject)),
            lambda index: self._referrers.added(index, subject, referrers, write=self._write),
        )

    async def read_back(self, reference: str) -> Digest | None:
        """Read its blob back and hash it."""
        descriptor = await self.head_manifest(reference)
        return descriptor.digest if descriptor else None

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """Read a small blob."""
        content = self._blobs.read(descriptor.digest, MAX_MANIFEST_SIZE)
        if len(content) != descriptor.size:
            raise IntegrityError(
                f"blob {descriptor.digest} has {len(content)} bytes, not {descriptor.size}",
                where=self._name,
            )
        return content

    async def has_blob(self, descriptor: Descriptor) -> bool:
        """Tell whether the blob's file is there and hashes to its name."""
        return await self._blobs.is_whole(descriptor)

    async def blob_size(self, digest: Digest) -> int | None:
        """Measure the blob's file."""
        return self._blobs.size(digest)

    async def hash_blob(self, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read the blob's file to its end, whatever its size."""
        return await self._blobs.measure(descriptor.digest)

    def open_blob(
        self, descriptor: Descriptor, offset: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Read the blob's file piece by piece."""
        return self._blobs.open(descriptor.digest, offset)

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """Write the blob to a temporary file, and give it its name once its hash is right.

        What is retried is the whole copy, from opening its source on.
        """
        where = f"{self._name}@{descriptor.digest}"
        source = checked(descriptor, open_source, where=where)

        async def attempt() -> None:
            async with source(0) as chunks:
                with explain_disk_errors(self._file.shown, self._name):
                    self._file.prepare()
                    with replace_file(self._blobs.path(descriptor.digest)) as file:
                        async for chunk in chunks:
                            await asyncio.to_thread(file.write, chunk)

        await self._retry(where, attempt)

    async def _move(self, tags: tuple[str, ...], descriptor: Descriptor | None) -> None:
        if tags:
            await self._file.move(tags, descriptor)

    def _find(self, reference: str) -> Descriptor | None:
        """Look a reference up; a folder that is no layout yet holds nothing."""
        index = self._file.load()
        digest = _digest_in(reference)
        if digest is None:
            return pick_candidate(index, reference, where=self._at(reference))
        known = index.by_digest(digest)
        if known is None and self._blobs.is_there(digest):
            return Descriptor("", digest, 0)
        return known

    def _read_entry(self, entry: Descriptor) -> Content | None:
        if not self._blobs.is_there(entry.digest):
            return None
        raw = self._blobs.read(entry.digest, MAX_MANIFEST_SIZE)
        return Content(entry.media_type, entry.digest, raw)

    def _write(self, content: Content) -> None:
        write_file(self._blobs.path(content.digest), content.raw)

    def _absent(self, reference: str) -> NotFound:
        if not (self._root / "index.json").is_file():
            return NotFound("no OCI image layout is there", where=self._name)
        if not reference:
            return NotFound("the layout holds no image", where=self._name)
        if _digest_in(reference):
            return NotFound("no such manifest in the layout", where=self._at(reference))
        tags = self._file.load().tags
        hint = f"it holds {', '.join(tags)}" if tags else ""
        return NotFound("no such tag in the layout", where=self._at(reference), hint=hint)

    def _at(self, reference: str) -> str:
        separator = "@" if _digest_in(reference) else ":"
        return f"{self._name}{separator}{reference}" if reference else self._name


def _check_size(raw: bytes, descriptor: Descriptor) -> None:
    """Compare with what index.json says, unless it names the manifest not at all."""
    if descriptor.media_type and len(raw) != descriptor.size:
        raise ValueError(
            f"index.json gives {descriptor.digest} {descriptor.size} bytes, and it has {len(raw)}"
        )


def _digest_in(reference: str) -> Digest | None:
    """Tell a digest from a tag, which in a layout may be a whole reference (`host:5000/app:1`)."""
    try:
        return parse_digest(reference)
    except ValueError:
        return None
