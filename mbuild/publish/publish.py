"""Publish: the whole flow for every target of a spec, side by side; targets fail alone."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property, partial

from mbuild.errors import (
    ImageMismatch,
    Interrupted,
    MbuildError,
    SpecError,
    flatten,
    make_fault,
)
from mbuild.oci.manifest import MAX_MANIFEST_SIZE, Content
from mbuild.publish.claims import Claims, Opened
from mbuild.publish.decide.assemble import compose, make_entry
from mbuild.publish.decide.base import check_removals, find_base, put_in
from mbuild.publish.decide.child_tags import name_children
from mbuild.publish.decide.convert import convert_sources, is_to_convert
from mbuild.publish.decide.differences import Listed
from mbuild.publish.decide.plan import Plan, make_plan, untouched
from mbuild.publish.decide.rules import TagRules, check_clobber
from mbuild.publish.decide.validate import check_format, check_sources
from mbuild.publish.outcome import Outcome
from mbuild.publish.read.contents import read_unread
from mbuild.publish.read.downgrade import hold_back
from mbuild.publish.read.lacking import with_referrers
from mbuild.publish.read.library import Library
from mbuild.publish.read.patience import Patience
from mbuild.publish.read.present import Presence
from mbuild.publish.read.reading import Reading
from mbuild.publish.read.resolve import resolve_target
from mbuild.publish.read.source import Resolved, Source
from mbuild.publish.read.tagged import with_child_tags
from mbuild.publish.sequence import Order, Work, teach
from mbuild.publish.slots import Slot, Slots
from mbuild.publish.together import both, raise_any
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.origins import Origins
from mbuild.publish.write.progress import Progress, unwatched
from mbuild.publish.write.push import push_plan
from mbuild.spec.spec import Spec, Target
from mbuild.store.store import Store
from mbuild.store.stores import Stores

_DISK = ""

Announce = Callable[[str], None]
Record = Callable[[Resolved], None]
Sleep = Callable[[float], Awaitable[None]]


@dataclass(frozen=True, kw_only=True)
class Publisher:
    """Takes targets through the flow: resolve, assemble, validate, plan, and unless
    `dry_run` is set transfer, push, verify.

    `announce` is told, in a few words, what is being done, and `record` what the entries of a
    target name, once they are found to be right. Without `patience`, a source that
    is not there yet is not waited for. With `foreign_layers`, layers that lie at URLs are
    brought along. `progress` is told of the blobs that are copied.
    """

    stores: Stores
    library: Library
    dry_run: bool = False
    rules: TagRules = field(default_factory=TagRules)
    announce: Announce = lambda _text: None
    sleep: Sleep = asyncio.sleep
    patience: Patience | None = None
    record: Record = lambda _resolved: None
    foreign_layers: bool = False
    progress: Progress = unwatched

    @cached_property
    def copies(self) -> Copies:
        """Give what remembers the copies of the run."""
        elsewhere = self.stores.open_elsewhere if self.foreign_layers else None
        return Copies(Origins(self.library.held_blob, elsewhere), progress=self.progress)

    @cached_property
    def claims(self) -> Claims:
        """Give what remembers which target writes which tag."""
        return Claims()

    async def publish(self, spec: Spec) -> tuple[Outcome, ...]:
        """Publish all targets and give an outcome per repository, in the spec's order.

        Each target's errors are in its outcomes. When cancelled, it stops the targets under
        way, and gives what has become of each. Raises SpecError, before anything is asked or
        written, where two targets name one tag by different spellings.
        """
        targets = [(target, self._open(target)) for target in spec.targets]
        if problems := tuple(self.claims.take(targets)):
            raise SpecError(problems)
        works = self._begin(targets)
        while pending := [work for work in works if not work.done()]:
            try:
                await asyncio.wait(pending)
            except asyncio.CancelledError:  # asked again, the targets stop waiting for their tags
                for work in pending:
                    work.cancel()
        return tuple(
            outcome
            for (target, places), work in zip(targets, works, strict=True)
            for outcome in _result(work, target, places)
        )

    def _begin(self, targets: Sequence[Opened]) -> list[Work]:
        """Begin with all targets; those of a slow registry do not hold up those of another."""
        slots = Slots()
        order = Order([target for target, _ in targets])
        works: list[Work] = []

        async def in_turn(number: int) -> tuple[Outcome, ...]:
            target, places = targets[number]
            try:
                await order.wait(number, works)
            except MbuildError as error:
                return _failed(target, places, error)
            async with slots.at(places[0].place if places[0].keeps_whole else _DISK) as slot:
                return await self._one(targets[number], slot, is_source=order.is_source(number))

        works += [asyncio.create_task(in_turn(number)) for number in range(len(targets))]
        return works

    def _open(self, target: Target) -> tuple[Store, ...]:
        """Open the target's repositories, before any request: it decides on the tokens."""
        opening = self.stores.open if self.dry_run else self.stores.open_target
        return tuple(opening(destination.repository) for destination in target.destinations)

    async def _one(self, opened: Opened, slot: Slot, *, is_source: bool) -> tuple[Outcome, ...]:
        try:
            plan = await self._decide(*opened, slot)
        except MbuildError as error:
            return _failed(*opened, error)
        await slot.take()
        outcomes = await self._carry_out(plan)
        if is_source:
            teach(self.library, plan, is_written=not self.dry_run)
        return outcomes

    async def _carry_out(self, plan: Plan) -> tuple[Outcome, ...]:
        if self.dry_run or not any(step.is_to_do for step in plan.steps):
            return plan.outcomes()
        self.announce(f"{plan.steps[0].store.name}: pushing {plan.index.digest}")
        return await push_plan(
            plan, rules=self.rules, library=self.library, copies=self.copies, sleep=self.sleep
        )

    async def _decide(self, target: Target, places: tuple[Store, ...], slot: Slot) -> Plan:
        raise_any(target.faults)
        noun = "image" if len(target.sources) == 1 else "images"
        self.announce(f"{places[0].name}: resolving {len(target.sources)} {noun}")
        presence = Presence(target, places, self.library)
        reading = Reading(
            self.library, presence, self.patience, leave=slot.leave, rereads=self.rules.force
        )
        (resolved, missing), (presents, unread) = await both(
            resolve_target(target, self.stores, reading), presence.read()
        )
        made = put_in(target, resolved)
        sources = _found(made)
        # What could be had is judged beside what could not: all that is wrong is told at once.
        wrong = (
            *check_removals(target, resolved),
            *check_sources(sources, target, are_all=not missing),
        )
        raise_any((*missing, *unread, *wrong))
        base = find_base(target, resolved)
        made = await self._fit(target, made, base)
        composed = compose(target, _found(made), base=base)
        plan = make_plan(
            composed,
            tuple(_with_entries(made)),
            tuple(zip(places, presents, strict=True)),
            removed=target.remove,
        )
        named, unnamed = name_children(target, _found(made))
        taken = self.claims.take_children((target, places), [one.tag for one in named])
        raise_any((*_oversize(target, plan), *check_clobber(plan, self.rules), *unnamed, *taken))
        self.record(resolved)
        plan = plan.made_anew() if self.rules.force else plan
        plan = await hold_back(plan, self.library) if self.rules.no_downgrade else plan
        plan = await with_child_tags(plan, named)
        raise_any(check_clobber(plan, self.rules))
        return await with_referrers(plan, target, sources, library=self.library)

    async def _fit(self, target: Target, resolved: Resolved, base: Content | None) -> Resolved:
        """Give the images as the target's format takes them, converted where that is asked for."""
        wanted = partial(is_to_convert, target)
        resolved = await read_unread(resolved, self.library, wanted=wanted)
        fitted, errors = convert_sources(target, resolved)
        raise_any((*errors, *check_format(target, _found(fitted), base=base)))
        return fitted


def _found(resolved: Resolved) -> tuple[Source, ...]:
    return tuple(source for source in resolved if isinstance(source, Source))


def _with_entries(made: Resolved) -> Iterator[Listed]:
    """Put beside each source its entry in the index; both are in the order of the index."""
    for source in made:
        yield source, make_entry(source) if isinstance(source, Source) else None


def _oversize(target: Target, plan: Plan) -> tuple[MbuildError, ...]:
    size = plan.index.size
    if size <= MAX_MANIFEST_SIZE:
        return ()
    text = f"the index would have {size} bytes, and registries take {MAX_MANIFEST_SIZE} at most"
    return (ImageMismatch(text, where=str(target.position), hint="split it into several images"),)


def _failed(target: Target, places: tuple[Store, ...], error: MbuildError) -> tuple[Outcome, ...]:
    errors = tuple(flatten([error]))
    names = tuple(store.name for store in places)
    return tuple(replace(outcome, errors=errors) for outcome in untouched(target, names))


def _result(work: Work, target: Target, places: tuple[Store, ...]) -> tuple[Outcome, ...]:
    if work.cancelled():
        error: MbuildError = Interrupted(
            "interrupted before anything was written",
            where=places[0].name,
            hint="run the same command again",
        )
    elif fault := work.exception():
        error = make_fault(fault)
    else:
        return work.result()
    return _failed(target, places, error)
