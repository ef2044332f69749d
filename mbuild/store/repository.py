"""A repository in a registry, as a store; what a cache knows of it is not asked for again."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

from mbuild.errors import NotFound
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content, media_type_of
from mbuild.oci.reference import Reference
from mbuild.registry.client import Registry
from mbuild.registry.source import OpenSource
from mbuild.store.cache import Cache, NoCache


class RepositoryStore:
    """The repository of `reference` behind a registry client; `Store` says what it does.

    What a digest names is taken from the cache where this repository is known to have held it;
    what a tag names now is always asked of the registry.
    """

    def __init__(
        self, registry: Registry, reference: Reference, *, cache: Cache | None = None
    ) -> None:
        self._registry = registry
        self._path = reference.path
        self._place = reference.domain
        self._name = reference.familiar
        self._cache = cache or NoCache()
        self._seen: set[Digest] = set()
        self._listed: set[tuple[Digest, Digest]] = set()

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
        """Tell whether the registry said in this run that the manifest is in this repository."""
        return digest in self._seen

    def knows(self, reference: str) -> bool:
        """Tell whether the cache knows what the reference held, with its bytes."""
        return self._cache.recall(self._at(reference)) is not None

    async def candidates(self, _reference: str) -> tuple[Descriptor, ...]:
        """Give none: a tag names one manifest, and it is not known which before it is asked for."""
        return ()

    async def fetch_manifest(self, reference: str) -> Content:
        """See distribution-spec, "Pulling manifests".

        A tag that the cache knows is asked for by HEAD, which no registry counts as a pull;
        its bytes are fetched only where they are new.
        """
        content = await self._fetch_known(reference)
        if content is None:
            content = await self._fetch_new(reference)
        return content

    async def _fetch_known(self, reference: str) -> Content | None:
        known = self._cache.recall(self._at(reference))
        if known is None or str(known.digest) == reference:
            return self._cache.content(known.digest) if known else None
        held = await self.head_manifest(reference)
        content = self._cache.content(held.digest) if held else None
        return content if content and content.descriptor() == held else None

    async def _fetch_new(self, reference: str) -> Content:
        try:
            content = await self._registry.fetch_manifest(self._path, reference)
        except NotFound:
            self._cache.note(self._at(reference), None)
            raise
        self._keep(reference, content)
        return content

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """See distribution-spec, "Checking if content exists in the registry"."""
        held = await self._registry.head_manifest(self._path, reference)
        self._note(reference, held)
        return held

    async def put_manifest(self, reference: str, content: Content) -> None:
        """See distribution-spec, "Pushing Manifests"."""
        subject = await self._registry.put_manifest(self._path, reference, content)
        if subject:
            self._listed.add((subject, content.digest))
        self._keep(reference, content)

    @property
    def takes_tags(self) -> bool | None:
        """Tell what the registry has shown in this run."""
        return self._registry.takes_tags

    async def put_tagged(self, content: Content, tags: tuple[str, ...]) -> frozenset[str]:
        """See distribution-spec, "Pushing Manifests with Tags"."""
        taken = await self._registry.put_tagged(self._path, content, tags)
        for reference in (str(content.digest), *taken):
            self._keep(reference, content)
        return taken

    async def delete_tag(self, tag: str) -> bool:
        """See distribution-spec, "Deleting tags"."""
        is_deleted = await self._registry.delete_tag(self._path, tag)
        if is_deleted:
            self._note(tag, None)
        return is_deleted

    async def list_tags(self) -> tuple[str, ...]:
        """See distribution-spec, "Listing Tags"."""
        return await self._registry.list_tags(self._path)

    async def list_referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """See distribution-spec, "Listing Referrers"."""
        return await self._registry.list_referrers(self._path, subject)

    async def put_referrer(self, subject: Digest, content: Content) -> bool:
        """See distribution-spec, "Pushing Manifests with Subject"."""
        if (subject, content.digest) in self._listed:
            return True
        is_listed = await self._registry.put_referrer(self._path, subject, content)
        self._keep(str(content.digest), content)
        return is_listed

    async def add_referrers(self, subject: Digest, referrers: tuple[Descriptor, ...]) -> None:
        """See distribution-spec, "Referrers Tag Schema"."""
        await self._registry.add_referrers(self._path, subject, referrers)

    async def read_back(self, reference: str) -> Digest | None:
        """Read its bytes and hash them, except where that would count as a pull."""
        digest = await self._registry.read_back(self._path, reference)
        if digest:
            self._seen.add(digest)
        return digest

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """See distribution-spec, "Pulling blobs"."""
        raw = self._cache.blob(descriptor.digest)
        if raw is None or len(raw) != descriptor.size:
            raw = await self._registry.fetch_blob(self._path, descriptor)
            self._cache.keep_blob(descriptor.digest, raw)
        return raw

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
        self, descriptor: Descriptor, offset: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Stream the blob; see distribution-spec, "Pulling blobs"."""
        return self._registry.open_blob(self._path, descriptor, offset)

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """See distribution-spec, "Pushing blobs"."""
        await self._registry.upload_blob(self._path, descriptor, open_source)

    def _keep(self, reference: str, content: Content) -> None:
        # The cache is for all registries: one's word for bytes is not to stand for another's.
        if content.media_type == _told_by(content.raw):
            self._cache.keep(content)
        self._note(reference, content.descriptor())

    def _note(self, reference: str, held: Descriptor | None) -> None:
        """Note what the registry has just said that a tag or digest holds."""
        self._cache.note(self._at(reference), held)
        if held is None:
            return
        self._seen.add(held.digest)
        if ":" not in reference:
            self._cache.note(self._at(str(held.digest)), held)

    def _at(self, reference: str) -> str:
        return f"{self._place.lower()}/{self._path}{'@' if ':' in reference else ':'}{reference}"


def _told_by(raw: bytes) -> str:
    """Give the media type that a manifest's bytes tell by themselves, or empty text."""
    try:
        return media_type_of(raw, "")
    except ValueError:
        return ""
