"""The interface that a repository in a registry and an OCI image layout share."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import Protocol

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.registry.source import OpenSource


class Store(Protocol):
    """One repository: manifests by tag or digest, and blobs by digest.

    `reference` is a tag or a digest as text; a layout also takes the empty text, which
    means its only image. All methods raise errors of the tree in `mbuild.errors`.
    """

    @property
    def name(self) -> str:
        """Give the repository's name as people write it."""

    @property
    def place(self) -> str:
        """Give what is shared by repositories between which blobs can be mounted."""

    @property
    def path(self) -> str:
        """Give the repository's name within its place."""

    @property
    def keeps_whole(self) -> bool:
        """Tell whether a manifest that is there is sure to have its blobs.

        A registry takes no manifest without them; a folder may have lost some.
        """

    def saw(self, digest: Digest) -> bool:
        """Tell whether the registry has said in this run that it holds this manifest here.

        A folder is looked into each time: there it is never so.
        """

    def knows(self, reference: str) -> bool:
        """Tell whether a cache knows what the reference held last, with its bytes.

        Then a digest costs no request to fetch, and a tag that has not moved one HEAD.
        """

    async def candidates(self, reference: str) -> tuple[Descriptor, ...]:
        """Give the images that a tag, or no tag, may mean; one that is not unclear may be left out.

        A registry has one for each tag. In a layout or archive there may be several, which
        `fetch_manifest` refuses to tell apart: its caller chooses, and asks by digest.
        """

    async def fetch_manifest(self, reference: str) -> Content:
        """Fetch a manifest or index; NotFound if there is none."""

    async def head_manifest(self, reference: str) -> Descriptor | None:
        """Tell what a reference names, None if nothing."""

    async def put_manifest(self, reference: str, content: Content) -> None:
        """Write a manifest under its digest, or under a tag that then moves to it."""

    @property
    def takes_tags(self) -> bool | None:
        """Tell whether `put_tagged` moves tags; None while that is not known of a registry."""

    async def put_tagged(self, content: Content, tags: tuple[str, ...]) -> frozenset[str]:
        """Write a manifest under its digest, and offer tags that are to move to it with it.

        Gives the tags that have moved; the others are for `put_manifest`.
        """

    async def delete_tag(self, tag: str) -> bool:
        """Delete a tag and nothing else; False where that cannot be had."""

    async def list_tags(self) -> tuple[str, ...]:
        """List the tags, none where there is no such repository or folder."""

    async def list_referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """List the manifests that have this one, which need not be there, as their subject."""

    async def put_referrer(self, subject: Digest, content: Content) -> bool:
        """Write a manifest that refers to another under its digest.

        False where it is not listed by that alone: `add_referrers` is to be called then.
        """

    async def add_referrers(self, subject: Digest, referrers: tuple[Descriptor, ...]) -> None:
        """Let manifests that were written be listed as referrers, all others kept."""

    async def read_back(self, reference: str) -> Digest | None:
        """Read back what a tag or digest holds now, as a puller would see it."""

    async def fetch_blob(self, descriptor: Descriptor) -> bytes:
        """Fetch a small blob (4 MiB at most), size and digest checked."""

    async def has_blob(self, descriptor: Descriptor) -> bool:
        """Tell whether the blob is there, whole as far as that can be told without reading it."""

    async def blob_size(self, digest: Digest) -> int | None:
        """Tell how large a blob is without reading it, None where the store does not say.

        Raises NotFound if there is none.
        """

    async def hash_blob(self, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read a blob to its end, and give the size and digest that it has.

        More bytes than the descriptor says need not be read. Raises NotFound if there is none.
        """

    async def mount_blob(self, digest: Digest, source_path: str) -> bool:
        """Take a blob over from the repository at `source_path` in the same place.

        False where that is not possible or was declined: the caller copies it.
        """

    def open_blob(
        self, descriptor: Descriptor, offset: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a stream of the blob's bytes from an offset on, which is not past its end.

        Whoever reads it compares size and digest. Raises NotFound if there is no such blob.
        """

    async def upload_blob(self, descriptor: Descriptor, open_source: OpenSource) -> None:
        """Write a blob from a stream, size and digest checked before it is there to be seen.

        The source may be opened more than once, at any offset: what breaks goes on from there.
        """
