"""Referrers are read: their bytes, and of an index among them all that it lists."""

from __future__ import annotations

from collections.abc import Iterable

from mbuild.errors import Failures, ImageMismatch, MbuildError, NotFound, SourceError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import parse_index
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.referrers import referrer_descriptor, subject_of
from mbuild.publish.read.library import Library
from mbuild.publish.read.parsing import parse_or_mismatch
from mbuild.publish.read.referrer import Referrer
from mbuild.publish.read.referrers import DEEPEST, bare, of_images
from mbuild.publish.read.source import Child
from mbuild.publish.read.whole import check_whole
from mbuild.publish.together import all_together
from mbuild.store.store import Store

_HINT = "remove it from what lists it, or leave out 'referrers: copy'"
_MANIFESTS = media_types.IMAGE_MANIFESTS | media_types.INDEXES


async def fetch_referrers(referrers: Iterable[Referrer], library: Library) -> tuple[Referrer, ...]:
    """Read referrers, side by side, each once.

    Raises SourceError for one that does not exist, ImageMismatch for one that is not what it
    was found as, and whatever a store raises: without all of them nothing is to be written.
    """
    return await all_together(_fetch(referrer, library) for referrer in referrers)


async def _fetch(referrer: Referrer, library: Library) -> Referrer:
    child = referrer.child
    fetch = _Fetch(child.store, library)
    try:
        content = await fetch.content(child.descriptor)
        _check_subject(referrer, content)
        return referrer.with_content(content, await fetch.parts(content))
    except MbuildError as error:
        raise _placed(of_images(error, child.store), referrer) from error


class _Fetch:
    """Reads one referrer, and what it lists."""

    def __init__(self, store: Store, library: Library) -> None:
        self._store = store
        self._library = library

    async def content(self, listed: Descriptor) -> Content:
        """Fetch a manifest that is listed, and see that it is what the list says."""
        if listed.media_type not in _MANIFESTS:
            raise ImageMismatch(
                f"{listed.digest} has type {listed.media_type!r}, which is neither an image "
                "manifest's nor an index's",
                hint=_HINT,
            )
        try:
            content = await self._library.manifest(self._store, str(listed.digest))
        except NotFound as error:
            raise SourceError(f"{listed.digest} does not exist", hint=_HINT) from error
        if content.descriptor() != listed:
            raise ImageMismatch(
                f"{listed.digest} is listed with {listed.size} bytes of {listed.media_type}, and "
                f"has {content.size} of {content.media_type}",
                hint=_HINT,
            )
        await self._check_form(content)
        return content

    async def _check_form(self, content: Content) -> None:
        is_index = media_types.is_index(content.media_type)
        try:
            parse_or_mismatch(parse_index if is_index else parse_image_manifest, content)
            parse_or_mismatch(lambda _raw: referrer_descriptor(content), content)
            await check_whole(self._library, self._store, content)
        except MbuildError as error:
            raise _told_of(content, error) from error

    async def parts(self, content: Content, depth: int = DEEPEST) -> tuple[Child, ...]:
        """Read all that an index lists, each behind what it lists itself."""
        if not media_types.is_index(content.media_type):
            return ()
        if not depth:
            raise SourceError(f"indexes stand in it more than {DEEPEST} deep", hint=_HINT)
        listed = parse_or_mismatch(parse_index, content).manifests
        groups = await all_together(self._part(bare(entry), depth - 1) for entry in listed)
        return tuple(child for group in groups for child in group)

    async def _part(self, listed: Descriptor, depth: int) -> tuple[Child, ...]:
        content = await self.content(listed)
        return (*await self.parts(content, depth), Child(listed, self._store, content))


def _check_subject(referrer: Referrer, content: Content) -> None:
    """See that what was found as a referrer is one; what cosign tags need not say so."""
    if referrer.tag:
        return
    subject = parse_or_mismatch(lambda _raw: subject_of(content), content)
    if subject is None or subject.digest != referrer.subject:
        named = subject.digest if subject else "no subject"
        raise ImageMismatch(
            f"{referrer.digest} is listed as its referrer, and names {named}", hint=_HINT
        )


def _told_of(content: Content, error: MbuildError) -> MbuildError:
    """Say of an error of which manifest it speaks."""
    if isinstance(error, Failures):
        return Failures(_told_of(content, one) for one in error.errors)
    return error.placed(f"{content.digest}: {error.message}", error.where)


def _placed(error: MbuildError, referrer: Referrer) -> MbuildError:
    """Say of an error that has no place yet to what the referrer belongs."""
    if isinstance(error, Failures):
        return Failures(_placed(one, referrer) for one in error.errors)
    return error if error.where else error.placed(error.message, referrer.found_at)
