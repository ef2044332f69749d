"""Versions in tags: which is newer, and for which of them a floating tag stands."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import dropwhile

ANNOTATION = "org.opencontainers.image.version"

_RANKS = {
    **dict.fromkeys(("dev", "snapshot", "nightly", "canary"), 0),
    **dict.fromkeys(("a", "alpha"), 1),
    **dict.fromkeys(("b", "beta", "m", "milestone"), 2),
    **dict.fromkeys(("c", "rc", "pre", "preview"), 3),
}
"""Words of pre-releases, from the earliest to the last before the release."""

_LONGEST = 128
_VERSION = re.compile(
    rf"""v?(?P<numbers>\d+(?:\.\d+)*)
    (?:-(?P<revision>\d+)(?=[-_+]|$))?
    (?:[-._]?(?P<word>{"|".join(_RANKS)})(?P<counts>(?:[-.]?\d+(?:[-.]\d+)*)?)(?=[-_+]|$))?
    (?:[-_](?P<track>[^+]+))?
    (?:\+.*)?""",
    re.VERBOSE | re.IGNORECASE | re.ASCII | re.DOTALL,
)
_LATEST = re.compile(r"latest(?:-(?P<track>.+))?", re.ASCII | re.DOTALL)


@dataclass(frozen=True, slots=True)
class Version:
    """A version: `1.4.2`, `v1.4.2-rc.1`, `1.4.2-3` (a revision), `1.4.2-alpine` (a track).

    `numbers` are as many as were written, the revision besides. `stage` is that of a
    pre-release, None for a release. Versions of different tracks are not compared.
    """

    text: str
    numbers: tuple[int, ...]
    revision: int = 0
    stage: tuple[int, ...] | None = None
    track: str = ""

    def __str__(self) -> str:
        return self.text

    @property
    def is_full(self) -> bool:
        """Tell whether it names one release: three numbers or more."""
        return len(self.numbers) > 2

    def is_newer(self, other: Version) -> bool:
        """Tell whether it comes later; a pre-release comes before its release."""
        return self._key > other._key

    @property
    def _key(self) -> tuple[tuple[int, ...], int, bool, tuple[int, ...]]:
        trimmed = tuple(dropwhile(lambda number: number == 0, reversed(self.numbers)))[::-1]
        return trimmed, self.revision, self.stage is None, self.stage or ()


@dataclass(frozen=True, slots=True)
class Floating:
    """What a floating tag stands for: the newest of the versions that begin with `prefix`."""

    prefix: tuple[int, ...] = ()
    track: str = ""

    def begins(self, version: Version) -> bool:
        """Tell whether a version has the tag's numbers."""
        return version.numbers[: len(self.prefix)] == self.prefix

    def covers(self, version: Version) -> bool:
        """Tell whether the tag may stand for that version."""
        return self.begins(version) and version.is_full and version.track == self.track


def parse_version(text: str) -> Version | None:
    """Read a version, None for any other text, or one longer than a tag may be."""
    found = _VERSION.fullmatch(text.strip())
    if not found or len(text) > _LONGEST:
        return None
    word = found["word"]
    counts = tuple(map(int, re.findall(r"\d+", found["counts"] or "", re.ASCII)))
    return Version(
        text.strip(),
        tuple(map(int, found["numbers"].split("."))),
        int(found["revision"] or 0),
        (_RANKS[word.lower()], *counts) if word else None,
        found["track"] or "",
    )


def parse_floating(tag: str) -> Floating | None:
    """Read a floating tag: `latest`, `1`, `1.4`, also with a track; None for any other."""
    if found := _LATEST.fullmatch(tag):
        return Floating((), found["track"] or "")
    version = parse_version(tag)
    if version is None or version.is_full or version.stage or version.revision:
        return None
    return Floating(version.numbers, version.track)


def version_of(tags: Iterable[str], floating: Floating, annotation: str) -> Version | None:
    """Give the version that is published: the newest full one among the tags of that track,
    else what the index's annotation says.
    """
    versions = filter(None, map(parse_version, tags))
    return newest(one for one in versions if one.is_full and one.track == floating.track) or (
        parse_version(annotation)
    )


def newest(versions: Iterable[Version]) -> Version | None:
    """Give the newest of several, None without any."""
    found: Version | None = None
    for version in versions:
        found = version if found is None or version.is_newer(found) else found
    return found


def newer_listed(ours: Version, floating: Floating, tags: Iterable[str]) -> Version | None:
    """Give the newest version among a repository's tags that the floating tag should stay with.

    Pre-releases count only where what is published is one too.
    """
    versions = filter(None, map(parse_version, tags))
    found = newest(
        one for one in versions if floating.covers(one) and (one.stage is None or ours.stage)
    )
    return found if found and found.is_newer(ours) else None
