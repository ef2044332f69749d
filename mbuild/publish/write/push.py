"""Push: children first, then index and tags in every repository, then proof."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Sequence

from mbuild.errors import make_fault
from mbuild.publish.decide.plan import Plan
from mbuild.publish.decide.rules import TagRules, is_refusal
from mbuild.publish.outcome import Outcome
from mbuild.publish.read.library import Library
from mbuild.publish.write.child_tags import put_children_back, tag_children
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.grace import GRACE_SECONDS, side_by_side
from mbuild.publish.write.step_run import StepRun
from mbuild.publish.write.tags import Transaction
from mbuild.publish.write.transfer import Transfer

Sleep = Callable[[float], Awaitable[None]]


async def push_plan(
    plan: Plan, *, rules: TagRules, library: Library, copies: Copies, sleep: Sleep = asyncio.sleep
) -> tuple[Outcome, ...]:
    """Carry a plan out, and tell what became of each repository.

    No tag is written anywhere before children and index are in place in every repository; tags
    of the children go before those of the index.
    Errors are held in the outcomes. A cancellation ends the push early: tags under way are
    finished, and what was not done is in the outcomes as `untouched`.
    """
    runs = [StepRun(step, plan, sleep) for step in plan.steps]
    active = [run for run in runs if run.step.is_to_do]
    try:
        receivers = [run.receiver for run in active if run.step.is_index_to_do]
        await Transfer(receivers, copies).bring(plan.children)
        if not any(run.errors for run in active):
            await tag_children(active, library)
        if not any(run.errors for run in active):
            await Transaction(active, rules=rules, library=library, copies=copies).make()
            await side_by_side(run.prove() for run in active)
        await _put_back_if_refused(active)
    except asyncio.CancelledError:
        # Asked to stop again, or after that long, what was not put back is left.
        with contextlib.suppress(TimeoutError, asyncio.CancelledError):
            async with asyncio.timeout(GRACE_SECONDS):
                await _put_back_if_refused(active)
        for run in active:
            run.interrupt()
    except Exception as fault:  # noqa: BLE001  # what was written by then must be told
        for run in active:
            run.errors.append(make_fault(fault))
    return tuple(run.outcome() for run in runs)


async def _put_back_if_refused(runs: Sequence[StepRun]) -> None:
    """Let the tags of children hold what they held where no other run would finish the index."""
    if any(is_refusal(error) for run in runs for error in run.errors):
        await put_children_back(runs)
