"""Push: children and index first, by digest, in every repository; then tags; then proof."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from mbuild.errors import Interrupted, MbuildError, flatten, make_fault
from mbuild.publish.outcome import Outcome, TagOutcome
from mbuild.publish.plan import Plan, Step
from mbuild.publish.transfer import Transfer
from mbuild.publish.verify import verify_published

GRACE_SECONDS = 5.0
"""How long tags under way are waited for when the process is asked to stop."""

Sleep = Callable[[float], Awaitable[None]]


async def push_plan(plan: Plan, *, sleep: Sleep = asyncio.sleep) -> tuple[Outcome, ...]:
    """Carry a plan out, and tell what became of each repository.

    No tag is written anywhere before children and index are in place in every repository.
    Errors are held in the outcomes. A cancellation ends the push early: tags under way are
    finished, and what was not done is in the outcomes as `untouched`.
    """
    runs = [_StepRun(step, plan, sleep) for step in plan.steps]
    active = [run for run in runs if run.step.is_to_do]
    try:
        await _side_by_side(run.stage() for run in active)
        if not any(run.errors for run in active):
            await _finish_tags([run.write(tag) for run in active for tag in run.step.pending])
            await _side_by_side(run.prove() for run in active)
    except asyncio.CancelledError:
        for run in active:
            run.interrupt()
    except Exception as fault:  # noqa: BLE001  # what was written by then must be told
        for run in active:
            run.errors.append(make_fault(fault))
    return tuple(run.outcome() for run in runs)


async def _side_by_side(work: Iterable[Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(_wait_for(one))


async def _wait_for(work: Awaitable[None]) -> None:
    await work


async def _finish_tags(work: Sequence[Awaitable[None]]) -> None:
    """Write all tags side by side; when cancelled, let those under way come to their end."""
    tasks = [asyncio.create_task(_wait_for(one)) for one in work]
    if not tasks:  # a layout that was only seen to
        return
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        raise
    finally:
        for task in tasks:
            task.cancel()
    for task in tasks:
        task.result()


class _StepRun:
    """One repository's step as it is carried out, and what has become of it so far."""

    def __init__(self, step: Step, plan: Plan, sleep: Sleep) -> None:
        self.step = step
        self.errors: list[MbuildError] = []
        self._plan = plan
        self._sleep = sleep
        self._transfer = Transfer(step.store)
        self._tags = {
            tag.tag: tag if tag.action == "kept" else TagOutcome(tag.tag, "untouched", tag.previous)
            for tag in step.tags
        }
        self._written: list[str] = []
        self._proven: bool | None = None

    async def stage(self) -> None:
        """Bring the children, then put the index by its digest."""
        index = self._plan.index
        try:
            await self._transfer.bring(self._plan.children)
            if not self.step.holds_index:
                await self.step.store.put_manifest(str(index.digest), index)
        except MbuildError as error:
            self.errors.extend(flatten([error]))

    async def write(self, tag: TagOutcome) -> None:
        """Move one tag to the index."""
        self._tags[tag.tag] = TagOutcome(tag.tag, "unknown", tag.previous)
        try:
            await self.step.store.put_manifest(tag.tag, self._plan.index)
        except MbuildError as error:
            self._tags[tag.tag] = TagOutcome(tag.tag, "failed", tag.previous)
            self.errors.append(error)
            return
        # A tag that could not be read before is `moved`, from what nobody knows.
        written = replace(tag, action="moved") if tag.action == "unknown" else tag
        self._tags[tag.tag] = written
        self._written.append(tag.tag)
        self._proven = False

    async def prove(self) -> None:
        """Read back what was written, a layout's lost blobs that were brought back included."""
        is_repair = not self.step.pending and self._transfer.copied.blobs > 0
        tags = tuple(self._tags) if is_repair else tuple(self._written)
        if not tags:
            return
        try:
            await verify_published(
                self.step.store,
                tags,
                self._plan.index.digest,
                children=tuple(self._transfer.placed),
                sleep=self._sleep,
            )
            self._proven = True
        except MbuildError as error:
            self.errors.extend(flatten([error]))

    def interrupt(self) -> None:
        """Note that the push was stopped before this step had come to its end."""
        if self._proven:
            return
        done = ", ".join(self._written) or "no tag"
        self.errors.append(
            Interrupted(
                f"interrupted; written: {done}",
                where=self.step.store.name,
                hint="run the same command again to finish",
            )
        )

    def outcome(self) -> Outcome:
        """Tell what has become of the repository."""
        return Outcome(
            target=self._plan.target,
            image=self.step.store.name,
            tags=tuple(self._tags.values()),
            index=self._plan.index.descriptor(),
            differences=self.step.differences,
            attestations=self._plan.attestations,
            copied=self._transfer.copied,
            verified=self._proven,
            warnings=self.step.warnings,
            errors=tuple(self.errors),
        )
