"""The order of a run's targets: one that is made of another waits until that is published."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from mbuild.errors import SourceError
from mbuild.publish.decide.plan import Plan
from mbuild.publish.outcome import Outcome
from mbuild.publish.read.library import Library
from mbuild.spec.dependencies import find_needs
from mbuild.spec.spec import Target

Work = asyncio.Task[tuple[Outcome, ...]]


class Order:
    """Knows which targets a target waits for, by their numbers in the run."""

    def __init__(self, targets: Sequence[Target]) -> None:
        self._targets = targets
        self._needs = find_needs(targets)
        self._makers = {maker for needs in self._needs for maker in needs}

    def is_source(self, number: int) -> bool:
        """Tell whether another target is made of this one."""
        return number in self._makers

    async def wait(self, number: int, works: Sequence[Work]) -> None:
        """Wait for the targets that this one is made of.

        Raises SourceError where one of them did not come to a good end.
        """
        needs = self._needs[number]
        if not needs:
            return
        await asyncio.wait([works[need] for need in needs])
        for need in needs:
            if not _is_good(works[need]):
                raise SourceError(
                    f"not tried: it is made of what the target at {self._targets[need].position} "
                    "publishes, and that failed",
                    where=str(self._targets[number].position),
                    hint="see the errors of that one first",
                )


def _is_good(work: Work) -> bool:
    if work.cancelled() or work.exception():
        return False
    return not any(outcome.errors for outcome in work.result())


def teach(library: Library, plan: Plan, *, is_written: bool) -> None:
    """Let the library know what a target's tags hold now, for the targets made of it.

    Of a target that is only planned, what its repository will have is read where it is now.
    """
    for step in plan.steps:
        for tag in (one for one in step.tags if not one.reason):
            library.learn(step.store, tag.tag, plan.index)
        for one in step.child_tags:
            library.note(step.store, one.tag.tag, one.child.descriptor)
        for child in () if is_written else plan.children:
            library.lend(step.store, child.descriptor.digest, child.store)
            if child.is_made and child.content:
                library.keep(step.store, child.content)
