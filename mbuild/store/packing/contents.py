"""What an index.json reaches: manifests and blobs, and the store that each of them lies in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from mbuild.errors import NotFound, StoreError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import parse_index
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content, media_type_of, parse_image_manifest
from mbuild.store.store import Store

_MANIFESTS = media_types.INDEXES | media_types.IMAGE_MANIFESTS

Keep = Callable[[Content], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Part:
    """A blob of an archive, and the store to copy it from."""

    descriptor: Descriptor
    store: Store

    @property
    def member(self) -> str:
        """Give its name in the archive (image-spec, image-layout.md)."""
        digest = self.descriptor.digest
        return f"blobs/{digest.algorithm}/{digest.encoded}"


class Contents:
    """Gathers what entries of an index.json reach, each blob once.

    The stores are looked into in their order; `keep` is given each manifest.
    """

    def __init__(self, stores: Sequence[Store], name: str, *, keep: Keep | None = None) -> None:
        self._stores = stores
        self._name = name
        self._keep = keep
        self._parts: dict[Digest, Part] = {}

    @property
    def parts(self) -> list[Part]:
        """Give what was gathered, in the order of the names."""
        return sorted(self._parts.values(), key=lambda part: part.member)

    async def gather(self, entries: Iterable[Descriptor], *, required: bool) -> None:
        """Add what entries name, and all below.

        What is `required` and nowhere to be found is a StoreError; else it is left out.
        """
        pending = list(entries)
        while pending:
            entry = pending.pop()
            if entry.digest in self._parts:
                continue
            part = await self._find(entry)
            if part:
                self._parts[entry.digest] = part
                pending.extend(await self._below(part))
            elif required and not media_types.is_foreign_layer(entry.media_type):
                raise StoreError(
                    f"blob {entry.digest} is missing from the archive",
                    where=self._name,
                    hint="push with --force, which brings every blob again",
                )

    async def _find(self, entry: Descriptor) -> Part | None:
        for store in self._stores:
            try:
                size = await store.blob_size(entry.digest)
            except NotFound:
                continue
            # What it has counts: an entry that gives another size is carried over as it is.
            return Part(entry if size is None else replace(entry, size=size), store)
        return None

    async def _below(self, part: Part) -> tuple[Descriptor, ...]:
        """Give what a manifest names; nothing of what is none, whatever others meant by it."""
        found = part.descriptor
        if found.media_type not in _MANIFESTS or found.size > MAX_MANIFEST_SIZE:
            return ()
        raw = await part.store.fetch_blob(found)
        if self._keep:
            await self._keep(Content(found.media_type, found.digest, raw))
        try:
            if media_types.is_index(media_type_of(raw, found.media_type)):
                return parse_index(raw).manifests
            return parse_image_manifest(raw).blobs
        except ValueError:
            return ()
