"""What a target came to, a repository each: the values that reports are made of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest

TagAction = Literal[
    "created", "moved", "kept", "failed", "restored", "removed", "untouched", "unknown"
]
Change = Literal["added", "changed", "kept", "removed", "skipped"]
FurtherChange = Literal["attestations", "others", "order", "form"]

CHANGES = frozenset({"created", "moved", "unknown"})
"""Actions by which a tag is, or would be, written."""

_NOT_HELD = frozenset({"failed", "restored", "removed", "untouched"})


@dataclass(frozen=True, slots=True)
class TagOutcome:
    """What happened, or would happen, to a tag; `previous` is what it held before.

    `reason` says why a rule leaves it where it is; such a tag is `untouched`, and no failure.
    `is_left` marks one that could not be put back when the others were.
    """

    tag: str
    action: TagAction
    previous: Digest | None = None
    reason: str = ""
    is_left: bool = False


@dataclass(frozen=True, slots=True)
class AnnotationOutcome:
    """An annotation that differs: its value before and its value now, None where it has none."""

    key: str
    change: Change
    previous: str | None
    value: str | None


@dataclass(frozen=True, slots=True)
class PlatformOutcome:
    """One image of the index, and how it differs from what was published before.

    `image` is the source's reference. `previous` is the digest an image that is `changed`
    had before; `annotations` are those of its entry that differ from then. A `skipped` one
    (optional, and missing) has no descriptor. `converted` is what an image was that was
    converted to another format.
    """

    platform: str
    image: str
    change: Change
    descriptor: Descriptor | None = None
    previous: Digest | None = None
    annotations: tuple[AnnotationOutcome, ...] = ()
    converted: Descriptor | None = None


@dataclass(frozen=True, slots=True)
class Differences:
    """How the index differs from the one that a repository's tags held before.

    `annotations` are those of the index that differ. `previous_type` is the media type it had,
    empty where there was none. `further` says what no platform and no annotation shows:
    `attestations` are others, `others` (entries that are neither that nor images) are, the
    `order` of the images is another, or only the `form` is (the same written in other bytes).
    """

    platforms: tuple[PlatformOutcome, ...] = ()
    annotations: tuple[AnnotationOutcome, ...] = ()
    previous_type: str = ""
    further: tuple[FurtherChange, ...] = ()


@dataclass(frozen=True, slots=True)
class Copied:
    """What was written besides manifests: blobs sent, blobs mounted, bytes sent.

    `foreign` layers were left at their URLs.
    """

    blobs: int = 0
    mounted: int = 0
    bytes: int = 0
    foreign: int = 0


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one repository of a target came to.

    `image` names the repository, `target` the target by its first repository and tag.
    `attestations` counts what the index holds besides images, `referrers` what was, or would
    be, copied of what belongs to them. `index` is None where no index could be made;
    `verified` None where nothing was written.
    """

    target: str
    image: str
    tags: tuple[TagOutcome, ...]
    index: Descriptor | None = None
    differences: Differences = Differences()
    attestations: int = 0
    referrers: int = 0
    child_tags: tuple[TagOutcome, ...] = ()
    copied: Copied = Copied()
    verified: bool | None = None
    warnings: tuple[str, ...] = ()
    errors: tuple[MbuildError, ...] = ()

    @property
    def platforms(self) -> tuple[PlatformOutcome, ...]:
        """Give the images of the index, each with how it differs from before."""
        return self.differences.platforms

    @property
    def is_published(self) -> bool:
        """Tell whether all went well: every tag holds, or would hold, the index.

        Those that a rule leaves alone do not count, as long as there are others.
        """
        counted = [tag for tag in self.tags if not tag.reason]
        is_whole = not any(tag.is_left or tag.action in _NOT_HELD for tag in counted)
        return not self.errors and bool(counted) and is_whole

    @property
    def is_held_back(self) -> bool:
        """Tell whether a rule leaves every tag alone, and nothing is wrong."""
        return not self.errors and all(tag.reason for tag in self.tags)

    @property
    def is_change(self) -> bool:
        """Tell whether a tag, or what belongs to an image, was or would be written."""
        return self.is_tag_change or self.is_child_change or self.referrers > 0

    @property
    def is_child_change(self) -> bool:
        """Tell whether a tag of an image was, or would be, written."""
        return any(tag.action in CHANGES for tag in self.child_tags)

    @property
    def is_tag_change(self) -> bool:
        """Tell whether a tag was, or would be, written."""
        return any(tag.action in CHANGES for tag in self.tags)
