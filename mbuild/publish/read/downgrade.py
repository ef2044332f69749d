"""Downgrade: a floating tag is left where it is, where moving it would be a step back."""

from __future__ import annotations

from dataclasses import replace

from mbuild.errors import Denied, NotFound
from mbuild.oci.fields import optional_map, parse_object
from mbuild.oci.manifest import Content
from mbuild.publish.decide.plan import Plan, Step
from mbuild.publish.decide.versions import (
    ANNOTATION,
    Floating,
    Version,
    newer_listed,
    parse_floating,
    parse_version,
    version_of,
)
from mbuild.publish.outcome import TagOutcome
from mbuild.publish.read.library import Library
from mbuild.publish.together import all_together


async def hold_back(plan: Plan, library: Library) -> Plan:
    """Give the plan with each floating tag left alone that stands for a newer version.

    What such a tag stands for is the version its index is annotated with, else the newest
    that fits among the repository's tags, which are listed only then.
    """
    steps = await all_together(_Restraint(step, plan.index, library).apply() for step in plan.steps)
    return replace(plan, steps=steps)


class _Restraint:
    def __init__(self, step: Step, index: Content, library: Library) -> None:
        self._step = step
        self._annotation = _annotated(index)
        self._library = library
        self._listed: tuple[str, ...] | None = None
        self._warnings = list(step.warnings)

    async def apply(self) -> Step:
        tags = tuple([await self._restrain(tag) for tag in self._step.tags])
        return replace(self._step, tags=tags, warnings=tuple(self._warnings))

    async def _restrain(self, tag: TagOutcome) -> TagOutcome:
        floating = parse_floating(tag.tag)
        if tag.action != "moved" or floating is None:
            return tag
        where = f"{self._step.store.name}:{tag.tag}"
        ours = version_of((one.tag for one in self._step.tags), floating, self._annotation)
        if ours is None:
            self._warnings.append(
                f"{where}: --no-downgrade knows no version to compare: no tag of the target is a "
                f"full one, and the index has no annotation {ANNOTATION}"
            )
            return tag
        reason = await self._reason(tag, floating, ours)
        if not reason:
            return tag
        self._warnings.append(f"{where}: left where it is: {reason} (--no-downgrade)")
        return replace(tag, action="untouched", reason=reason)

    async def _reason(self, tag: TagOutcome, floating: Floating, ours: Version) -> str:
        """Say why the tag stays, in empty text if it may move."""
        held = await self._held(tag)
        if held and floating.begins(held):
            return f"it holds {held}, newer than {ours}" if held.is_newer(ours) else ""
        if self._listed is None:
            self._listed = await self._step.store.list_tags()
        newer = newer_listed(ours, floating, self._listed)
        return f"{newer} is published, newer than {ours}" if newer else ""

    async def _held(self, tag: TagOutcome) -> Version | None:
        try:
            content = await self._library.manifest(self._step.store, str(tag.previous))
        except (NotFound, Denied):
            return None
        return parse_version(_annotated(content))


def _annotated(content: Content) -> str:
    """Give the version that an index or image is annotated with, or empty text."""
    try:
        return dict(optional_map(parse_object(content.raw), "annotations")).get(ANNOTATION, "")
    except ValueError:  # published by others, and not understood
        return ""
