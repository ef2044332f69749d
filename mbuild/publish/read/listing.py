"""A source that is an index: the images that are taken from it, with their attestations."""

from __future__ import annotations

from dataclasses import dataclass

from mbuild.errors import ImageMismatch, NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index, parse_index
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.platform import Platform, complete
from mbuild.publish.read.choose import choose_entries
from mbuild.publish.read.earlier import find_image, is_listed
from mbuild.publish.read.parsing import parse_or_mismatch
from mbuild.publish.read.reading import Reading
from mbuild.publish.read.source import Attestation, Child, Source
from mbuild.publish.read.whole import check_whole
from mbuild.publish.together import all_together, both
from mbuild.spec.spec import AttestationPolicy, Entry
from mbuild.store.store import Store


@dataclass(frozen=True, slots=True)
class Listing:
    """Reads what an entry takes from an index in `store`; errors are without a place."""

    entry: Entry
    store: Store
    reading: Reading
    policy: AttestationPolicy

    async def read(self, content: Content) -> tuple[Source, ...]:
        """Give the image for the entry's platform, or all where none is said."""
        index = parse_or_mismatch(parse_index, content)
        chosen = choose_entries(index, self.entry.platform)
        return await all_together(self._source(content, index, listed) for listed in chosen)

    async def _source(self, origin: Content, index: Index, listed: Descriptor) -> Source:
        wanted = () if self.policy == "strip" else index.attestations_of(listed)
        (child, found), attestations = await both(
            self._child(listed),
            all_together(self._attestation(entry) for entry in wanted),
        )
        named = origin.descriptor()
        return Source(self.entry, named, child, found, listed, origin, attestations)

    async def _child(self, listed: Descriptor) -> tuple[Child, Platform]:
        """Give an image of a source index with its platform, unread where the target has it."""
        wanted = self.entry.platform or listed.platform
        if wanted and await self.reading.may_be_there(self.store, str(listed.digest)):
            kept = find_image(await self.reading.presence.indexes(), listed, wanted)
            if kept and kept.platform:
                return Child(_bare(listed), self.store), kept.platform
        content = await self._content(listed)
        found = await self.reading.platform(self.store, content)
        found = complete(found, listed.platform) if listed.platform else found
        return Child(content.descriptor(), self.store, content), found

    async def _attestation(self, entry: Descriptor) -> Attestation:
        if await self.reading.may_be_there(self.store, str(entry.digest)) and is_listed(
            await self.reading.presence.indexes(), entry
        ):
            return Attestation(entry, Child(_bare(entry), self.store, is_attestation=True))
        content = await self._content(entry)
        parse_or_mismatch(parse_image_manifest, content)
        child = Child(content.descriptor(), self.store, content, is_attestation=True)
        return Attestation(entry, child)

    async def _content(self, listed: Descriptor) -> Content:
        try:
            content = await self.reading.library.manifest(self.store, str(listed.digest))
        except NotFound as error:
            raise SourceError(
                f"it is an index that lists {listed.digest}, which does not exist",
                hint="build and push it again",
            ) from error
        if content.size != listed.size:
            raise ImageMismatch(
                f"it is an index that gives {listed.digest} {listed.size} bytes, "
                f"and the manifest has {content.size}"
            )
        await check_whole(self.reading.library, self.store, content)
        return content


def _bare(listed: Descriptor) -> Descriptor:
    return Descriptor(listed.media_type, listed.digest, listed.size)
