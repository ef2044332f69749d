"""Assemble: make one index of the resolved sources, in the order of the spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, make_annotations
from mbuild.oci.index import Index, parse_index, to_content
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform, complete, without_aliases
from mbuild.publish.read.source import Source
from mbuild.spec.spec import Target


def compose(target: Target, sources: tuple[Source, ...]) -> tuple[Index, Content]:
    """Give the index of a target, and the bytes it is published as.

    An index that a target passes on, and changes nothing of, keeps its bytes.
    """
    index = make_index(target, sources)
    if origin := passed_on(target, sources):
        return parse_index(origin.raw), origin
    return index, to_content(index)


def passed_on(target: Target, sources: tuple[Source, ...]) -> Content | None:
    """Give the source's own index where the target asks for that index, whole, and no more."""
    origin = sources[0].origin
    if origin is None or len(target.entries) > 1 or target.annotations:
        return None
    entry = target.entries[0]
    is_asked_for = entry.platform is None and not entry.annotations
    if not is_asked_for or target.format not in {"auto", _format_of(origin.media_type)}:
        return None
    taken = {child.digest for child in _entries(sources)}
    listed = {child.digest for child in parse_index(origin.raw).manifests}
    return origin if taken == listed else None


def _format_of(media_type: str) -> str:
    return "docker" if media_types.is_docker(media_type) else "oci"


def make_index(target: Target, sources: tuple[Source, ...]) -> Index:
    """Make the index; each attestation follows the image it speaks of.

    `format: auto` gives a Docker list where every child is a Docker manifest and nothing
    asks for an annotation, which a Docker list cannot hold; else an OCI index.
    """
    entries = tuple(_entries(sources))
    media_type = {
        "oci": media_types.OCI_INDEX,
        "docker": media_types.DOCKER_LIST,
        "auto": _fitting_type(target, entries),
    }[target.format]
    if media_type == media_types.DOCKER_LIST:
        return Index(media_type, entries)
    return Index(media_type, entries, target.annotations)


def _fitting_type(target: Target, entries: tuple[Descriptor, ...]) -> str:
    plain = all(media_types.is_docker(entry.media_type) for entry in entries)
    annotated = target.annotations or any(entry.annotations for entry in entries)
    return media_types.DOCKER_LIST if plain and not annotated else media_types.OCI_INDEX


def _entries(sources: tuple[Source, ...]) -> Iterator[Descriptor]:
    for source in sources:
        yield make_entry(source)
        for attestation in source.attestations:
            yield attestation.descriptor


def make_entry(source: Source) -> Descriptor:
    """Make the index entry of an image: what its source listed of it, and the spec on top."""
    listed = source.listed or source.child.descriptor
    return replace(
        listed,
        media_type=source.child.descriptor.media_type,
        platform=platform_of(source),
        annotations=make_annotations(
            {**dict(listed.annotations), **dict(source.entry.annotations)}
        ),
    )


def platform_of(source: Source) -> Platform:
    """Give the platform an image gets in the index: the spec's, completed from the config.

    With `trust: spec`, what the config contradicts is not completed from it.
    """
    said, found = source.entry.platform, without_aliases(source.found)
    if said is None:
        return found
    same_kind = (said.os, said.architecture) == (found.os, found.architecture)
    return complete(said, found) if same_kind or not found.architecture else said
