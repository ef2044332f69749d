"""Pack: an index.json and what it reaches become the file of an OCI archive."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterable
from pathlib import Path

from mbuild.errors import StoreError
from mbuild.store.layout_index import LAYOUT_FILE, LayoutIndex
from mbuild.store.packing.contents import Part
from mbuild.store.packing.tar import TarWriter

_MODE = 0o644


async def write_archive(path: Path, index: LayoutIndex, parts: Iterable[Part]) -> None:
    """Write an archive, and see it on the disk.

    The same index and parts give the same bytes: what names the rest comes first, then the
    blobs in the order given. Raises StoreError for a blob that is not what its name says, and
    OSError.
    """
    with path.open("wb") as file:
        writer = TarWriter(file)
        writer.add("oci-layout", LAYOUT_FILE)
        writer.add("index.json", index.to_bytes())
        for part in parts:
            await _add(writer, part)
        writer.close()
        file.flush()
        os.fchmod(file.fileno(), _MODE)
        await asyncio.to_thread(os.fsync, file.fileno())


async def _add(writer: TarWriter, part: Part) -> None:
    descriptor = part.descriptor
    hasher, left = descriptor.digest.hasher(), descriptor.size

    def write(chunk: bytes) -> None:
        hasher.update(chunk)
        writer.write(chunk)

    writer.begin(part.member, descriptor.size)
    async with part.store.open_blob(descriptor) as chunks:
        async for chunk in chunks:
            left -= len(chunk)
            await asyncio.to_thread(write, chunk)
    if left or hasher.hexdigest() != descriptor.digest.encoded:
        raise StoreError(
            f"blob {descriptor.digest} does not hash to its name",
            where=part.store.name,
            hint="push with --force, which brings every blob again",
        )
    writer.end()
