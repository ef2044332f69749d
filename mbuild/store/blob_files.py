"""The blobs of a layout as files, each under its digest (image-spec, image-layout.md, "Blobs")."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from mbuild.errors import IntegrityError, NotFound
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.store.files import CHUNK, explain_disk_errors, hash_file


class BlobFiles:
    """The files below `blobs/` of a layout that is called `name` in errors.

    What the disk does not let be done is a StoreError.
    """

    def __init__(self, root: Path, name: str) -> None:
        self._root = root
        self._name = name

    def path(self, digest: Digest) -> Path:
        """Give where a blob is, or will be."""
        return self._root / "blobs" / digest.algorithm / digest.encoded

    def is_there(self, digest: Digest) -> bool:
        """Tell whether there is a file for a blob, whatever is in it."""
        path = self.path(digest)
        with explain_disk_errors(path, self._name):
            return path.is_file()

    def read(self, digest: Digest, limit: int) -> bytes:
        """Read a blob of at most `limit` bytes; IntegrityError for other bytes than its own."""
        path = self._existing(digest)
        with explain_disk_errors(path, self._name), path.open("rb") as file:
            content = file.read(limit + 1)
        if len(content) > limit:
            raise IntegrityError(f"blob {digest} is larger than {limit} bytes", where=self._name)
        if not digest.matches(content):
            raise IntegrityError(f"blob {digest} does not hash to its name", where=self._name)
        return content

    async def is_whole(self, descriptor: Descriptor) -> bool:
        """Tell whether a blob's file is there and hashes to its name."""
        path = self.path(descriptor.digest)
        with explain_disk_errors(path, self._name):
            if not path.is_file() or path.stat().st_size != descriptor.size:
                return False
            return await asyncio.to_thread(hash_file, path, descriptor.digest) == descriptor.digest

    def size(self, digest: Digest) -> int:
        """Measure a blob's file; NotFound if there is none."""
        path = self._existing(digest)
        with explain_disk_errors(path, self._name):
            return path.stat().st_size

    async def measure(self, named: Digest) -> tuple[int, Digest]:
        """Read a blob's file to its end, whatever its size; NotFound if there is none."""
        path = self._existing(named)
        with explain_disk_errors(path, self._name):
            digest = await asyncio.to_thread(hash_file, path, named)
            return path.stat().st_size, digest

    @contextlib.asynccontextmanager
    async def open(self, digest: Digest, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read a blob's file piece by piece; NotFound if there is none."""
        path = self._existing(digest)
        with explain_disk_errors(path, self._name):
            file = path.open("rb")
            file.seek(offset)

        # What fails while the reader has the floor is the reader's error, not this file's.
        async def chunks() -> AsyncIterator[bytes]:
            while chunk := await read():
                yield chunk

        async def read() -> bytes:
            with explain_disk_errors(path, self._name):
                return await asyncio.to_thread(file.read, CHUNK)

        with file:
            yield chunks()

    def _existing(self, digest: Digest) -> Path:
        if not self.is_there(digest):
            raise NotFound(f"blob {digest} is missing from the layout", where=self._name)
        return self.path(digest)
