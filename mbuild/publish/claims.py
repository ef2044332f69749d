"""Claims: which target of a run writes which tag; each tag is that of one target."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from mbuild.errors import ImageMismatch, Problem
from mbuild.spec.spec import Target
from mbuild.store.store import Store

Opened = tuple[Target, tuple[Store, ...]]
"""A target with the stores of its repositories."""


class Claims:
    """The tags that the targets of a run have taken, in stores that are one however written."""

    def __init__(self) -> None:
        self._taken: dict[tuple[int, str], Target] = {}

    def take(self, targets: Sequence[Opened]) -> Iterator[Problem]:
        """Take the tags of all targets; tell of those that two targets name.

        A layout's folder may be written in many ways.
        """
        for target, places in targets:
            for destination, store in zip(target.destinations, places, strict=True):
                for tag in destination.tags:
                    first = self._taken.setdefault((id(store), tag), target)
                    if first is not target:
                        place = target.position
                        message = (
                            f"tag {tag!r} of {store.name} is a target already, first at "
                            f"{first.position}; take one out"
                        )
                        code = "duplicate-target"
                        yield Problem(place.file, place.line, place.column, message, code)

    def take_children(self, opened: Opened, tags: Iterable[str]) -> Iterator[ImageMismatch]:
        """Take child tags, which may be known by the images alone; tell of those of others."""
        target, places = opened
        for tag in tags:
            owners = [self._taken.setdefault((id(store), tag), target) for store in places]
            other = next((owner for owner in owners if owner is not target), None)
            if other:
                yield ImageMismatch(
                    f"child tag {tag!r} is that of the target at {other.position} too",
                    where=str(target.position),
                    hint="write child_tags with {tag}, or with another text for each target",
                )
