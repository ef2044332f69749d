"""What the child tags of a plan hold now: one HEAD each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from mbuild.errors import Denied
from mbuild.publish.decide.child_tags import ChildTag
from mbuild.publish.decide.plan import Plan, Step, TaggedChild, tag_outcome
from mbuild.publish.read.present import Holding
from mbuild.publish.together import all_together
from mbuild.store.store import Store


async def with_child_tags(plan: Plan, named: Sequence[ChildTag]) -> Plan:
    """Give the plan with what becomes of each child tag, in every repository.

    Where a rule leaves every tag of the index alone, its children get none either.
    """
    if not named:
        return plan
    return replace(plan, steps=await all_together(_tagged(step, named) for step in plan.steps))


async def _tagged(step: Step, named: Sequence[ChildTag]) -> Step:
    if all(tag.reason for tag in step.tags):
        return step
    held = await all_together(_held(step.store, one.tag) for one in named)
    tagged = tuple(
        TaggedChild(tag_outcome(one.tag, holding, one.child.descriptor.digest), one.child)
        for one, holding in zip(named, held, strict=True)
    )
    return replace(step, child_tags=tagged)


async def _held(store: Store, tag: str) -> Holding:
    try:
        return Holding(await store.head_manifest(tag))
    except Denied:
        return Holding(None, is_known=False)
