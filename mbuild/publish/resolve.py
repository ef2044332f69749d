"""Resolve: fetch the manifest and config of every entry, all side by side."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

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
from mbuild.oci.image_config import parse_config_platform
from mbuild.oci.index import Index, parse_index
from mbuild.oci.manifest import Content, ImageManifest, parse_image_manifest
from mbuild.oci.platform import Platform, complete
from mbuild.oci.reference import DEFAULT_TAG, LayoutReference
from mbuild.publish.choose import choose_entries
from mbuild.publish.library import Library
from mbuild.publish.source import Attestation, Child, Skipped, Source, told_of
from mbuild.publish.together import all_together, both, settled
from mbuild.spec.spec import AttestationPolicy, Entry, Target
from mbuild.store.store import Store
from mbuild.store.stores import Stores

T = TypeVar("T")

Resolved = tuple[Source | Skipped, ...]


async def resolve_target(
    target: Target, stores: Stores, library: Library
) -> tuple[Resolved, tuple[MbuildError, ...]]:
    """Fetch all that the target's entries name, in the spec's order.

    Gives what could be had, and the errors of the entries that could not: a SourceNotFound,
    ImageMismatch, Denied or RegistryError each, with the entry's position.
    """
    groups, errors = await settled(
        _Resolver(entry, stores.open(entry.reference), library, target.attestations).run()
        for entry in target.entries
    )
    return tuple(source for group in groups for source in group), errors


class _Resolver:
    """Resolves one entry; holds what each of its steps needs."""

    def __init__(
        self, entry: Entry, store: Store, library: Library, policy: AttestationPolicy
    ) -> None:
        self._entry = entry
        self._store = store
        self._library = library
        self._policy = policy

    async def run(self) -> Resolved:
        try:
            content = await self._fetch()
            if content is None:
                return (Skipped(self._entry),)
            if media_types.is_index(content.media_type):
                return await self._from_index(content)
            return (await self._source(content),)
        except MbuildError as error:
            raise self._placed(error) from error

    async def _fetch(self) -> Content | None:
        reference = self._entry.reference
        text = str(reference.digest) if reference.digest else reference.tag
        if not text and not isinstance(reference, LayoutReference):
            text = DEFAULT_TAG
        try:
            return await self._library.manifest(self._store, text)
        except NotFound as error:
            if self._entry.optional:
                return None
            raise SourceNotFound(
                error.message,
                where=error.where,
                hint=error.hint or self._absence_hint(),
            ) from error

    def _absence_hint(self) -> str:
        hint = "check the name and the tag"
        # What stands on the command line has no line, and nothing to be marked.
        return f"{hint}, or mark the entry optional" if self._entry.position.line else hint

    async def _from_index(self, content: Content) -> Resolved:
        index = parse_or_mismatch(parse_index, content)
        chosen = choose_entries(index, self._entry.platform)
        return await all_together(self._listed_source(content, index, listed) for listed in chosen)

    async def _listed_source(self, origin: Content, index: Index, listed: Descriptor) -> Source:
        wanted = () if self._policy == "strip" else index.attestations_of(listed)
        content, attestations = await both(
            self._child_content(listed),
            all_together(self._attestation(entry) for entry in wanted),
        )
        source = await self._source(content)
        found = complete(source.found, listed.platform) if listed.platform else source.found
        return Source(self._entry, source.child, found, listed, origin, attestations)

    async def _attestation(self, entry: Descriptor) -> Attestation:
        content = await self._child_content(entry)
        manifest = parse_or_mismatch(parse_image_manifest, content)
        return Attestation(entry, Child(content, manifest, self._store, is_attestation=True))

    async def _child_content(self, listed: Descriptor) -> Content:
        try:
            content = await self._library.manifest(self._store, str(listed.digest))
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
        return content

    async def _source(self, content: Content) -> Source:
        manifest = parse_child(content)
        try:
            raw = await self._library.blob(self._store, manifest.config)
        except NotFound as error:
            raise SourceError(
                f"its config {manifest.config.digest} does not exist", hint="push it again"
            ) from error
        found = _platform_in(raw)
        return Source(self._entry, Child(content, manifest, self._store), found)

    def _placed(self, error: MbuildError) -> MbuildError:
        """Say of an error which entry it befell: the spec's place first, then the reference."""
        if isinstance(error, Failures):
            return Failures(self._placed(one) for one in error.errors)
        message = told_of(self._entry, error.message, error.where)
        where = str(self._entry.position)
        if isinstance(self._entry.reference, LayoutReference) and isinstance(error, RegistryError):
            # A layout that is missing or broken is a matter of the images, not of a registry.
            return SourceError(message, where=where, hint=error.hint)
        return error.placed(message, where)


def parse_child(content: Content) -> ImageManifest:
    """Parse an image's manifest.

    Raises ImageMismatch for schema 1, an index within an index, other types, and an
    artifact whose config is no image config.
    """
    if media_types.is_schema1(content.media_type):
        raise ImageMismatch(
            "it is a Docker schema 1 manifest, which no current client reads",
            hint="push the image again with a current docker",
        )
    if not media_types.is_image_manifest(content.media_type):
        raise ImageMismatch(f"its type {content.media_type!r} is not that of an image")
    manifest = parse_or_mismatch(parse_image_manifest, content)
    if manifest.config.media_type not in media_types.IMAGE_CONFIGS:
        raise ImageMismatch(f"it is no image: its config has type {manifest.config.media_type!r}")
    return manifest


def parse_or_mismatch(parse: Callable[[bytes], T], content: Content) -> T:
    """Parse a manifest's bytes; raises ImageMismatch where they are not what their type says."""
    try:
        return parse(content.raw)
    except ValueError as error:
        raise ImageMismatch(
            f"its {content.media_type} is malformed: {error.args[0]}", hint="push it again"
        ) from error


def _platform_in(raw: bytes) -> Platform:
    try:
        return parse_config_platform(raw)
    except ValueError as error:
        raise ImageMismatch(
            f"its config is malformed: {error.args[0]}", hint="push it again"
        ) from error
