"""One repository's step as it is carried out, and what has become of it so far."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace

from mbuild.errors import Denied, Interrupted, MbuildError, TagRefused, flatten
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.publish.decide.plan import Plan, Step
from mbuild.publish.outcome import Outcome, TagAction, TagOutcome
from mbuild.publish.write.grace import side_by_side
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.verify import verify_published

_NOT_BY_DIGEST = frozenset({400, 404, 405})
"""Statuses with which some registries refuse an index that is put by its digest."""

Sleep = Callable[[float], Awaitable[None]]


class StepRun:
    """A step under way. Errors are held in `errors`; no method raises one of the tree.

    `pending` are the tags still to be written, `written` those that were, as they will be
    told; `doubtful` those whose writing failed without an answer. `kept` holds the bytes of
    what tags held before, None where they could not be had. `referrers` were written as such.
    """

    def __init__(self, step: Step, plan: Plan, sleep: Sleep) -> None:
        self.step = step
        self.store = step.store
        self.index = plan.index
        trusts = step.store.keeps_whole and not step.anew
        self.receiver = Receiver(step.store, trusts=trusts)
        self.errors = self.receiver.errors
        self.warnings = list(step.warnings)
        self.pending = list(step.pending)
        self.written: list[TagOutcome] = []
        self.doubtful: list[TagOutcome] = []
        self.kept: dict[Digest, Content | None] = {}
        self.referrers: set[Digest] = set()
        self.stand_in: TagOutcome | None = None
        self._refused_by_digest: MbuildError | None = None
        self._plan = plan
        self._sleep = sleep
        self._tags = {tag.tag: tag for tag in step.tags}
        self.mark(self.pending, "untouched")
        self._proven: bool | None = None
        self._child_tags = {one.tag.tag: one.tag for one in step.child_tags}
        for one in step.pending_children:
            self.note_child(replace(one.tag, action="untouched"))

    def note(self, tag: TagOutcome) -> None:
        """Note what has become of a tag."""
        self._tags[tag.tag] = tag

    def note_child(self, tag: TagOutcome) -> None:
        """Note what has become of a child's own tag."""
        self._child_tags[tag.tag] = tag

    def is_child_written(self, tag: TagOutcome) -> bool:
        """Tell whether a child's own tag was written by this run."""
        return self._child_tags[tag.tag].action in {"created", "moved"}

    def mark(self, tags: Iterable[TagOutcome], action: TagAction) -> None:
        """Note the same of several tags."""
        for tag in tags:
            self.note(replace(tag, action=action))

    def where(self, tag: TagOutcome) -> str:
        """Write a tag as messages show it."""
        return f"{self.store.name}:{tag.tag}"

    async def stage(self) -> None:
        """Put the index by its digest; where that is refused, a tag will stand in for it."""
        if self.step.holds_index:
            return
        try:
            await self.store.put_manifest(str(self.index.digest), self.index)
        except MbuildError as error:
            self._not_staged(error)

    async def stage_with(self, tags: Sequence[TagOutcome]) -> None:
        """Put the index by its digest, and offer the registry tags in the same request."""
        self.mark(tags, "unknown")
        try:
            taken = await self.store.put_tagged(self.index, tuple(tag.tag for tag in tags))
        except MbuildError as error:
            self._not_staged(error)
            self.mark(tags, "untouched" if error.refusal else "failed")
            return
        for tag in tags:
            if tag.tag in taken:
                self._done(tag)
            else:
                self.mark([tag], "untouched")

    def _not_staged(self, error: MbuildError) -> None:
        # What was pending by the plan counts: a tag may have been won by another run meanwhile.
        if error.refusal not in _NOT_BY_DIGEST or not self.step.pending:
            self.errors.append(error)
            return
        self._refused_by_digest = error

    def choose_stand_in(self) -> None:
        """Name the tag that goes first where the index was refused by its digest."""
        if self._refused_by_digest and self.pending:
            new = (tag for tag in self.pending if tag.action == "created")
            self.stand_in = next(new, self.pending[0])

    def writes(self, tags: Sequence[TagOutcome]) -> list[Awaitable[None]]:
        """Give the work that moves some of the pending tags to the index."""
        if len(tags) > 1 and self.store.takes_tags:
            return [self._write_at_once(tags)]
        return [self._write(tag) for tag in tags]

    async def _write_at_once(self, tags: Sequence[TagOutcome]) -> None:
        self.mark(tags, "unknown")
        try:
            taken = await self.store.put_tagged(self.index, tuple(tag.tag for tag in tags))
        except MbuildError as error:
            self._fail(tags, error)
            return
        for tag in tags:
            if tag.tag in taken:
                self._done(tag)
        await side_by_side(self._write(tag) for tag in tags if tag.tag not in taken)

    async def _write(self, tag: TagOutcome) -> None:
        self.mark([tag], "unknown")
        try:
            await self.store.put_manifest(tag.tag, self.index)
        except MbuildError as error:
            self._fail([tag], error)
        else:
            self._done(tag)

    def _done(self, tag: TagOutcome) -> None:
        # A tag that could not be read before is `moved`, from what nobody knows.
        written = replace(tag, action="moved") if tag.action == "unknown" else tag
        self.note(written)
        self.written.append(written)
        self.pending.remove(tag)
        self._proven = False
        if tag == self.stand_in and self._refused_by_digest:
            self.warnings.append(
                f"{self.store.name}: the registry refuses the index by its digest, so the tag "
                f"{tag.tag} went first: {self._refused_by_digest.message}"
            )

    def _fail(self, tags: Sequence[TagOutcome], error: MbuildError) -> None:
        self.mark(tags, "failed")
        first = self._refused_by_digest
        # Refused alike by digest and by tag, it is the index that is refused, and not the tag.
        is_index = first and self.stand_in in tags and first.refusal == error.refusal
        self.errors.append(first if first and is_index else error)
        if not isinstance(error, TagRefused | Denied) and not error.refusal:
            self.doubtful.extend(tags)

    def put_back(self, tag: TagOutcome, action: TagAction) -> None:
        """Note that a written tag does not hold the index any more."""
        self.mark([tag], action)
        self.written = [one for one in self.written if one.tag != tag.tag]
        if not self.written:
            self._proven = None

    def leave(self, tag: TagOutcome) -> None:
        """Note that a tag should have been put back, and could not be."""
        self.note(replace(self._tags[tag.tag], is_left=True))

    async def prove(self) -> None:
        """Read back what was written, what belongs to images and what was lost included."""
        is_repair = not self.step.pending and self.receiver.copied.blobs > 0
        held = [tag for tag in self._tags.values() if tag.action == "kept"]
        kept = held if is_repair or self.step.anew or self.referrers else []
        tags = tuple(tag.tag for tag in (*kept, *self.written))
        if not tags:
            return
        try:
            await verify_published(
                self.store,
                tags,
                self.index.digest,
                children=tuple(self.receiver.placed),
                sleep=self._sleep,
            )
            self._proven = True
        except MbuildError as error:
            self.errors.extend(flatten([error]))

    def interrupt(self) -> None:
        """Note that the push was stopped before this step had come to its end."""
        if self._proven:
            return
        done = ", ".join(tag.tag for tag in self.written) or "no tag"
        self.errors.append(
            Interrupted(
                f"interrupted; written: {done}",
                where=self.store.name,
                hint="run the same command again to finish",
            )
        )

    def outcome(self) -> Outcome:
        """Tell what has become of the repository."""
        return Outcome(
            target=self._plan.target,
            image=self.store.name,
            tags=tuple(self._tags.values()),
            index=self.index.descriptor(),
            differences=self.step.differences,
            attestations=self._plan.attestations,
            referrers=len(self.referrers),
            child_tags=tuple(self._child_tags.values()),
            copied=self.receiver.copied,
            verified=self._proven,
            warnings=tuple(self.warnings),
            errors=tuple(self.errors),
        )
