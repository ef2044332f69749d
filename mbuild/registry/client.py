"""One registry: the distribution API's operations on its repositories."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.registry.blobs import Blobs
from mbuild.registry.manifests import Manifests
from mbuild.registry.referrers import Referrers
from mbuild.registry.session import Session
from mbuild.registry.source import OpenSource
from mbuild.registry.tags import DELETES_ONLY_TAG, Tags
from mbuild.registry.uploads import Upload


class Registry:
    """A registry as distribution-spec describes it; `path` is a repository's name there.

    What is asked for is retried as `transport.Policy` says. All raise Denied for 401 and 403,
    RegistryError or one of its kinds for any other failure.
    """

    def __init__(self, session: Session, *, copies: int) -> None:
        self._session = session
        self._manifests = Manifests(session)
        self._tags = Tags(session)
        self._referrers = Referrers(session, self._manifests)
        self._blobs = Blobs(session)
        self._copies = asyncio.Semaphore(copies)
        self._readings = asyncio.Semaphore(copies)

    @property
    def domain(self) -> str:
        """Give the registry's name as references write it."""
        return self._session.host.domain

    async def fetch_manifest(self, path: str, reference: str) -> Content:
        """Fetch the manifest or index under a tag or a digest ("Pulling manifests").

        At most 4 MiB. Raises NotFound for 404, IntegrityError for other bytes than asked for,
        ProtocolError for what is no manifest.
        """
        return await self._manifests.fetch(path, reference)

    async def head_manifest(self, path: str, reference: str) -> Descriptor | None:
        """Ask what a tag or digest holds, None for 404; by GET where HEAD does not say."""
        return await self._manifests.head(path, reference)

    async def put_manifest(self, path: str, reference: str, content: Content) -> Digest | None:
        """Put bytes under a tag, or under their digest ("Pushing manifests").

        Raises TagRefused where the registry will not have this tag, IntegrityError where it
        says that it stored something else. A lost reply is settled by looking. Gives what the
        registry says that it lists the manifest as a referrer of.
        """
        answer = await self._manifests.put(path, reference, content)
        return answer.subject if answer else None

    @property
    def takes_tags(self) -> bool | None:
        """Tell whether tags may come with a manifest (end-7b), None until that was tried."""
        return self._manifests.takes_tags

    async def put_tagged(
        self, path: str, content: Content, tags: tuple[str, ...]
    ) -> frozenset[str]:
        """Put bytes under their digest and offer tags beside; gives the tags that were taken."""
        return await self._manifests.put_tagged(path, content, tags)

    async def delete_tag(self, path: str, tag: str) -> bool:
        """Delete a tag and nothing else ("Deleting tags").

        False, without a request, where it is not known that no more would be deleted; False
        too where the registry refuses.
        """
        if self.domain not in DELETES_ONLY_TAG and not self.takes_tags:
            return False
        return await self._tags.delete(path, tag)

    async def list_tags(self, path: str) -> tuple[str, ...]:
        """List a repository's tags ("Listing Tags"), none where it does not exist."""
        return await self._tags.list(path)

    async def list_referrers(self, path: str, subject: Digest) -> tuple[Descriptor, ...]:
        """List what refers to a manifest, by the API or the tag for it ("Listing Referrers")."""
        return await self._referrers.list(path, subject)

    async def put_referrer(self, path: str, subject: Digest, content: Content) -> bool:
        """Put a manifest with a subject by its digest ("Pushing Manifests with Subject").

        False where the registry does not say that it lists it: `add_referrers` is for that.
        """
        return await self._referrers.put(path, subject, content)

    async def add_referrers(
        self, path: str, subject: Digest, referrers: tuple[Descriptor, ...]
    ) -> None:
        """Name manifests in the tag for referrers, all others kept ("Referrers Tag Schema")."""
        await self._referrers.add(path, subject, referrers)

    async def read_back(self, path: str, reference: str) -> Digest | None:
        """Read the digest that a tag or digest holds now, None for 404: the proof after a push.

        The bytes are fetched and hashed; on Docker Hub, where that counts as a pull, HEAD
        is asked.
        """
        return await self._manifests.read_back(path, reference)

    async def fetch_blob(self, path: str, descriptor: Descriptor) -> bytes:
        """Fetch a blob of at most 4 MiB, size and digest compared ("Pulling blobs")."""
        return await self._blobs.fetch(path, descriptor)

    async def has_blob(self, path: str, digest: Digest) -> bool:
        """Ask whether a repository has a blob."""
        return await self._blobs.has(path, digest)

    async def blob_size(self, path: str, digest: Digest) -> int | None:
        """Ask how large a blob is, None where the registry does not say; NotFound for 404."""
        return await self._blobs.size(path, digest)

    async def hash_blob(self, path: str, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read a blob to its end and give its true size and digest; nothing of it is kept.

        It stops soon after more bytes than the descriptor says. Raises NotFound for 404.
        """
        async with self._copies:
            return await self._blobs.hash(path, descriptor)

    async def mount_blob(self, path: str, digest: Digest, from_path: str) -> bool:
        """Take a blob over from another repository of this registry ("Mounting a blob").

        False where the registry declines or refuses, and the caller copies: an upload session
        that it opened instead serves for that. One that refuses is not asked again for another
        blob of the same two repositories.
        """
        return await self._blobs.mount(path, digest, from_path)

    @asynccontextmanager
    async def open_blob(
        self, path: str, descriptor: Descriptor, offset: int = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a blob from an offset on ("Pulling blobs"); whoever reads it compares it.

        A stream that breaks goes on where it stopped, by a Range request where the registry
        answers it (RFC 9110, 14.2). Raises NotFound for 404.
        """
        async with self._readings, self._blobs.open(path, descriptor, offset) as chunks:
            yield chunks

    async def upload_blob(self, path: str, descriptor: Descriptor, open_source: OpenSource) -> None:
        """Copy a blob from a source, which may be opened more than once ("Pushing blobs").

        Raises IntegrityError before the last chunk if the source's bytes are not those of
        the descriptor.
        """
        async with self._copies:
            upload = Upload(self._session, path, descriptor=descriptor, open_source=open_source)
            await upload.run(self._blobs.take_session(path, descriptor.digest))
