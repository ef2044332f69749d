"""Referrers are written: blobs and manifests, then what makes them be found."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from mbuild.errors import MbuildError, NotFound, flatten
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.oci.referrers import referrer_descriptor
from mbuild.publish.decide.signatures import compare_signatures
from mbuild.publish.read.lacking import left_alone
from mbuild.publish.read.referrer import Referrer
from mbuild.publish.together import all_together
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.grace import side_by_side
from mbuild.publish.write.step_run import StepRun
from mbuild.publish.write.transfer import Transfer


async def bring_referrers(runs: Sequence[StepRun], copies: Copies) -> None:
    """Bring what belongs to images into the repositories that lack it; errors are held there.

    The images are there by then. Repositories that lack the same are given it from one reading.
    """
    alike: defaultdict[tuple[Referrer, ...], list[StepRun]] = defaultdict(list)
    for run in runs:
        alike[run.step.referrers].append(run)
    await side_by_side(_bring(referrers, some, copies) for referrers, some in alike.items())
    await side_by_side(_Listing(run).make() for run in runs if not run.errors)


async def _bring(referrers: Sequence[Referrer], runs: Sequence[StepRun], copies: Copies) -> None:
    children = [child for one in referrers for child in (*one.parts, one.child)]
    await Transfer([run.receiver for run in runs], copies).bring(children)


class _Listing:
    """Lets what a repository was given be found: by its subjects, and by cosign's tags.

    What is found in two ways is counted once.
    """

    def __init__(self, run: StepRun) -> None:
        self._run = run
        self._store = run.store

    async def make(self) -> None:
        """Write lists and tags; errors are held in the run."""
        by_subject: defaultdict[Digest, list[Content]] = defaultdict(list)
        tagged: list[Referrer] = []
        for one in self._run.step.referrers:
            if one.tag:
                tagged.append(one)
            else:
                by_subject[one.subject].append(_content(one))
        try:
            await all_together(
                [*(self._list(*pair) for pair in by_subject.items()), *map(self._tag, tagged)]
            )
        except MbuildError as error:
            self._run.errors.extend(flatten([error]))

    async def _list(self, subject: Digest, contents: Sequence[Content]) -> None:
        """Let them be found by their subject: where the registry does not say so, by a tag."""
        listed = await all_together(self._store.put_referrer(subject, one) for one in contents)
        unlisted = [one for one, is_listed in zip(contents, listed, strict=True) if not is_listed]
        if unlisted:
            entries = tuple(referrer_descriptor(one) for one in unlisted)
            await self._store.add_referrers(subject, entries)
        self._run.referrers.update(one.digest for one in contents)

    async def _tag(self, referrer: Referrer) -> None:
        """Move a tag of cosign's, unless somebody has written something else to it meanwhile."""
        ours = _content(referrer)
        held = await self._held(referrer.tag)
        verdict = compare_signatures(ours, held) if held else "grows"
        if verdict == "differs":
            self._run.warnings.append(left_alone(self._store, referrer))
        if verdict == "grows":
            await self._store.put_manifest(referrer.tag, ours)
            self._run.referrers.add(ours.digest)

    async def _held(self, tag: str) -> Content | None:
        try:
            return await self._store.fetch_manifest(tag)
        except NotFound:
            return None


def _content(referrer: Referrer) -> Content:
    content = referrer.child.content
    assert content is not None  # it was read before anything is written
    return content
