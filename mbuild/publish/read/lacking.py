"""What belongs to the images of a target, and a repository of it does not have yet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from mbuild.errors import Denied, Failures, MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.publish.decide.plan import Plan, Step
from mbuild.publish.decide.signatures import compare_signatures
from mbuild.publish.read.fetch_referrers import fetch_referrers
from mbuild.publish.read.library import Library
from mbuild.publish.read.referrer import Referrer
from mbuild.publish.read.referrers import Subject, find_referrers
from mbuild.publish.read.source import Source
from mbuild.publish.together import all_together
from mbuild.spec.spec import Target
from mbuild.store.store import Store


async def with_referrers(
    plan: Plan, target: Target, sources: Sequence[Source], *, library: Library
) -> Plan:
    """Give the plan with what belongs to its images, for each repository what that one lacks.

    What lies in a repository belongs to what lies there already: that is not looked for. A
    repository where the index will not be gets nothing. Errors have the target's position.
    """
    if target.referrers != "copy":
        return plan
    receivers = [step for step in plan.steps if any(not tag.reason for tag in step.tags)]
    subjects = _elsewhere(_subjects(plan, sources), receivers)
    try:
        found = await find_referrers(subjects, policy=target.attestations)
        lacking = await all_together(_Receiver(step, library).lacking(found) for step in receivers)
        read = await _read(lacking, library)
    except MbuildError as error:
        raise _placed(error, str(target.position)) from error
    received = {
        id(step): _received(step, one, read) for step, one in zip(receivers, lacking, strict=True)
    }
    return replace(plan, steps=tuple(received.get(id(step), step) for step in plan.steps))


@dataclass(frozen=True, slots=True)
class _Lacking:
    """What one repository lacks, and what is to be said of what it does not get."""

    referrers: tuple[Referrer, ...]
    warnings: tuple[str, ...]


def _subjects(plan: Plan, sources: Iterable[Source]) -> Iterator[Subject]:
    """Give every child, and the index itself where it is passed on from a source.

    What was made in this run has nothing yet that belongs to it.
    """
    for source in sources:
        if source.origin and source.origin.digest == plan.index.digest:
            yield source.child.store, plan.index.digest
    for child in plan.children:
        if not child.is_made:
            yield child.store, child.descriptor.digest


def _elsewhere(subjects: Iterable[Subject], steps: Sequence[Step]) -> Iterator[Subject]:
    for store, digest in subjects:
        if any(step.store is not store for step in steps):
            yield store, digest


class _Receiver:
    """Finds out what the repository of a step lacks."""

    def __init__(self, step: Step, library: Library) -> None:
        self._step = step
        self._store = step.store
        self._library = library
        self._warnings: list[str] = []

    async def lacking(self, found: Iterable[Referrer]) -> _Lacking:
        """Choose from what was found; what it has is told by its own lists and tags."""
        others = [one for one in found if one.child.store is not self._store]
        listed = await self._listed(one.subject for one in others if not one.tag)
        chosen = await all_together(self._is_lacking(one, listed) for one in others)
        lacking = (one for one, is_chosen in zip(others, chosen, strict=True) if is_chosen)
        first = {(one.subject, one.digest, one.tag): one for one in lacking}
        return _Lacking(tuple(first.values()), tuple(self._warnings))

    async def _listed(self, subjects: Iterable[Digest]) -> frozenset[tuple[Digest, Digest]]:
        """Ask what belongs here to manifests, each once."""
        distinct = tuple(dict.fromkeys(subjects))
        lists = await all_together(_list(self._store, subject) for subject in distinct)
        return frozenset(
            (subject, entry.digest)
            for subject, entries in zip(distinct, lists, strict=True)
            for entry in entries
        )

    async def _is_lacking(
        self, referrer: Referrer, listed: frozenset[tuple[Digest, Digest]]
    ) -> bool:
        if referrer.tag:
            return await self._may_be_tagged(referrer)
        return self._step.anew or (referrer.subject, referrer.digest) not in listed

    async def _may_be_tagged(self, referrer: Referrer) -> bool:
        """Tell whether a tag of cosign's is to be written: not over signatures that we lack."""
        held = await _head(self._store, referrer.tag)
        if held is None or held.digest == referrer.digest:
            return held is None or self._step.anew
        ours = await self._library.manifest(referrer.child.store, str(referrer.digest))
        theirs = await self._library.manifest(self._store, str(held.digest))
        verdict = compare_signatures(ours, theirs)
        if verdict == "differs":
            self._warnings.append(left_alone(self._store, referrer))
        return verdict == "grows"


def left_alone(store: Store, referrer: Referrer) -> str:
    """Say of a tag of cosign's that it stays as it is."""
    return (
        f"{store.name}:{referrer.tag}: left as it is: it holds something that "
        f"{referrer.found_at} does not, and lacks something that is there"
    )


async def _list(store: Store, subject: Digest) -> tuple[Descriptor, ...]:
    """List what belongs to a manifest; what may not be read before a first push is unknown."""
    try:
        return await store.list_referrers(subject)
    except Denied:
        return ()


async def _head(store: Store, tag: str) -> Descriptor | None:
    try:
        return await store.head_manifest(tag)
    except Denied:
        return None


Key = tuple[int, Digest, Digest, str]


async def _read(lacking: Iterable[_Lacking], library: Library) -> dict[Key, Referrer]:
    """Read what any repository lacks, once."""
    wanted = {_key(one): one for each in lacking for one in each.referrers}
    fetched = await fetch_referrers(wanted.values(), library)
    return dict(zip(wanted, fetched, strict=True))


def _received(step: Step, lacking: _Lacking, read: dict[Key, Referrer]) -> Step:
    referrers = tuple(read[_key(one)] for one in lacking.referrers)
    return replace(step, referrers=referrers, warnings=(*step.warnings, *lacking.warnings))


def _key(referrer: Referrer) -> Key:
    return id(referrer.child.store), referrer.subject, referrer.digest, referrer.tag


def _placed(error: MbuildError, position: str) -> MbuildError:
    """Say of an error which target it befell."""
    if isinstance(error, Failures):
        return Failures(_placed(one, position) for one in error.errors)
    message = f"{error.where}: {error.message}" if error.where else error.message
    return error.placed(message, position)
