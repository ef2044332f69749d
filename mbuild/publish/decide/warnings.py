"""Warnings of a plan: what somebody who looks at the list alone would not expect."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mbuild.oci.platform import Platform, equals, parse_platform, satisfies
from mbuild.publish.decide.assemble import make_entry, platform_of
from mbuild.publish.decide.convert import lost_in_conversion
from mbuild.publish.outcome import PlatformOutcome
from mbuild.publish.read.source import Resolved, Skipped, Source
from mbuild.store.store import Store


def source_warnings(made: Resolved) -> tuple[str, ...]:
    """Tell of images that are left out, that stay beside a newer twin, and of lost annotations."""
    return (*_left_out(made), *_old_twins(made), *lost_in_conversion(made))


def _left_out(made: Resolved) -> Iterator[str]:
    kept = [source for source in _images(made) if source.is_kept]
    for source in made:
        if isinstance(source, Skipped):
            wanted = source.entry.platform
            # What a lock has noted as absent is not asked for: it may be there by now.
            reason = "absent when it was locked" if source.entry.pin else "not found"
            is_held = wanted and any(satisfies(platform_of(one), wanted) for one in kept)
            fate = "stays as the base has it" if is_held else "left out"
            yield f"{source.name}: {reason}; {wanted or 'the image'} is optional and {fate}"


def _old_twins(made: Resolved) -> Iterator[str]:
    """Tell of an entry in the other compression that stays, though its image is replaced."""
    images = list(_images(made))
    new = [source for source in images if not source.is_kept]
    for old in (source for source in images if source.is_kept):
        platform = platform_of(old)
        if any(equals(platform_of(one), platform) for one in new):
            kind = "zstd" if make_entry(old).is_zstd else "plain"
            yield (
                f"{old.name}: the {kind} entry for {platform} stays as the base has it, beside "
                "another image for it; publish both, or remove the platform"
            )


def _images(made: Resolved) -> Iterator[Source]:
    return (source for source in made if isinstance(source, Source) and source.is_image)


def taken_away(
    platforms: Iterable[PlatformOutcome], store: Store, *, asked: Sequence[Platform]
) -> Iterator[str]:
    """Tell of platforms that were published before, and not `asked` to be removed."""
    for platform in platforms:
        if platform.change == "removed" and not _is_asked(platform.platform, asked):
            name = platform.platform or "an image without platform"
            yield (
                f"{store.name}: {name} was published before and is not in the spec; the new list "
                "is without it"
            )


def _is_asked(name: str, asked: Sequence[Platform]) -> bool:
    try:
        platform = parse_platform(name)
    except ValueError:  # an entry of others, for what no platform is
        return False
    return any(satisfies(platform, one) for one in asked)
