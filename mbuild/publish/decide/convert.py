"""Convert: images that are not of the kind the spec asks for are made so, where it says so."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from mbuild.errors import ImageMismatch, MbuildError
from mbuild.oci.conversion import Conversion, convert_manifest, is_of_kind
from mbuild.oci.descriptor import REFERENCE_DIGEST, Descriptor, make_annotations
from mbuild.oci.manifest import Content
from mbuild.publish.read.source import (
    Attestation,
    Child,
    Converted,
    Resolved,
    Skipped,
    Source,
    told_of,
)
from mbuild.spec.spec import Target


def is_to_convert(target: Target, source: Source) -> bool:
    """Tell whether the target asks for an image of the other kind than this one is of."""
    return source.is_image and _is_other(source.child.descriptor.media_type, target)


def converted_descriptor(content: Content, target: Target) -> Descriptor | None:
    """Give what a target will list of an image that is to be converted; None if it cannot be."""
    if not _is_other(content.media_type, target):
        return None
    try:
        return convert_manifest(content.raw, target.format).content.descriptor()
    except ValueError:  # what is wrong with it is told when all images are there
        return None


def _is_other(media_type: str, target: Target) -> bool:
    return bool(target.convert) and not is_of_kind(media_type, target.format)


def convert_sources(target: Target, resolved: Resolved) -> tuple[Resolved, tuple[MbuildError, ...]]:
    """Give the sources with each image converted that is to be, and the errors of the others.

    What is converted must have been read. For a Docker list, entries that a source's index
    annotates lose their annotations too: the list has no place for them.
    """
    if not target.convert:
        return resolved, ()
    sources: list[Source | Skipped] = []
    errors: list[MbuildError] = []
    for source in resolved:
        try:
            sources.append(_fitted(target, source) if isinstance(source, Source) else source)
        except ImageMismatch as error:
            errors.append(error)
    return tuple(sources), tuple(errors)


def _fitted(target: Target, source: Source) -> Source:
    source = _converted(target, source) if is_to_convert(target, source) else source
    return _plain(source) if target.format == "docker" else source


def _converted(target: Target, source: Source) -> Source:
    conversion = _conversion(target, source)
    descriptor = conversion.content.descriptor()
    child = source.child
    return replace(
        source,
        child=Child(descriptor, child.store, conversion.content, is_made=True),
        listed=_listed(source.listed, descriptor),
        attestations=tuple(_speaking_of(descriptor, one) for one in source.attestations),
        converted=Converted(child.descriptor, conversion.lost, target.referrers == "copy"),
    )


def _conversion(target: Target, source: Source) -> Conversion:
    content = source.child.content
    assert content is not None  # it was read for this
    try:
        return convert_manifest(content.raw, target.format)
    except ValueError as error:
        kind = "a Docker image" if target.format == "docker" else "an OCI image"
        message = f"it cannot be converted to {kind}: {error.args[0]}"
        raise ImageMismatch(
            told_of(source.entry, message, _name_of(source)),
            where=source.where,
            hint="build it as what is asked for, or let the spec say another format",
        ) from error


def _name_of(source: Source) -> str:
    """Name the image; one of several in an index by its digest too."""
    return f"{source.name} ({source.child.descriptor.digest})" if source.listed else ""


def _listed(listed: Descriptor | None, descriptor: Descriptor) -> Descriptor | None:
    """Give what the source's index says of the image, but for what was of its old bytes."""
    return listed and replace(descriptor, platform=listed.platform, annotations=listed.annotations)


def _speaking_of(image: Descriptor, attestation: Attestation) -> Attestation:
    entry = attestation.descriptor
    said = {**dict(entry.annotations), REFERENCE_DIGEST: str(image.digest)}
    return replace(attestation, descriptor=replace(entry, annotations=make_annotations(said)))


def _plain(source: Source) -> Source:
    """Give the source without what its index annotates; a zstd twin is known by nothing else."""
    listed = source.listed
    if listed is None or not listed.annotations or listed.is_zstd:
        return source
    keys = {key for key, _ in listed.annotations}
    converted = source.converted or Converted(None)
    return replace(
        source,
        listed=replace(listed, annotations=()),
        converted=replace(converted, lost=tuple(sorted({*converted.lost, *keys}))),
    )


def lost_in_conversion(sources: Iterable[Source | Skipped]) -> tuple[str, ...]:
    """Tell of what converted images have not any more, a warning each."""
    warnings = (
        warning
        for source in sources
        if isinstance(source, Source) and source.converted
        for warning in _losses(source, source.converted)
    )
    return tuple(dict.fromkeys(warnings))


def _losses(source: Source, converted: Converted) -> Iterator[str]:
    if converted.lost:
        keys = ", ".join(converted.lost)
        yield f"{source.name}: a Docker list and its images hold no annotations, left out: {keys}"
    if converted.origin and source.attestations:
        yield (
            f"{source.name}: converted, it has another digest than the one its attestations were "
            "made for"
        )
    if converted.leaves_referrers:
        yield f"{source.name}: converted, so what is signed or said of it as it was is not copied"
