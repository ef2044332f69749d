"""How an index differs from the one that was published before, part by part."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any

from mbuild.oci import media_types
from mbuild.oci.descriptor import Annotations, Descriptor, to_docker_dict, to_oci_dict
from mbuild.oci.index import Index, is_surely_no_image
from mbuild.oci.platform import Platform, normalise
from mbuild.publish.decide.assemble import platform_of
from mbuild.publish.outcome import (
    AnnotationOutcome,
    Differences,
    FurtherChange,
    PlatformOutcome,
)
from mbuild.publish.read.source import Skipped, Source

Listed = tuple[Source | Skipped, Descriptor | None]
"""A source and its entry in the index; a skipped one has none."""

Key = tuple[Platform | None, bool]
Write = Callable[[Descriptor], dict[str, Any]]


def find_differences(
    index: Index, listed: Sequence[Listed], previous: Index | None, *, is_same: bool
) -> Differences:
    """Compare an index with the one before it, None where nothing was published.

    `is_same` tells that the two have the same bytes.
    """
    write = to_docker_dict if media_types.is_docker(index.media_type) else to_oci_dict
    platforms = tuple(_platforms(listed, previous, write))
    if previous is None:
        return Differences(platforms, tuple(_annotations((), index.annotations)))
    told = Differences(
        platforms,
        tuple(_annotations(previous.annotations, index.annotations)),
        previous.media_type,
        tuple(_further(index, previous)),
    )
    if is_same or told.further or not _is_nothing(told, index.media_type):
        return told
    return replace(told, further=("form",))


def _is_nothing(told: Differences, media_type: str) -> bool:
    is_kept = all(platform.change in {"kept", "skipped"} for platform in told.platforms)
    return is_kept and not told.annotations and told.previous_type == media_type


def _platforms(
    listed: Sequence[Listed], previous: Index | None, write: Write
) -> Iterator[PlatformOutcome]:
    """Compare entry by entry, as the new list writes them."""
    # Its bytes alone do not tell: the same manifest may be listed as an image too.
    others = (entry for source, entry in listed if entry and not _is_image(source))
    beside = {(entry.digest, entry.platform) for entry in others}
    earlier = _images(previous) if previous else ()
    before: dict[Key, list[Descriptor]] = {}
    for old in earlier:
        if (old.digest, old.platform) not in beside:
            before.setdefault(_key(old), []).append(old)
    met: set[Key] = set()
    for source, entry in listed:
        if not _is_image(source):
            continue
        if entry is None:
            platform = str(source.entry.platform or "")
            yield PlatformOutcome(platform, source.name, "skipped")
            continue
        met.add(_key(entry))
        outcome = _compared(source, entry, _take(before.get(_key(entry), []), entry), write)
        yield replace(outcome, converted=_origin(source))
    for old in (held[-1] for key, held in before.items() if key not in met):
        yield PlatformOutcome(str(old.platform or ""), "", "removed", old, old.digest)


def _take(held: list[Descriptor], entry: Descriptor) -> Descriptor | None:
    """Take from what was held for a platform, perhaps twice, the same image, else any."""
    old = next((one for one in held if one.digest == entry.digest), held[-1] if held else None)
    if old:
        held.remove(old)
    return old


def _compared(
    source: Source | Skipped, entry: Descriptor, old: Descriptor | None, write: Write
) -> PlatformOutcome:
    platform = _name_of(source, entry)
    if old is None:
        return PlatformOutcome(platform, source.name, "added", entry)
    if write(old) == write(entry):
        return PlatformOutcome(platform, source.name, "kept", entry, old.digest)
    changed = tuple(_annotations(old.annotations, entry.annotations))
    return PlatformOutcome(platform, source.name, "changed", entry, old.digest, changed)


def _origin(source: Source | Skipped) -> Descriptor | None:
    """Give what a converted image was before."""
    converted = source.converted if isinstance(source, Source) else None
    return converted.origin if converted else None


def _images(index: Index) -> tuple[Descriptor, ...]:
    return tuple(entry for entry in index.images if not is_surely_no_image(entry))


def _is_image(source: Source | Skipped) -> bool:
    return isinstance(source, Skipped) or source.is_image


def _name_of(source: Source | Skipped, entry: Descriptor) -> str:
    """Name the platform; an index that is passed on may leave it to the image's config."""
    if entry.platform is None and isinstance(source, Source):
        return str(platform_of(source))
    return str(entry.platform)


def _key(entry: Descriptor) -> Key:
    return (normalise(entry.platform) if entry.platform else None, entry.is_zstd)


def _annotations(before: Annotations, after: Annotations) -> Iterator[AnnotationOutcome]:
    """Give what is different, in the order of the keys."""
    old, new = dict(before), dict(after)
    for key in sorted(old.keys() | new.keys()):
        if key not in old:
            yield AnnotationOutcome(key, "added", None, new[key])
        elif key not in new:
            yield AnnotationOutcome(key, "removed", old[key], None)
        elif old[key] != new[key]:
            yield AnnotationOutcome(key, "changed", old[key], new[key])


def _further(index: Index, previous: Index) -> Iterator[FurtherChange]:
    """Tell of what no platform shows: other attestations, what is no image, or the order."""
    now, before = (_kinds(one) for one in (index, previous))
    if now["attestations"] != before["attestations"]:
        yield "attestations"
    if now["others"] != before["others"]:
        yield "others"
    images, earlier = _digests(_images(index)), _digests(_images(previous))
    if images != earlier and sorted(images) == sorted(earlier):
        yield "order"


def _kinds(index: Index) -> dict[str, set[str]]:
    """Give the digests of the attestations, and of the others that are no images."""
    attestations = {str(one.digest) for one in index.manifests if one.is_attestation}
    others = {str(one.digest) for one in index.manifests if is_surely_no_image(one)}
    return {"attestations": attestations, "others": others - attestations}


def _digests(entries: Sequence[Descriptor]) -> list[str]:
    return [str(entry.digest) for entry in entries]
