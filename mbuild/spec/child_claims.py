"""The child tags of a target, as far as its spec tells them, are its own: no other tag is one."""

from __future__ import annotations

from mbuild.spec.child_tags import known_child_tags
from mbuild.spec.destinations import Claim, Claims
from mbuild.spec.problems import Problems, show
from mbuild.spec.spec import Entry, Position, Target


def check_child_tags(target: Target, place: Position, claims: Claims, problems: Problems) -> None:
    """Tell of two images with one child tag, and of one that is the tag of a target."""
    first: dict[str, Entry] = {}
    for entry, tag in known_child_tags(target):
        other = first.setdefault(tag, entry)
        if other is entry:
            for destination in target.destinations:
                claim = Claim(place, target.position)
                claims.take(destination.repository, tag, claim, problems)
            continue
        message = (
            f"{show(tag)} would be the child tag of {other.platform} at {other.position} too; "
            "let 'child_tags' tell them apart, with {variant}, {os.version} or {compression}"
        )
        problems.add(entry.position, message, "duplicate-child-tag")
