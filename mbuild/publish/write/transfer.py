"""Transfer: bring every child of the index, with its blobs, into the target repository."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

from mbuild.errors import Denied, NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.media_types import is_foreign_layer
from mbuild.publish.outcome import Copied
from mbuild.publish.read.contents import fetch_content
from mbuild.publish.read.source import Child
from mbuild.publish.together import all_together
from mbuild.registry.source import CheckedSource
from mbuild.store.store import Store

COPIES_UNDER_WAY = 8


class Transfer:
    """Brings children into one target; each blob and each child is seen to once.

    With `trusts`, a manifest that the target has is taken to have its blobs; else each blob is
    asked for, and each manifest put again. `placed` collects the digests of the children that
    are proven only when they are read back: all but those that a trusted target told of.
    """

    def __init__(self, target: Store, *, trusts: bool) -> None:
        self._target = target
        self._trusts = trusts
        self._slots = asyncio.Semaphore(COPIES_UNDER_WAY)
        self._blobs = 0
        self._mounted = 0
        self._bytes = 0
        self.placed: list[Digest] = []

    @property
    def copied(self) -> Copied:
        """Give what was copied up to now."""
        return Copied(self._blobs, self._mounted, self._bytes)

    async def bring(self, children: tuple[Child, ...]) -> None:
        """Bring all children: those already there are left alone, blobs go before manifests.

        Raises the errors of the tree; no tag is touched here.
        """
        distinct = {child.descriptor.digest: child for child in children}
        unproven = [child for child in distinct.values() if not self._is_proven(child)]
        self.placed.extend(child.descriptor.digest for child in unproven)
        there = await all_together(self._is_whole(child) for child in unproven)
        missing = [child for child, found in zip(unproven, there, strict=True) if not found]
        contents = await all_together(_load(child) for child in missing)
        blobs = {
            blob.digest: (blob, child.store)
            for child, content in zip(missing, contents, strict=True)
            for blob in parse_image_manifest(content.raw).blobs
            if not is_foreign_layer(blob.media_type)
        }
        await all_together(self._bring_blob(blob, store) for blob, store in blobs.values())
        await all_together(
            self._target.put_manifest(str(content.digest), content) for content in contents
        )

    def _is_proven(self, child: Child) -> bool:
        return self._trusts and self._target.saw(child.descriptor.digest)

    async def _is_whole(self, child: Child) -> bool:
        """Tell whether the target has a child, as it is listed, with all that belongs to it.

        A target that does not let this be asked is written to, and so decides itself.
        """
        if not self._trusts:
            return False
        try:
            return (
                await self._target.head_manifest(str(child.descriptor.digest)) == child.descriptor
            )
        except Denied:
            return False

    async def _has_blob(self, blob: Descriptor) -> bool:
        try:
            return await self._target.has_blob(blob)
        except Denied:
            return False

    async def _bring_blob(self, blob: Descriptor, source: Store) -> None:
        async with self._slots:
            if await self._has_blob(blob):
                return
            if source.place == self._target.place and await self._target.mount_blob(
                blob.digest, source.path
            ):
                self._mounted += 1
                return

            reading = CheckedSource(
                blob,
                lambda offset: _open(source, blob, offset),
                where=f"{source.name}@{blob.digest}",
            )
            await self._target.upload_blob(blob, reading)
            self._blobs += 1
            self._bytes += blob.size


async def _load(child: Child) -> Content:
    """Give a child's bytes, and fetch those that had not to be read up to now."""
    return child.content or await fetch_content(child, child.store.fetch_manifest)


@asynccontextmanager
async def _open(
    source: Store, blob: Descriptor, offset: int
) -> AsyncIterator[AsyncIterator[bytes]]:
    async with AsyncExitStack() as stack:
        try:
            chunks = await stack.enter_async_context(source.open_blob(blob, offset))
        except NotFound as error:
            raise SourceError(
                f"a blob of the image does not exist: {error.message}",
                where=error.where,
                hint="build and push the image again",
            ) from error
        yield chunks
