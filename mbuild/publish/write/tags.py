"""Tags as a transaction: staged, compared, the new ones, then those that move; all or none."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence

from mbuild.publish.decide.rules import TagRules, is_refusal
from mbuild.publish.outcome import TagOutcome
from mbuild.publish.read.library import Library
from mbuild.publish.write.compare import Comparison
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.grace import GRACE_SECONDS, finish, side_by_side
from mbuild.publish.write.referrers import bring_referrers
from mbuild.publish.write.restore import restore
from mbuild.publish.write.step_run import StepRun

FRESH_SECONDS = 1.0
"""A comparison that is older when the tags are written is made again."""


class Transaction:
    """Moves the tags of one target, in all its repositories."""

    def __init__(
        self, runs: Sequence[StepRun], *, rules: TagRules, library: Library, copies: Copies
    ) -> None:
        self._runs = list(runs)
        self._copies = copies
        self._rules = rules
        self._library = library

    async def make(self) -> None:
        """Put the index by digest, then the tags; leave it at the first step that fails.

        After a refusal for good the tags are put back. After any other failure what is written
        stays: the same command, run again, finishes.
        """
        try:
            await self._prepare()
            await self._write()
        except asyncio.CancelledError:  # no other run would finish what was refused
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE_SECONDS):
                    await self._restore_if_refused()
            raise
        await self._restore_if_refused()

    async def _write(self) -> None:
        for phase in (_stands_in, _is_new, _moves):
            if self._has_failed:
                return
            await finish(
                work
                for run in self._runs
                for work in run.writes([tag for tag in run.pending if phase(run, tag)])
            )

    async def _restore_if_refused(self) -> None:
        if any(is_refusal(error) for run in self._runs for error in run.errors):
            await restore(self._runs)

    async def _prepare(self) -> None:
        """Put the index by digest and compare the tags: beforehand where it offers tags."""
        if offered := self._offered():
            (run,) = self._runs
            await self._compare()
            tags = [tag for tag in offered if tag in run.pending]
            if not self._has_failed:
                await finish([run.stage_with(tags) if len(tags) > 1 else run.stage()])
        else:
            await self._stage_and_compare()
        for run in self._runs:
            run.choose_stand_in()

    async def _stage_and_compare(self) -> None:
        """Do both in one round trip; compare again where the index, or a referrer, took time."""
        clock = asyncio.get_running_loop().time
        compared = clock()

        async def compare() -> None:
            nonlocal compared
            await self._compare()
            compared = clock()

        await side_by_side([*(run.stage() for run in self._runs), compare()])
        receivers = [run for run in self._runs if run.step.referrers]
        if receivers and not self._has_failed:
            await bring_referrers(receivers, self._copies)
        if not self._has_failed and clock() - compared > FRESH_SECONDS:
            await self._compare()

    def _offered(self) -> list[TagOutcome]:
        """Give the new tags that the index can be sent with: in a single repository, two or more.

        Where it is not known whether the registry takes them, only if no tag would move: the
        comparison should be the last thing before that.
        """
        if len(self._runs) != 1 or self._runs[0].step.holds_index:
            return []
        (run,) = self._runs
        if run.step.referrers:  # they come between the index and its tags
            return []
        new = [tag for tag in run.pending if tag.action == "created"]
        takes = run.store.takes_tags
        is_worth_it = takes if takes is not None else len(new) == len(run.pending)
        return new if is_worth_it and len(new) > 1 else []

    async def _compare(self) -> None:
        comparisons = [
            Comparison(run, rules=self._rules, library=self._library) for run in self._runs
        ]
        await side_by_side(one.make() for one in comparisons)

    @property
    def _has_failed(self) -> bool:
        return any(run.errors for run in self._runs)


Phase = Callable[[StepRun, TagOutcome], bool]


def _stands_in(run: StepRun, tag: TagOutcome) -> bool:
    return tag == run.stand_in


def _is_new(_run: StepRun, tag: TagOutcome) -> bool:
    return tag.action == "created"


def _moves(_run: StepRun, tag: TagOutcome) -> bool:
    return tag.action != "created"
