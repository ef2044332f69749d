"""An OCI archive that is written to, as a store; `Store` says what each method does."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Sequence

from mbuild.errors import NotFound
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.registry.source import OpenSource
from mbuild.store.on_disk import OnDisk
from mbuild.store.packing.bundle import Bundle
from mbuild.store.store import Store


class ArchiveTarget(OnDisk):
    """The archive of a bundle. Blobs and manifests are staged; a tag that moves packs them."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self.name = bundle.name
        self.place = bundle.name
        self.path = bundle.path

    @property
    def keeps_whole(self) -> bool:
        """Give True: it is packed whole or not at all."""
        return True

    @property
    def takes_tags(self) -> bool | None:
        """Give True: the archive is packed once for all of them."""
        return True

    async def candidates(self, reference: str) -> tuple[Descriptor, ...]:
        """Look it up in index.json."""
        return await self._bundle.read(lambda stores: stores[0].candidates(reference))

    async def fetch_manifest(self, reference: str) -> Content:
        """Read what was staged, else what the archive holds."""
        return await self._bundle.read(lambda stores: stores[0].fetch_manifest(reference))

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """Look a manifest up."""
        return await self._bundle.read(lambda stores: stores[0].head_manifest(reference))

    async def put_manifest(self, reference: str, content: Content) -> None:
        """Stage it, and for a tag pack the archive.

        It is packed too where index.json names the manifest already: then it was put again,
        with its blobs, to mend the archive.
        """
        staged = await self._bundle.stage()
        await staged.put_manifest(reference, content)
        if reference == str(content.digest) and self._bundle.names(content.digest):
            await self._bundle.pack(f"{self.name}@{reference}")

    async def put_tagged(self, content: Content, tags: tuple[str, ...]) -> frozenset[str]:
        """Stage the manifest, and pack the archive once for all tags."""
        staged = await self._bundle.stage()
        return await staged.put_tagged(content, tags)

    async def delete_tag(self, tag: str) -> bool:
        """Pack the archive without the tag."""
        staged = await self._bundle.stage()
        return await staged.delete_tag(tag)

    async def list_tags(self) -> tuple[str, ...]:
        """List the names that index.json gives."""
        return await self._bundle.read(lambda stores: stores[0].list_tags())

    async def list_referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Look for them in what index.json names, and under the tag for referrers."""
        return await self._bundle.read(lambda stores: stores[0].list_referrers(subject))

    async def put_referrer(self, subject: Digest, content: Content) -> bool:
        """Stage it; False: nothing in index.json leads to it yet."""
        staged = await self._bundle.stage()
        return await staged.put_referrer(subject, content)

    async def add_referrers(self, subject: Digest, referrers: tuple[Descriptor, ...]) -> None:
        """Pack the archive with a longer list of referrers."""
        staged = await self._bundle.stage()
        await staged.add_referrers(subject, referrers)

    async def read_back(self, reference: str) -> Digest | None:
        """Read it from the archive, and not from what is staged."""
        return await self._bundle.read(lambda stores: stores[-1].read_back(reference))

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """Read a small blob."""

        async def ask(stores: Sequence[Store]) -> bytes:
            store, _ = await _holder(stores, descriptor.digest)
            return await store.fetch_blob(descriptor)

        return await self._bundle.read(ask)

    async def has_blob(self, descriptor: Descriptor) -> bool:
        """Tell whether it is there and hashes to its name."""
        try:
            return await self.hash_blob(descriptor) == (descriptor.size, descriptor.digest)
        except NotFound:
            return False

    async def blob_size(self, digest: Digest) -> int | None:
        """Measure it."""
        _, size = await self._bundle.read(lambda stores: _holder(stores, digest))
        return size

    async def hash_blob(self, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read it to its end."""

        async def ask(stores: Sequence[Store]) -> tuple[int, Digest]:
            store, _ = await _holder(stores, descriptor.digest)
            return await store.hash_blob(descriptor)

        return await self._bundle.read(ask)

    @contextlib.asynccontextmanager
    async def open_blob(
        self, descriptor: Descriptor, offset: int = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Read it piece by piece."""
        store, _ = await self._bundle.read(lambda stores: _holder(stores, descriptor.digest))
        async with store.open_blob(descriptor, offset) as chunks:
            yield chunks

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """Stage it, size and digest checked."""
        staged = await self._bundle.stage()
        await staged.upload_blob(descriptor, open_source)


async def _holder(stores: Sequence[Store], digest: Digest) -> tuple[Store, int | None]:
    """Give the first store that holds a blob, with its size; raises NotFound."""
    *others, last = stores
    for store in others:
        with contextlib.suppress(NotFound):
            return store, await store.blob_size(digest)
    return last, await last.blob_size(digest)
