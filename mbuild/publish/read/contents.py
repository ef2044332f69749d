"""The bytes of images that resolving had no need to read, for those who do need them."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from functools import partial
from typing import TypeGuard

from mbuild.errors import ImageMismatch, MbuildError, NotFound, SourceError
from mbuild.oci.manifest import Content
from mbuild.publish.read.library import Library
from mbuild.publish.read.source import Child, Resolved, Skipped, Source, told_of
from mbuild.publish.together import all_together


async def read_unread(
    resolved: Resolved, library: Library, *, wanted: Callable[[Source], bool]
) -> Resolved:
    """Give the sources with the manifest of each that is `wanted`, fetched where it was not."""

    def is_to_read(source: Source | Skipped) -> TypeGuard[Source]:
        return isinstance(source, Source) and source.child.content is None and wanted(source)

    async def read(source: Source | Skipped) -> Source | Skipped:
        return await _read(source, library) if is_to_read(source) else source

    if not any(map(is_to_read, resolved)):
        return resolved
    return await all_together(map(read, resolved))


async def _read(source: Source, library: Library) -> Source:
    child = source.child
    try:
        content = await fetch_content(child, partial(library.manifest, child.store))
    except MbuildError as error:
        message = told_of(source.entry, error.message, error.where)
        raise error.placed(message, source.where) from error
    return replace(source, child=replace(child, content=content))


async def fetch_content(child: Child, fetch: Callable[[str], Awaitable[Content]]) -> Content:
    """Fetch by its digest a manifest that was taken as an index lists it.

    Raises SourceError where it is gone, ImageMismatch where it is not what is listed.
    """
    digest = str(child.descriptor.digest)
    try:
        content = await fetch(digest)
    except NotFound as error:
        raise SourceError(
            f"the image is listed already, and does not exist any more: {error.message}",
            where=error.where,
            hint="build and push the image again",
        ) from error
    if content.descriptor() != child.descriptor:
        raise ImageMismatch(
            f"the image is listed already with another size or type than it has, {content.size} "
            f"bytes of {content.media_type}",
            where=f"{child.store.name}@{digest}",
            hint="push with --force, which reads every image again",
        )
    return content
