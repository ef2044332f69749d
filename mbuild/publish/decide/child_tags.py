"""Child tags: which tag each image of an index, and each of its attestations, gets of its own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from mbuild.errors import ImageMismatch
from mbuild.oci.platform import Platform
from mbuild.publish.decide.assemble import make_entry, platform_of
from mbuild.publish.read.source import Child, Source, told_of
from mbuild.spec.child_tags import TELL_APART, make_child_tag
from mbuild.spec.spec import Target

_LONGEST = 128
"""So many characters may a tag have."""


@dataclass(frozen=True, slots=True)
class ChildTag:
    """A tag, and the manifest that it is to name."""

    tag: str
    child: Child


def name_children(
    target: Target, sources: Iterable[Source]
) -> tuple[tuple[ChildTag, ...], tuple[ImageMismatch, ...]]:
    """Give the child tags in the order of the index, and what is wrong with them.

    A tag is that of one image, or attestation, and none of the index's own.
    """
    if not target.child_tags:
        return (), ()
    named: list[ChildTag] = []
    errors: list[ImageMismatch] = []
    taken = {tag: "the index" for it in target.destinations for tag in it.tags}
    for source in sources:
        if not source.is_image:
            continue
        try:
            tag = _tag_of(target, source)
        except ValueError as error:
            message = f"its child tag cannot be: {error.args[0]}"
            errors.append(_refused(source, message, hint="let child_tags make a tag of it"))
            continue
        of_source = tuple(_tagged(source, tag))
        twice = [one.tag for one in of_source if one.tag in taken]
        if twice:
            reason = f"its child tag {twice[0]!r} is that of {taken[twice[0]]} too"
            errors.append(_refused(source, reason))
            continue
        taken.update(dict.fromkeys((one.tag for one in of_source), str(platform_of(source))))
        named += of_source
    return tuple(named), tuple(errors)


def _tag_of(target: Target, source: Source) -> str:
    """Fill the template in: with the platform as the spec has it, as for a source's template."""
    found = platform_of(source)
    said: Platform = source.entry.platform or found
    return make_child_tag(
        target,
        replace(said, os_version=found.os_version),
        is_zstd=make_entry(source).is_zstd,
    )


def _tagged(source: Source, tag: str) -> Iterator[ChildTag]:
    yield ChildTag(tag, source.child)
    for number, attestation in enumerate(source.attestations, 1):
        suffix = "-attestation" if number == 1 else f"-attestation-{number}"
        yield ChildTag(f"{tag[: _LONGEST - len(suffix)]}{suffix}", attestation.child)


def _refused(source: Source, message: str, *, hint: str = TELL_APART) -> ImageMismatch:
    return ImageMismatch(told_of(source.entry, message), where=source.where, hint=hint)
