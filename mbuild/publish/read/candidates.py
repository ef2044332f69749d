"""Which image of a layout or archive is meant, where its name alone may mean several."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from mbuild.errors import ImageMismatch
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import parse_index
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform, complete, satisfies
from mbuild.publish.read.library import Library
from mbuild.publish.read.parsing import parse_child, parse_or_mismatch, platform_in
from mbuild.publish.together import all_together
from mbuild.store.layout_index import REF_NAME
from mbuild.store.store import Store

DEEPEST = 8
"""So many indexes within one another are looked into for their platforms."""


@dataclass(frozen=True, slots=True)
class Offer:
    """A candidate, with the platforms it has an image for and the manifests it lists."""

    descriptor: Descriptor
    platforms: tuple[Platform, ...] = ()
    lists: frozenset[Digest] = frozenset()

    def fits(self, wanted: Platform) -> bool:
        """Tell whether it has an image for a platform."""
        return any(satisfies(platform, wanted) for platform in self.platforms)

    def __str__(self) -> str:
        """Give tag, digest and platforms."""
        tag = self.descriptor.annotation(REF_NAME) or "no tag"
        platforms = " ".join(map(str, self.platforms)) or "no platform"
        return f"{tag} ({self.descriptor.digest}, {platforms})"


async def choose_candidate(
    store: Store, reference: str, *, platform: Platform | None, library: Library
) -> str:
    """Give what to ask the store for: `reference`, or the digest of the image for `platform`.

    An image that another candidate lists is a part of that one. Where no platform is said and
    several are left, the reference is given back: the store tells what is unclear. Raises
    ImageMismatch, which lists them, where none or more than one of them is for the platform.
    """
    candidates = await store.candidates(reference)
    if len(candidates) < 2:
        return reference
    reader = _Reader(store, library)
    offers = _whole(await all_together(reader.offer(one) for one in candidates))
    fitting = [offer for offer in offers if platform is None or offer.fits(platform)]
    if len(fitting) == 1:
        return str(fitting[0].descriptor.digest)
    if platform is None:
        return reference
    raise _unclear(platform, fitting, offers)


def _whole(offers: Sequence[Offer]) -> list[Offer]:
    """Leave out what is listed by another."""
    listed = frozenset[Digest]().union(*(offer.lists for offer in offers))
    return [offer for offer in offers if offer.descriptor.digest not in listed]


def _unclear(platform: Platform, fitting: list[Offer], offers: list[Offer]) -> ImageMismatch:
    count = f"{len(fitting)} of them are" if fitting else "none of them is"
    names = ", ".join(map(str, fitting or offers))
    return ImageMismatch(
        f"it stands for several images, and {count} for {platform}: {names}",
        hint="name one by its tag or its digest",
    )


class _Reader:
    """Reads what candidates are for: their entries say it, else their configs."""

    def __init__(self, store: Store, library: Library) -> None:
        self._store = store
        self._library = library

    async def offer(self, entry: Descriptor, depth: int = DEEPEST) -> Offer:
        """Read one; what is no image, such as a signature, is for no platform."""
        if _says_enough(entry.platform):
            return Offer(entry, (entry.platform,) if entry.platform else ())
        content = await self._library.manifest(self._store, str(entry.digest))
        if media_types.is_index(content.media_type):
            return await self._offer_of_index(entry, content, depth)
        return await self._offer_of_image(entry, content)

    async def _offer_of_index(self, entry: Descriptor, content: Content, depth: int) -> Offer:
        index = parse_or_mismatch(parse_index, content)
        below = index.images if depth else ()
        inner = await all_together(self.offer(one, depth - 1) for one in below)
        platforms = dict.fromkeys(platform for one in inner for platform in one.platforms)
        listed = frozenset(one.digest for one in index.manifests)
        return Offer(entry, tuple(platforms), listed.union(*(one.lists for one in inner)))

    async def _offer_of_image(self, entry: Descriptor, content: Content) -> Offer:
        try:
            manifest = parse_child(content)
        except ImageMismatch:
            return Offer(entry)
        raw = await self._library.blob(self._store, manifest.config, of=content.digest)
        found = platform_in(raw)
        return Offer(entry, (complete(entry.platform, found) if entry.platform else found,))


def _says_enough(platform: Platform | None) -> bool:
    """Tell whether no config could say more that counts: Windows has a version, arm a variant."""
    if platform is None:
        return False
    told = {"windows": platform.os_version, "arm": platform.variant}
    return bool(told.get(platform.os, True) and told.get(platform.architecture, True))
