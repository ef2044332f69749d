"""A repository in a registry, as a store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.oci.reference import Reference
from mbuild.registry.client import Registry
from mbuild.store.store import OpenSource


class RepositoryStore:
    """The repository of `reference` behind a registry client; `Store` says what it does."""

    def __init__(self, registry: Registry, reference: Reference) -> None:
        self._registry = registry
        self._path = reference.path
        self._place = reference.domain
        self._name = reference.familiar
        self._seen: set[Digest] = set()

    @property
    def name(self) -> str:
        """Give the repository's name as people write it."""
        return self._name

    @property
    def place(self) -> str:
        """Give the registry's domain."""
        return self._place

    @property
    def path(self) -> str:
        """Give the repository's name within the registry."""
        return self._path

    @property
    def keeps_whole(self) -> bool:
        """Give True: a registry takes a manifest only when its blobs are there."""
        return True

    def saw(self, digest: Digest) -> bool:
        """Tell of what was fetched, asked for or put in this run."""
        return digest in self._seen

    def knows(self, _reference: str) -> bool:
        """Give False: nothing is kept from one run to the next."""
        return False

    async def fetch_manifest(self, reference: str) -> Content:
        """See distribution-spec, "Pulling manifests"."""
        content = await self._registry.fetch_manifest(self._path, reference)
        self._seen.add(content.digest)
        return content

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """See distribution-spec, "Checking if content exists in the registry"."""
        found = await self._registry.head_manifest(self._path, reference)
        if found:
            self._seen.add(found.digest)
        return found

    async def put_manifest(self, reference: str, content: Content) -> None:
        """See distribution-spec, "Pushing Manifests"."""
        await self._registry.put_manifest(self._path, reference, content)
        self._seen.add(content.digest)

    async def read_back(self, reference: str) -> Digest | None:
        """Read its bytes and hash them, except where that would count as a pull."""
        return await self._registry.read_back(self._path, reference)

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """See distribution-spec, "Pulling blobs"."""
        return await self._registry.fetch_blob(self._path, descriptor)

    async def has_blob(self, descriptor: Descriptor) -> bool:
        """See distribution-spec, "Checking if content exists in the registry"."""
        return await self._registry.has_blob(self._path, descriptor.digest)

    async def blob_size(self, digest: Digest) -> int | None:
        """See distribution-spec, "Checking if content exists in the registry"."""
        return await self._registry.blob_size(self._path, digest)

    async def hash_blob(self, descriptor: Descriptor) -> tuple[int, Digest]:
        """See distribution-spec, "Pulling blobs"."""
        return await self._registry.hash_blob(self._path, descriptor)

    async def mount_blob(self, digest: Digest, source_path: str) -> bool:
        """See distribution-spec, "Mounting a blob from another repository"."""
        return await self._registry.mount_blob(self._path, digest, source_path)

    def open_blob(
        self, descriptor: Descriptor
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream the blob; see distribution-spec, "Pulling blobs"."""
        return self._registry.open_blob(self._path, descriptor)

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """See distribution-spec, "Pushing blobs"."""
        await self._registry.upload_blob(self._path, descriptor, open_source)
