"""Base: the index a target starts from, without what is taken out, and with its own images in."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from mbuild.errors import ImageMismatch
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform, normalise, satisfies
from mbuild.publish.decide.assemble import make_entry, platform_of
from mbuild.publish.read.source import Resolved, Skipped, Source, told_of
from mbuild.spec.spec import Target


def put_in(target: Target, resolved: Resolved) -> Resolved:
    """Give what the target is made of, in the order of its index.

    Each of the target's own images takes the place of the base's images of its platform; the
    others of the base stay where they are, and what is new comes behind them. What is no image,
    and in the base already, does not come in once more.
    """
    own = _own(target, resolved)
    result: list[Source | Skipped] = []
    placed: set[int] = set()
    for old in _of_base(target, resolved):
        if _is_removed(old, target):
            continue
        new = [n for n, one in enumerate(own) if isinstance(one, Source) and _replaces(one, old)]
        if not new:
            result.append(old)
        elif new[0] not in placed:
            placed.add(new[0])
            result.append(own[new[0]])
    return (*result, *(one for n, one in enumerate(own) if n not in placed))


def _own(target: Target, resolved: Resolved) -> list[Source | Skipped]:
    """Give what comes of the target's own entries."""
    held = {it.child.descriptor.digest for it in _of_base(target, resolved) if not it.is_image}

    def is_held(one: Source | Skipped) -> bool:
        return isinstance(one, Source) and not one.is_image and one.child.descriptor.digest in held

    return [one for one in resolved if one.entry is not target.base and not is_held(one)]


def find_base(target: Target, resolved: Resolved) -> Content | None:
    """Give the index that the target starts from, None where it is an image or there is none."""
    return next((source.origin for source in _of_base(target, resolved)), None)


def check_removals(target: Target, resolved: Resolved) -> Iterator[ImageMismatch]:
    """Tell of each platform that is to be taken out of the base, and is not in it."""
    found = _of_base(target, resolved)
    if target.base is None or not found:
        return
    base = [source for source in found if source.is_image]
    held = ", ".join(str(platform_of(source)) for source in base) or "no image"
    for platform in target.remove:
        if not any(satisfies(platform_of(source), platform) for source in base):
            message = f"{platform} is to be removed, and is not in it; it holds {held}"
            yield ImageMismatch(
                told_of(target.base, message),
                where=str(target.base.position),
                hint="take it out of remove",
            )


def _of_base(target: Target, resolved: Resolved) -> Sequence[Source]:
    return [it for it in resolved if isinstance(it, Source) and it.entry is target.base]


def _is_removed(source: Source, target: Target) -> bool:
    platform = platform_of(source)
    return source.is_image and any(satisfies(platform, one) for one in target.remove)


def _replaces(new: Source, old: Source) -> bool:
    """Tell whether an image is of the same kind as one of the base.

    One of which the base says no os.version is of any.
    """
    if not (new.is_image and old.is_image) or make_entry(new).is_zstd != make_entry(old).is_zstd:
        return False
    one, other = normalise(platform_of(new)), normalise(platform_of(old))
    return one == other or (not other.os_version and one == _with_version(other, one))


def _with_version(platform: Platform, other: Platform) -> Platform:
    return replace(platform, os_version=other.os_version, os_features=other.os_features)
