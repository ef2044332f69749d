"""An OCI image layout directory, as a store (image-spec, image-layout.md)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from mbuild.errors import IntegrityError, NotFound, StoreError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content, media_type_of
from mbuild.store.files import Sleep, explain_disk_errors, lock_folder, replace_file, write_file
from mbuild.store.layout_index import (
    LAYOUT_FILE,
    LayoutIndex,
    check_layout_file,
    parse_layout_index,
)
from mbuild.store.store import OpenSource

CHUNK = 1024 * 1024


class LayoutStore:
    """The layout in a directory; `Store` says what each method does.

    Writes are atomic, and the layout's lock is held while its index.json is rewritten, so
    that concurrent writers, in this process or in others, lose nothing of each other.
    """

    def __init__(self, directory: str, *, sleep: Sleep = asyncio.sleep) -> None:
        self._root = Path(directory)
        self._name = f"oci:{directory}"
        self._sleep = sleep

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

    async def fetch_manifest(self, reference: str) -> Content:
        """Read a manifest by tag, by digest, or the layout's only one (empty text)."""
        descriptor = self._find(reference)
        if descriptor is None:
            raise NotFound(f"no such {_noun(reference)} in the layout", where=self._at(reference))
        raw = self._read(descriptor.digest, MAX_MANIFEST_SIZE)
        with _blaming(self._at(reference)):
            media_type = media_type_of(raw, descriptor.media_type)
        return Content(media_type, descriptor.digest, raw)

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """Look a manifest up, and measure its blob."""
        if not self._root.exists():
            return None
        descriptor = self._find(reference)
        if descriptor is None or not self._blob_path(descriptor.digest).is_file():
            return None
        content = await self.fetch_manifest(reference)
        return content.descriptor()

    async def put_manifest(self, reference: str, content: Content) -> None:
        """Write the blob, and for a tag move its entry in index.json, all others kept."""
        with explain_disk_errors(self._root):
            self._prepare()
            path = self._blob_path(content.digest)
            if not path.exists():
                await asyncio.to_thread(write_file, path, content.raw)
            if not _is_digest(reference):
                await self._move_tag(reference, content)

    async def read_tag(self, tag: str) -> Digest | None:
        """Read the tag's blob back and hash it."""
        descriptor = await self.head_manifest(tag)
        return descriptor.digest if descriptor else None

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """Read a small blob."""
        content = self._read(descriptor.digest, MAX_MANIFEST_SIZE)
        if len(content) != descriptor.size:
            raise IntegrityError(
                f"blob {descriptor.digest} has {len(content)} bytes, not {descriptor.size}",
                where=self._name,
            )
        return content

    async def has_blob(self, digest: Digest) -> bool:
        """Tell whether the blob's file is there."""
        return self._blob_path(digest).is_file()

    async def mount_blob(self, digest: Digest, source_path: str) -> bool:  # noqa: ARG002
        """Give False: layouts share no blobs."""
        return False

    @contextlib.asynccontextmanager
    async def open_blob(self, descriptor: Descriptor) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read the blob's file piece by piece."""
        path = self._existing_blob(descriptor.digest)
        with explain_disk_errors(path), path.open("rb") as file:

            async def chunks() -> AsyncIterator[bytes]:
                while chunk := await asyncio.to_thread(file.read, CHUNK):
                    yield chunk

            yield chunks()

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """Write the blob to a temporary file, and give it its name once its hash is right."""
        path = self._blob_path(descriptor.digest)
        with explain_disk_errors(path):
            self._prepare()
            async with open_source() as chunks:
                with replace_file(path) as file:
                    hasher, size = descriptor.digest.hasher(), 0
                    async for chunk in chunks:
                        await asyncio.to_thread(file.write, chunk)
                        hasher.update(chunk)
                        size += len(chunk)
                    if size != descriptor.size or hasher.hexdigest() != descriptor.digest.encoded:
                        raise IntegrityError(
                            f"blob {descriptor.digest} arrived with other bytes ({size} of "
                            f"{descriptor.size})",
                            where=self._name,
                        )

    def _find(self, reference: str) -> Descriptor | None:
        index = self._load_index()
        if index is None:
            raise NotFound("no OCI image layout is there", where=self._name)
        with _blaming(self._at(reference)):
            if not _is_digest(reference):
                return index.find(reference)
            digest = parse_digest(reference)
        known = index.by_digest(digest)
        if known is None and self._blob_path(digest).is_file():
            return Descriptor("", digest, 0)
        return known

    def _load_index(self) -> LayoutIndex | None:
        path = self._root / "index.json"
        with explain_disk_errors(path):
            try:
                raw = path.read_bytes()
            except (FileNotFoundError, NotADirectoryError):
                return None
            with _blaming(self._name):
                check_layout_file(self._root)
                return parse_layout_index(raw)

    def _prepare(self) -> None:
        """Make the folder a layout, if it is not one yet."""
        self._root.mkdir(parents=True, exist_ok=True)
        marker = self._root / "oci-layout"
        if not marker.exists():
            write_file(marker, LAYOUT_FILE)

    async def _move_tag(self, tag: str, content: Content) -> None:
        async with lock_folder(self._root, self._sleep):
            index = self._load_index() or LayoutIndex.empty()
            moved = index.with_tag(tag, content.descriptor())
            await asyncio.to_thread(write_file, self._root / "index.json", moved.to_bytes())

    def _read(self, digest: Digest, limit: int) -> bytes:
        path = self._existing_blob(digest)
        with explain_disk_errors(path), path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise IntegrityError(f"blob {digest} is larger than {limit} bytes", where=self._name)
        if not digest.matches(content):
            raise IntegrityError(f"blob {digest} does not hash to its name", where=self._name)
        return content

    def _existing_blob(self, digest: Digest) -> Path:
        path = self._blob_path(digest)
        if not path.is_file():
            raise NotFound(f"blob {digest} is missing from the layout", where=self._name)
        return path

    def _blob_path(self, digest: Digest) -> Path:
        return self._root / "blobs" / digest.algorithm / digest.encoded

    def _at(self, reference: str) -> str:
        separator = "@" if _is_digest(reference) else ":"
        return f"{self._name}{separator}{reference}" if reference else self._name


def _is_digest(reference: str) -> bool:
    return ":" in reference


def _noun(reference: str) -> str:
    return "manifest" if _is_digest(reference) else "tag"


@contextlib.contextmanager
def _blaming(where: str):  # type: ignore[no-untyped-def]
    try:
        yield
    except ValueError as error:
        raise StoreError(f"the layout is broken: {error.args[0]}", where=where) from None
