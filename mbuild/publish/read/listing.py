"""A source that is an index: what is taken from it, with all that belongs to it."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mbuild.errors import ImageMismatch
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index, is_surely_no_image, parse_index
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.publish.decide.unchanged import keeps_bytes
from mbuild.publish.read.choose import choose_entry, make_no_image
from mbuild.publish.read.listed import Listed
from mbuild.publish.read.nested import Below, fetch_below, flatten_index, list_within
from mbuild.publish.read.parsing import check_type, is_artifact, parse_or_mismatch
from mbuild.publish.read.reading import Reading
from mbuild.publish.read.source import Attestation, Child, Source
from mbuild.publish.together import all_together, both
from mbuild.spec.spec import Entry, Target
from mbuild.store.store import Store


async def read_listing(
    content: Content, entry: Entry, target: Target, *, where: tuple[Store, Reading]
) -> tuple[Source, ...]:
    """Give what an entry takes of an index: the image for its platform, or all where none is said.

    Indexes within the index are read as if their entries stood in it, unless it is passed on
    whole. Errors are without a place.
    """
    store, reading = where
    is_base = entry is target.base
    listed = Listed(store, reading, asks=is_base)
    index = parse_or_mismatch(parse_index, content)
    below = await fetch_below(index, listed.content)
    flat = flatten_index(index, below)
    is_whole = keeps_bytes(target, flat)
    taking = _Taking(
        entry,
        content,
        index if is_whole else flat,
        below,
        listed,
        keeps=is_whole or is_base,
        strips=target.attestations == "strip",
    )
    if entry.platform is None:
        return await taking.all()
    return (await taking.image(choose_entry(flat, entry.platform, is_zstd=entry.is_zstd)),)


@dataclass(frozen=True, slots=True)
class _Taking:
    """Takes the entries of one index; with `keeps` they stay as they are listed."""

    entry: Entry
    origin: Content
    index: Index
    below: Below
    listed: Listed
    keeps: bool
    strips: bool

    async def all(self) -> tuple[Source, ...]:
        """Give all entries, in order; attestations are with what they speak of."""
        entries = self.index.manifests
        if not entries or (not self.keeps and all(map(is_surely_no_image, entries))):
            raise make_no_image()
        subjects = {str(entry.digest) for entry in entries if not entry.is_attestation}
        parts = [
            entry
            for entry in entries
            if not entry.is_attestation or not (self.strips or entry.attests in subjects)
        ]
        return await all_together(self._part(entry) for entry in parts)

    async def _part(self, listed: Descriptor) -> Source:
        if is_surely_no_image(listed):
            return await self._beside(listed)
        if not _says_enough(listed) and is_artifact(await self.listed.content(listed)):
            return await self._beside(listed)
        return await self.image(listed)

    async def image(self, listed: Descriptor) -> Source:
        """Give an image, with its attestations unless they are stripped."""
        (child, found), attestations = await both(self._child(listed), self._attestations(listed))
        source = self._source(listed, child, found)
        return replace(source, attestations=attestations, is_kept=self.keeps)

    async def _child(self, listed: Descriptor) -> tuple[Child, Platform]:
        if self.keeps and listed.platform and _says_enough(listed):
            return await self.listed.kept(listed), listed.platform
        return await self.listed.image(listed, self.entry.platform)

    async def _attestations(self, listed: Descriptor) -> tuple[Attestation, ...]:
        wanted = () if self.strips else self.index.attestations_of(listed)
        return await all_together(self._attestation(entry) for entry in wanted)

    async def _attestation(self, listed: Descriptor) -> Attestation:
        get = self.listed.kept if self.keeps else self.listed.attestation
        return Attestation(listed, await get(listed))

    async def _beside(self, listed: Descriptor) -> Source:
        """Give what is no image: it stays as it is listed, with all that it lists itself."""
        nested = self.below.get(listed.digest)
        lists = list_within(nested.index, self.below) if nested else ()
        within = await all_together(self._whole(entry) for entry in lists)
        found = listed.platform or Platform("", "")
        source = self._source(listed, await self._whole(listed), found)
        about = () if listed.is_attestation else await self._attestations(listed)
        return replace(
            source, attestations=about, is_kept=True, is_image=False, within=within, inside=lists
        )

    async def _whole(self, listed: Descriptor) -> Child:
        nested = self.below.get(listed.digest)
        if nested:
            return Child(nested.content.descriptor(), self.listed.store, nested.content)
        _check_type(listed)
        return await self.listed.kept(listed)

    def _source(self, listed: Descriptor, child: Child, found: Platform) -> Source:
        return Source(self.entry, self.origin.descriptor(), child, found, listed, self.origin)


def _says_enough(listed: Descriptor) -> bool:
    """Tell whether the index says what an entry is, and for which platform."""
    platform = listed.platform
    is_named = platform is not None and bool(platform.os and platform.architecture)
    return is_named and media_types.is_image_manifest(listed.media_type)


def _check_type(listed: Descriptor) -> None:
    """Raise ImageMismatch for what no registry takes for a manifest, such as a layer."""
    try:
        check_type(listed.media_type)
    except ImageMismatch as error:
        message = f"it is an index that lists {listed.digest}: {error.message}"
        raise ImageMismatch(message, hint=error.hint) from error
