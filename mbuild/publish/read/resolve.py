"""Resolve: find out which image every entry of a target names, all side by side."""

from __future__ import annotations

from mbuild.errors import (
    Failures,
    ImageMismatch,
    MbuildError,
    NotFound,
    RegistryError,
    SourceError,
    SourceNotFound,
)
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import is_digest, parse_digest
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.oci.reference import DEFAULT_TAG, LocalReference
from mbuild.publish.decide.convert import converted_descriptor
from mbuild.publish.read.candidates import choose_candidate
from mbuild.publish.read.earlier import find_image
from mbuild.publish.read.listing import read_listing
from mbuild.publish.read.reading import Reading
from mbuild.publish.read.source import Child, Resolved, Skipped, Source, reference_name, told_of
from mbuild.publish.read.whole import check_whole
from mbuild.publish.together import both, settled
from mbuild.spec.spec import Entry, Pin, Target
from mbuild.store.store import Store
from mbuild.store.stores import Stores


async def resolve_target(
    target: Target, stores: Stores, reading: Reading
) -> tuple[Resolved, tuple[MbuildError, ...]]:
    """Find out all that the target's entries name, in the spec's order.

    An image that the target has already, as its presence tells, is kept without being read.
    Gives what could be had, and the errors of the entries that could not: a SourceNotFound,
    ImageMismatch, Denied or RegistryError each, with the entry's position.
    """
    groups, errors = await settled(
        _Resolver(entry, stores.open(entry.reference), reading, target).run()
        for entry in target.sources
    )
    return tuple(source for group in groups for source in group), errors


class _Resolver:
    """Resolves one entry; holds what each of its steps needs."""

    def __init__(self, entry: Entry, store: Store, reading: Reading, target: Target) -> None:
        self._entry = entry
        self._store = store
        self._reading = reading
        self._library = reading.library
        self._target = target
        self._pin = entry.pin
        self._reference = _asked_for(entry)

    async def run(self) -> Resolved:
        if self._entry.absent or (self._pin and self._pin.descriptor is None):
            return (Skipped(self._entry),)
        try:
            return await self._unread() or await self._read()
        except MbuildError as error:
            raise self._placed(error) from error

    async def _unread(self) -> Resolved:
        """Give the image that the target has already, or nothing where it must be read."""
        wanted = self._entry.platform
        if wanted is None or not await self._reading.may_be_there(self._store, self._reference):
            return ()
        named, indexes = await both(self._name(), self._reading.presence.indexes())
        if named is None or media_types.is_index(named.media_type):
            return ()
        kept = find_image(indexes, named, wanted)
        if kept is None or kept.platform is None:
            return ()
        return (Source(self._entry, named, Child(named, self._store), kept.platform),)

    async def _name(self) -> Descriptor | None:
        """Ask what the entry's tag holds; a digest says so itself, but for its size."""
        if self._pin:
            return self._pin.descriptor
        if not is_digest(self._reference):
            return await self._library.descriptor(self._store, self._reference)
        digest = parse_digest(self._reference)
        for index in await self._reading.presence.indexes():
            for listed in index.images:
                if listed.digest == digest:
                    return Descriptor(listed.media_type, digest, listed.size)
        return None

    async def _read(self) -> Resolved:
        self._reference = await choose_candidate(
            self._store,
            self._reference,
            platform=self._entry.platform,
            library=self._library,
        )
        content = await (self._fetch_pinned(self._pin) if self._pin else self._fetch())
        if content is None:
            return (Skipped(self._entry),)
        if media_types.is_index(content.media_type):
            where = (self._store, self._reading)
            return await read_listing(content, self._entry, self._target, where=where)
        await check_whole(self._library, self._store, content)
        found = await self._platform(content)
        named = content.descriptor()
        return (Source(self._entry, named, Child(named, self._store, content), found),)

    async def _platform(self, content: Content) -> Platform:
        """Give an image's platform; where the target has it converted, its config is not read."""
        wanted, reading = self._entry.platform, self._reading
        made = converted_descriptor(content, self._target)
        if made and wanted and await reading.may_be_there(self._store, str(content.digest)):
            kept = find_image(await reading.presence.indexes(), made, wanted)
            if kept and kept.platform:
                return kept.platform
        return await reading.platform(self._store, content)

    async def _fetch(self) -> Content | None:
        told = await self._reading.presence.told(self._store, self._reference)
        reference = str(told.digest) if told else self._reference
        try:
            return await self._library.manifest(self._store, reference)
        except NotFound as error:
            if await self._appears():
                return await self._library.manifest(self._store, self._reference)
            if self._entry.optional:
                return None
            raise SourceNotFound(
                error.message,
                where=error.where,
                hint=error.hint or self._absence_hint(),
            ) from error

    async def _fetch_pinned(self, pin: Pin) -> Content:
        """Fetch what the lock says; that it is gone is forgiven nobody, optional or not."""
        try:
            content = await self._library.manifest(self._store, self._reference)
        except NotFound as error:
            raise SourceNotFound(
                f"what was locked, {self._reference}, is not there any more: {error.message}",
                hint="build and push the image again, or lock again",
            ) from error
        if content.descriptor() != pin.descriptor:
            raise ImageMismatch(
                f"the lock gives {self._reference} another size or type than it has, "
                f"{content.size} bytes of {content.media_type}",
                hint="lock again",
            )
        return content

    async def _appears(self) -> bool:
        """Wait for a tag that is not there yet; what a digest names is not waited for."""
        if self._reading.patience is None or is_digest(self._reference):
            return False
        self._reading.leave()
        return await self._reading.patience.wait_for(reference_name(self._entry), self._is_there)

    async def _is_there(self) -> bool:
        return await self._library.descriptor(self._store, self._reference) is not None

    def _absence_hint(self) -> str:
        hint = "check the name and the tag"
        if self._entry is self._target.base:
            is_append = not self._entry.position.line
            return "leave out --append for the first push" if is_append else hint
        # What stands on the command line has no line, and nothing to be marked.
        return f"{hint}, or mark the entry optional" if self._entry.position.line else hint

    def _placed(self, error: MbuildError) -> MbuildError:
        """Say of an error which entry it befell: the spec's place first, then the reference."""
        if isinstance(error, Failures):
            return Failures(self._placed(one) for one in error.errors)
        message = told_of(self._entry, error.message, error.where)
        where = str(self._entry.position)
        if isinstance(self._entry.reference, LocalReference) and isinstance(error, RegistryError):
            # A layout that is missing or broken is a matter of the images, not of a registry.
            return SourceError(message, where=where, hint=error.hint)
        return error.placed(message, where)


def _asked_for(entry: Entry) -> str:
    """Give the digest or the tag to ask for; a layout may be asked for its only image."""
    if entry.pin and entry.pin.descriptor:
        return str(entry.pin.descriptor.digest)
    reference = entry.reference
    if reference.digest:
        return str(reference.digest)
    is_layout = isinstance(reference, LocalReference)
    return reference.tag if reference.tag or is_layout else DEFAULT_TAG
