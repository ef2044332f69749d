"""Rules for tags: what a tag holds is compared with what the plan saw, before it is written."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mbuild.errors import Denied, IntegrityError, MbuildError, TagRefused
from mbuild.oci.digest import Digest
from mbuild.publish.decide.plan import Plan
from mbuild.publish.outcome import TagOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class TagRules:
    """What tags may be done: the options of the same names.

    `force`: move a tag that somebody else has changed since the plan, and take nothing that is
    in place for proven. `no_clobber`: no existing tag moves.
    `no_downgrade`: a floating tag does not move back to an older version.
    """

    force: bool = False
    no_clobber: bool = False
    no_downgrade: bool = False


def check_clobber(plan: Plan, rules: TagRules) -> tuple[TagRefused, ...]:
    """Find every tag of a plan that would move, where no existing tag may."""
    if not rules.no_clobber:
        return ()
    return tuple(
        refuse_clobber(f"{step.store.name}:{tag.tag}", tag.previous)
        for step in plan.steps
        for tag in (*step.tags, *(one.tag for one in step.child_tags))
        if tag.action == "moved" and tag.previous
    )


def refuse_clobber(where: str, held: Digest) -> TagRefused:
    """Give the error for a tag that exists where no existing tag may move."""
    return TagRefused(
        f"the tag exists, and holds {held}; no existing tag may move (--no-clobber)",
        where=where,
        hint="choose another tag, or leave the option out",
    )


def refuse_unreadable(where: str, error: Denied) -> TagRefused:
    """Give the error for a tag that may exist, where no existing tag may move."""
    return TagRefused(
        f"the tag cannot be read, so it may exist, and no existing tag may move (--no-clobber): "
        f"{error.message}",
        where=where,
        hint=error.hint,
    )


def compare_tag(
    tag: TagOutcome, held: Digest | None, *, ours: Digest, rules: TagRules
) -> TagOutcome | None:
    """Say what becomes of a tag that now holds `held`; None where it may not be written.

    One that holds the index is kept: another run has put it there.
    """
    if held == ours:
        return TagOutcome(tag.tag, "kept", held)
    if held and rules.no_clobber:
        return None
    if tag.action == "unknown":
        return replace(tag, action="created")
    if held == tag.previous:
        return tag
    return TagOutcome(tag.tag, "moved" if held else "created", held) if rules.force else None


def refuse_changed(tag: TagOutcome, held: Digest | None, where: str) -> TagRefused:
    """Give the error for a tag that somebody else has changed since the plan was made."""
    return TagRefused(
        f"somebody else has changed the tag: {describe_change(tag, held)}",
        where=where,
        hint="look at what it holds, then run the same command again, or move it with --force",
    )


def describe_change(tag: TagOutcome, held: Digest | None) -> str:
    """Say what the plan saw a tag hold, and what it holds now."""
    return f"it held {tag.previous or 'nothing'} when it was planned, and {held or 'nothing'} now"


def is_refusal(error: MbuildError) -> bool:
    """Tell whether a write was refused for good: what another run would meet again."""
    return isinstance(error, TagRefused | Denied | IntegrityError) or bool(error.refusal)
