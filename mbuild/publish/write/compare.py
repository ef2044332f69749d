"""Compare: what the tags hold just before they are written, with what the plan saw."""

from __future__ import annotations

from mbuild.errors import Denied, MbuildError, NotFound
from mbuild.oci.digest import Digest
from mbuild.publish.decide.rules import (
    TagRules,
    compare_tag,
    describe_change,
    refuse_changed,
    refuse_clobber,
    refuse_unreadable,
)
from mbuild.publish.outcome import TagOutcome
from mbuild.publish.read.library import Library
from mbuild.publish.write.grace import side_by_side
from mbuild.publish.write.step_run import StepRun


class Comparison:
    """Compares one step's pending tags, and keeps the bytes of what they hold.

    What may not be written is an error of the step; a tag that holds the index by now is kept.
    """

    def __init__(self, run: StepRun, *, rules: TagRules, library: Library) -> None:
        self._run = run
        self._rules = rules
        self._library = library

    async def make(self) -> None:
        """Compare all tags side by side: one round trip, if their bytes are in the library."""
        run = self._run
        await self._keep()
        if run.errors:
            return
        planned = tuple(run.pending)
        found: dict[str, TagOutcome | None] = {}

        async def look(tag: TagOutcome) -> None:
            found[tag.tag] = await self._look(tag)

        # What could not be read before a first push is not asked for again, unless it must be.
        asked = [tag for tag in planned if tag.action != "unknown" or self._rules.no_clobber]
        await side_by_side(look(tag) for tag in asked)
        now = (found.get(tag.tag) if tag in asked else tag for tag in planned)
        run.pending = [tag for tag in now if tag]
        await self._keep()  # of what was changed meanwhile, and is to move all the same

    async def _look(self, tag: TagOutcome) -> TagOutcome | None:
        """Give what is to become of a tag, None where it is not to be written."""
        try:
            found = await self._run.store.head_manifest(tag.tag)
        except Denied as error:
            is_unknown = tag.action == "unknown"
            refused = refuse_unreadable(self._run.where(tag), error) if is_unknown else error
            self._run.errors.append(refused)
            return None
        except MbuildError as error:
            self._run.errors.append(error)
            return None
        return self._judge(tag, found.digest if found else None)

    def _judge(self, tag: TagOutcome, held: Digest | None) -> TagOutcome | None:
        run, where = self._run, self._run.where(tag)
        now = compare_tag(tag, held, ours=run.index.digest, rules=self._rules)
        if now is None:
            is_clobber = held if self._rules.no_clobber else None
            refused = (
                refuse_clobber(where, is_clobber)
                if is_clobber
                else refuse_changed(tag, held, where)
            )
            run.errors.append(refused)
        elif now.action == "kept":
            run.note(now)
            return None
        elif now.previous != tag.previous:
            run.warnings.append(
                f"{where}: somebody else has changed the tag: {describe_change(tag, held)}; it is "
                "moved all the same (--force)"
            )
            run.mark([now], "untouched")
        return now

    async def _keep(self) -> None:
        """Keep in memory what the pending tags hold, each digest once."""
        run = self._run
        held = dict.fromkeys(tag.previous for tag in run.pending if tag.previous)
        await side_by_side(self._fetch(digest) for digest in held if digest not in run.kept)

    async def _fetch(self, digest: Digest) -> None:
        run = self._run
        try:
            run.kept[digest] = await self._library.manifest(run.store, str(digest))
        except (NotFound, Denied):  # the tag may move; that it cannot be put back is told then
            run.kept[digest] = None
        except MbuildError as error:
            run.errors.append(error)
