"""The child tags of a target, as far as its spec tells them, are its own: no other tag is one."""

from __future__ import annotations

from functools import partial

from mbuild.spec.child_tags import TELL_APART, known_child_tags, make_child_tag, told_entries
from mbuild.spec.destinations import Claim, Claims
from mbuild.spec.problems import Problems, show
from mbuild.spec.spec import Entry, Target
from mbuild.spec.tree import Text


def check_child_tags(target: Target, text: Text, claims: Claims, problems: Problems) -> None:
    """Tell of two images with one child tag, of one that is a target's, and of one that is none.

    `text` is the template.
    """
    for entry, platform in told_entries(target):
        make = partial(make_child_tag, target, platform, is_zstd=entry.is_zstd)
        problems.attempt(text, "bad-tag", make)
    first: dict[str, Entry] = {}
    for entry, tag in known_child_tags(target):
        other = first.setdefault(tag, entry)
        if other is entry:
            for destination in target.destinations:
                claim = Claim(text.position, target.position)
                claims.take(destination.repository, tag, claim, problems)
            continue
        message = (
            f"{show(tag)} would be the child tag of {other.platform} at {other.position} too; "
            f"{TELL_APART}"
        )
        problems.add(entry.position, message, "duplicate-child-tag")
