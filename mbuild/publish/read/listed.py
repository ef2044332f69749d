"""What an index lists: its manifests, each read, or left unread where the target has it."""

from __future__ import annotations

from dataclasses import dataclass

from mbuild.errors import ImageMismatch, NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.platform import Platform, complete
from mbuild.publish.read.earlier import find_image, is_listed
from mbuild.publish.read.parsing import parse_or_mismatch
from mbuild.publish.read.reading import Reading
from mbuild.publish.read.source import Child
from mbuild.publish.read.whole import check_whole
from mbuild.store.store import Store


@dataclass(frozen=True, slots=True)
class Listed:
    """Gets the manifests that an index in `store` lists; errors are without a place.

    With `asks`, the target's repositories are asked for what is to stay as it is, however
    likely they are to have it.
    """

    store: Store
    reading: Reading
    asks: bool = False

    async def image(self, listed: Descriptor, wanted: Platform | None) -> tuple[Child, Platform]:
        """Give an image with its platform, unread where the target has it for `wanted`."""
        wanted = wanted or listed.platform
        if wanted and await self.reading.may_be_there(self.store, str(listed.digest)):
            kept = find_image(await self.reading.presence.indexes(), listed, wanted)
            if kept and kept.platform:
                return Child(_bare(listed), self.store), kept.platform
        content = await self.content(listed)
        found = await self.reading.platform(self.store, content)
        found = complete(found, listed.platform) if listed.platform else found
        return Child(content.descriptor(), self.store, content), found

    async def attestation(self, listed: Descriptor) -> Child:
        """Give an attestation manifest, unread where the target lists it."""
        if await self._is_published(listed):
            return Child(_bare(listed), self.store, is_attestation=True)
        content = await self.content(listed)
        parse_or_mismatch(parse_image_manifest, content)
        return Child(content.descriptor(), self.store, content, is_attestation=True)

    async def kept(self, listed: Descriptor) -> Child:
        """Give a manifest that stays as it is listed, unread where the target has it."""
        is_attestation = listed.is_attestation
        if await self._is_published(listed) or await self._is_there(listed):
            return Child(_bare(listed), self.store, is_attestation=is_attestation)
        content = await self.content(listed)
        return Child(content.descriptor(), self.store, content, is_attestation)

    async def content(self, listed: Descriptor) -> Content:
        """Fetch a manifest; raises SourceError where it is gone, ImageMismatch for another size."""
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

    async def _is_published(self, listed: Descriptor) -> bool:
        """Tell whether an index that the target holds lists it: then it is there."""
        if not await self.reading.may_be_there(self.store, str(listed.digest)):
            return False
        return is_listed(await self.reading.presence.indexes(), listed)

    async def _is_there(self, listed: Descriptor) -> bool:
        """Ask the target's repositories, where one of them may well have it.

        A repository that nothing was published to has it only by chance.
        """
        presence = self.reading.presence
        if self.reading.rereads or self.store.knows(str(listed.digest)):
            return False
        is_likely = presence.is_place(self.store) or await presence.is_published()
        return (self.asks or is_likely) and await presence.holds(listed)


def _bare(listed: Descriptor) -> Descriptor:
    return Descriptor(listed.media_type, listed.digest, listed.size)
