"""One target as it is given children: what it has, what it was given, what went wrong."""

from __future__ import annotations

from collections.abc import Coroutine, Iterable, Sequence
from typing import Any, TypeVar

from mbuild.errors import Denied, MbuildError, StorageFull, flatten
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.publish.outcome import Copied
from mbuild.publish.read.source import Child
from mbuild.publish.together import all_together
from mbuild.registry.source import OpenSource
from mbuild.store.store import Store

T = TypeVar("T")


class Receiver:
    """A target of a transfer. Errors are held in `errors`, and whoever has one is given no more.

    With `trusts`, a manifest that the target has is taken to have its blobs; else each blob is
    asked for, and each manifest put again. `placed` collects the digests of the children that
    are proven only when they are read back: all but those that a trusted target told of.
    """

    def __init__(self, store: Store, *, trusts: bool) -> None:
        self.store = store
        self.errors: list[MbuildError] = []
        self.placed: list[Digest] = []
        self._trusts = trusts
        self._blobs = 0
        self._mounted = 0
        self._bytes = 0
        self._left: set[Digest] = set()

    @property
    def copied(self) -> Copied:
        """Give what was copied up to now."""
        return Copied(self._blobs, self._mounted, self._bytes, len(self._left))

    def leave(self, layer: Descriptor) -> None:
        """Note a foreign layer that it is not given."""
        self._left.add(layer.digest)

    async def lacks(self, children: Iterable[Child]) -> tuple[Child, ...]:
        """Tell which children have to be brought."""
        unproven = [child for child in children if not self._is_proven(child)]
        self.placed.extend(child.descriptor.digest for child in unproven)
        asking = all_together(self._is_whole(child) for child in unproven)
        there = await self._held(asking) or [True] * len(unproven)
        return tuple(child for child, found in zip(unproven, there, strict=True) if not found)

    async def has(self, blob: Descriptor) -> bool | None:
        """Tell whether it has a blob, None where an error is held."""
        return await self._held(self._has(blob))

    async def mount(self, blob: Descriptor, sources: Sequence[Store]) -> bool | None:
        """Mount a blob from a repository beside it; tell whether it did, None for an error."""
        return await self._held(self._mount(blob, sources))

    async def upload(self, blob: Descriptor, open_source: OpenSource) -> bool | None:
        """Write a blob; tell whether it did, None for an error.

        Where the target has run full, nothing more is sent.
        """
        if self._is_full:
            return None
        return await self._held(self._upload(blob, open_source))

    async def put(self, contents: Iterable[Content]) -> None:
        """Put manifests under their digests, side by side."""
        puts = (self.store.put_manifest(str(content.digest), content) for content in contents)
        await self._held(all_together(puts))

    async def _held(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Give the result of some work, None where it failed; its errors are held."""
        try:
            return await work
        except MbuildError as error:
            self.errors.extend(one for one in flatten([error]) if not self._is_known(one))
            return None

    @property
    def _is_full(self) -> bool:
        return any(isinstance(error, StorageFull) for error in self.errors)

    def _is_known(self, error: MbuildError) -> bool:
        """Tell whether it says again that the target is full: one line is enough for that."""
        return isinstance(error, StorageFull) and self._is_full

    def _is_proven(self, child: Child) -> bool:
        return self._trusts and self.store.saw(child.descriptor.digest)

    async def _is_whole(self, child: Child) -> bool:
        """Tell whether the target has a child, as it is listed, with all that belongs to it.

        A target that does not let this be asked is written to, and so decides itself.
        """
        if not self._trusts:
            return False
        try:
            return await self.store.head_manifest(str(child.descriptor.digest)) == child.descriptor
        except Denied:
            return False

    async def _mount(self, blob: Descriptor, sources: Sequence[Store]) -> bool:
        for source in sources:
            if source.place == self.store.place and await self.store.mount_blob(
                blob.digest, source.path
            ):
                self._mounted += 1
                return True
        return False

    async def _has(self, blob: Descriptor) -> bool:
        try:
            return await self.store.has_blob(blob)
        except Denied:
            return False

    async def _upload(self, blob: Descriptor, open_source: OpenSource) -> bool:
        await self.store.upload_blob(blob, open_source)
        self._blobs += 1
        self._bytes += blob.size
        return True
