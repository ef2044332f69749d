"""Validate: all that the images tell, and the spec alone could not."""

from __future__ import annotations

from collections.abc import Iterator

from mbuild.errors import ImageMismatch, MbuildError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import is_surely_no_image, parse_index
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform, contradictions, normalise, satisfies
from mbuild.publish.decide.assemble import make_entry, platform_of
from mbuild.publish.read.source import Source, told_of
from mbuild.spec.spec import Target


def check_sources(
    sources: tuple[Source, ...], target: Target, *, are_all: bool = True
) -> tuple[MbuildError, ...]:
    """Check every image against the spec: platform, duplicates, attestations, requirements.

    What is required can only be missed when the sources `are_all` that there will be.
    """
    return (
        *_platform_problems(sources),
        *_duplicates(sources),
        *_missing_attestations(sources, target),
        *(_unmet_requirements(sources, target) if are_all else ()),
    )


def check_format(
    target: Target, sources: tuple[Source, ...], *, base: Content | None = None
) -> tuple[MbuildError, ...]:
    """Check that the children are of the kind that is asked for.

    A Docker list holds Docker images only, and not the annotations of the index that the
    target starts from either; an OCI index holds both kinds, where the target says so.
    """
    if target.format == "docker":
        return (*_misfits(sources), *_lost_annotations(target, base))
    if target.format == "oci" and target.convert is None:
        return tuple(_docker_images(sources))
    return ()


def _platform_problems(sources: tuple[Source, ...]) -> Iterator[MbuildError]:
    for source in _asked_of(sources):
        platform = platform_of(source)
        said = source.entry.platform
        if not platform.os or not platform.architecture:
            yield _mismatch(
                source,
                "its config names no os or no architecture",
                "say the platform in the spec",
            )
        elif said and source.entry.trust == "config":
            for field in contradictions(said, source.found):
                yield _contradiction(source, said, field)


def _asked_of(sources: tuple[Source, ...]) -> Iterator[Source]:
    """Give the sources that are asked what they are; one that stays as it is listed is not."""
    return (source for source in sources if source.is_image and not source.is_kept)


def _contradiction(source: Source, said: Platform, field: str) -> MbuildError:
    value = source.found.to_dict().get(field)
    found = f"the image's config has {field} {value!r}"
    if not source.entry.position.line:
        hint = "name the right image, or correct the platform"
        return _mismatch(source, f"--platform says {said}, and {found}", hint)
    hint = "name the right image, correct the platform, or set trust: spec on the entry"
    return _mismatch(source, f"the spec says {said}, and {found}", hint)


def _duplicates(sources: tuple[Source, ...]) -> Iterator[MbuildError]:
    seen: dict[tuple[Platform, bool], Source] = {}
    for source in _asked_of(sources):
        entry = make_entry(source)
        platform = platform_of(source)
        key = (normalise(platform), entry.is_zstd)
        first = seen.setdefault(key, source)
        if first is not source:
            yield _mismatch(
                source,
                f"it is a second image for {platform}, as {_placed_name(first)} is; "
                "a client could not tell them apart",
                "take one of the two out",
            )


def _placed_name(source: Source) -> str:
    """Name an image with its place; on the command line its name is its place."""
    return source.name if source.name == source.where else f"{source.name} at {source.where}"


def _missing_attestations(sources: tuple[Source, ...], target: Target) -> Iterator[MbuildError]:
    if target.attestations != "require":
        return
    attested = {one.attests for source in sources for one in (source.listed, *source.inside) if one}
    for source in sources:
        bare = [str(one.digest) for one in _images_inside(source)]
        lacking = [f"{digest} in it" for digest in bare if digest not in attested]
        if source.is_image and not source.attestations:
            lacking.append("it")
        for name in lacking:
            yield _mismatch(
                source,
                f"{name} has no attestation, and the spec says attestations: require",
                "build it with provenance or an SBOM, or let the spec say keep",
            )


def _images_inside(source: Source) -> Iterator[Descriptor]:
    """Give the images of an index that is passed on within another."""
    return (one for one in source.inside if not is_surely_no_image(one))


def _unmet_requirements(sources: tuple[Source, ...], target: Target) -> Iterator[MbuildError]:
    present = [platform_of(source) for source in sources if source.is_image]
    inside = (one.platform for source in sources for one in _images_inside(source))
    present += [platform for platform in inside if platform]
    if not sources or (target.remove and not present):
        yield _nothing_left(target)
    for required in target.require:
        if not any(satisfies(platform, required) for platform in present):
            held = ", ".join(map(str, present)) or "nothing"
            yield ImageMismatch(
                f"required platform {required} is not in the result, which holds {held}",
                where=str(target.position),
                hint="publish its image, or take it out of require",
            )


def _nothing_left(target: Target) -> MbuildError:
    where = str(target.position)
    if target.base:
        message = "every image of the base is removed, and nothing is put in their place"
        return ImageMismatch(message, where=where, hint="leave at least one")
    message = "every image of the target is optional, and none exists"
    return ImageMismatch(message, where=where, hint="build at least one of them first")


def _misfits(sources: tuple[Source, ...]) -> Iterator[MbuildError]:
    for source in sources:
        if not source.is_image:
            yield _mismatch(
                source,
                f"{source.child.descriptor.digest} in it is no image, and format: docker makes a "
                "list of Docker images only",
                "use format: auto",
            )
        elif not media_types.is_docker(source.child.descriptor.media_type):
            yield _mismatch(
                source,
                "it is an OCI image, and format: docker makes a list of Docker images only",
                f"use format: auto, {_converting(source)}, or push the image as a Docker image",
            )
        elif make_entry(source).annotations:
            yield _mismatch(
                source,
                "its entry has annotations, which a Docker list cannot hold",
                "use format: auto",
            )
        elif source.attestations:
            yield _mismatch(
                source,
                "it has attestations, which a Docker list cannot hold",
                "use format: auto, or set attestations: strip",
            )


def _docker_images(sources: tuple[Source, ...]) -> Iterator[MbuildError]:
    for source in sources:
        if source.is_image and media_types.is_docker(source.child.descriptor.media_type):
            yield _mismatch(
                source,
                "it is a Docker image, and format: oci asks for OCI images",
                f"{_converting(source)}, or {_leaving(source)} to list it as it is",
            )


def _converting(source: Source) -> str:
    """Say how a conversion is asked for: in a spec, or on the command line, which has no lines."""
    return "set convert: true" if source.entry.position.line else "say --convert"


def _leaving(source: Source) -> str:
    return "convert: false" if source.entry.position.line else "--no-convert"


def _lost_annotations(target: Target, base: Content | None) -> Iterator[MbuildError]:
    if target.base and base and parse_index(base.raw).annotations:
        yield ImageMismatch(
            told_of(target.base, "its index has annotations, which a Docker list cannot hold"),
            where=str(target.base.position),
            hint="use format: auto",
        )


def _mismatch(source: Source, message: str, hint: str) -> MbuildError:
    return ImageMismatch(told_of(source.entry, message), where=source.where, hint=hint)
