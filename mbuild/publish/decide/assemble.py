"""Assemble: make one index of the resolved sources, in the order of the spec."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, make_annotations
from mbuild.oci.index import Index, parse_index, to_content
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform, complete, without_aliases
from mbuild.oci.reference import LocalReference
from mbuild.publish.decide.unchanged import keeps_bytes
from mbuild.publish.read.source import Source
from mbuild.spec.spec import Target


def compose(
    target: Target, sources: tuple[Source, ...], *, base: Content | None = None
) -> tuple[Index, Content]:
    """Give the index of a target, and the bytes it is published as; `base` is what it starts from.

    An index that a target passes on, or starts from, and changes nothing of, keeps its bytes.
    """
    if origin := passed_on(target, sources):
        return parse_index(origin.raw), origin
    start = parse_index(base.raw) if base else None
    index = make_index(target, sources, start=start)
    if base and start and _says_same(index, start):
        return start, base
    return index, to_content(index)


def passed_on(target: Target, sources: tuple[Source, ...]) -> Content | None:
    """Give the source's own index where the target asks for that index, whole, and no more."""
    origin = sources[0].origin
    if origin is None:
        return None
    index = parse_index(origin.raw)
    taken = {child.digest for child in _entries(sources)}
    listed = {child.digest for child in index.manifests}
    return origin if keeps_bytes(target, index) and taken == listed else None


def _says_same(index: Index, start: Index) -> bool:
    """Tell whether an index differs from what it started from in no more than its form.

    Attestations may stand anywhere: they are found by the image they speak of.
    """
    one, other = (replace(it, manifests=()) for it in (index, start))
    is_alike = one == other and set(index.manifests) == set(start.manifests)
    return is_alike and _ordered(index) == _ordered(start)


def _ordered(index: Index) -> list[Descriptor]:
    return [entry for entry in index.manifests if not entry.is_attestation]


def make_index(target: Target, sources: tuple[Source, ...], *, start: Index | None = None) -> Index:
    """Make the index; each attestation follows the image it speaks of.

    `format: auto` gives a Docker list where every child is a Docker manifest, nothing asks for
    an annotation, which a Docker list cannot hold, none of its places is an OCI layout or
    archive, in which tools look for OCI types alone, and what it starts from is one; else an
    OCI index. What the index it starts from says of itself stays, but for the spec's annotations.
    """
    entries = tuple(_entries(sources))
    media_type = {
        "oci": media_types.OCI_INDEX,
        "docker": media_types.DOCKER_LIST,
        "auto": _fitting_type(target, entries, start),
    }[target.format]
    if media_type == media_types.DOCKER_LIST:
        return Index(media_type, entries)
    start = start or Index(media_type, ())
    annotations = make_annotations({**dict(start.annotations), **dict(target.annotations)})
    return replace(start, media_type=media_type, manifests=entries, annotations=annotations)


def _fitting_type(target: Target, entries: tuple[Descriptor, ...], start: Index | None) -> str:
    plain = all(media_types.is_docker(entry.media_type) for entry in entries)
    annotated = target.annotations or any(entry.annotations for entry in entries)
    is_oci = start is not None and not media_types.is_docker(start.media_type)
    is_oci = is_oci or (start is None and _is_for_a_layout(target))
    is_list = plain and not annotated and not is_oci
    return media_types.DOCKER_LIST if is_list else media_types.OCI_INDEX


def _is_for_a_layout(target: Target) -> bool:
    return any(isinstance(one.repository, LocalReference) for one in target.destinations)


def _entries(sources: tuple[Source, ...]) -> Iterator[Descriptor]:
    """Give all entries; an attestation of an image for two platforms stands behind the first."""
    told: set[Descriptor] = set()
    for source in sources:
        yield make_entry(source)
        about = dict.fromkeys(attestation.descriptor for attestation in source.attestations)
        yield from (entry for entry in about if entry not in told)
        told.update(about)


def make_entry(source: Source) -> Descriptor:
    """Make the index entry of an image: what its source listed of it, and the spec on top.

    One that is kept stays as it was listed. The type is that of the image in any case.
    """
    listed = source.listed or source.child.descriptor
    listed = replace(listed, media_type=source.child.descriptor.media_type)
    if source.is_kept:
        return listed
    return replace(
        listed,
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
