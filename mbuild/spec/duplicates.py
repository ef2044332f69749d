"""Entries that no client could tell apart, as far as the spec alone shows it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from mbuild.oci.descriptor import ZSTD
from mbuild.oci.platform import Platform, normalise
from mbuild.spec.problems import Problems
from mbuild.spec.spec import Entry, Metadata, Position


@dataclass(frozen=True, slots=True)
class Placed:
    """An entry, or one to be, and where its platform is said."""

    position: Position
    entry: Entry | Metadata


def check_duplicates(placed: Iterable[Placed], problems: Problems) -> None:
    """Tell of entries with one platform after normalising.

    A twin marked as zstd-compressed is another entry. What its config may still tell apart
    (no platform said, Windows without os.version) is judged once the images are known.
    """
    seen: dict[tuple[Platform, bool], tuple[Placed, Platform]] = {}
    for it in placed:
        platform = it.entry.platform
        if platform is None or (platform.os == "windows" and not platform.os_version):
            continue
        is_zstd = dict(it.entry.annotations).get(ZSTD) == "true"
        first, other = seen.setdefault((normalise(platform), is_zstd), (it, platform))
        if first is not it:
            same = "is given twice" if str(platform) == str(other) else f"is the same as '{other}'"
            message = f"platform '{platform}' {same}, first at {first.position}; take one out"
            problems.add(it.position, message, "duplicate-platform")
