"""Verify published references: everything that their tags lead to is asked for."""

from __future__ import annotations

import asyncio
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass, replace

from mbuild.errors import (
    IntegrityError,
    Interrupted,
    MbuildError,
    NotFound,
    RegistryError,
    SourceError,
    SourceNotFound,
)
from mbuild.oci.index import Index
from mbuild.oci.manifest import ImageManifest
from mbuild.oci.reference import AnyReference, LocalReference, asked_for
from mbuild.publish.audit.evidence import Evidence, open_manifest
from mbuild.publish.audit.findings import AGAIN, Audit, Flaw
from mbuild.publish.audit.walk import Walk
from mbuild.publish.together import all_together, each
from mbuild.registry.flight import SingleFlight
from mbuild.store.store import Store
from mbuild.store.stores import Stores

REFERENCES_UNDER_WAY = 16
"""So many references are under way at a time for each registry, and for all layouts together."""

_DISK = ""

Announce = Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class Auditor:
    """Verifies references side by side; with `deep` every blob is read and hashed.

    `announce` is told, in a few words, what is being done.
    """

    stores: Stores
    deep: bool = False
    announce: Announce = lambda _text: None

    async def verify(self, references: Sequence[AnyReference]) -> tuple[Audit, ...]:
        """Verify all references, and give an audit each, in order.

        What is wrong is in the audits. Nothing is asked twice of a repository, and what it
        gave is forgotten when the last reference into it is done. When cancelled, it stops, and
        gives what it knows.
        """
        flights = SingleFlight()
        run = _Run(self, flights, dict.fromkeys(references))
        try:
            await all_together(
                each(group, run.verify, width=REFERENCES_UNDER_WAY)
                for group in _by_place(references)
            )
        except asyncio.CancelledError:  # those that were not done say so themselves
            pass
        finally:
            await flights.close()
        return tuple(run.audit_of(reference) for reference in references)


class _Run:
    """The references of one run: how far it is, and what each repository gave up to now."""

    def __init__(
        self, auditor: Auditor, flights: SingleFlight, references: Collection[AnyReference]
    ) -> None:
        self._auditor = auditor
        self._flights = flights
        self._total = len(references)
        self._left = Counter(auditor.stores.open(reference) for reference in references)
        self._evidence: dict[Store, Evidence] = {}
        self._audits: dict[AnyReference, Audit] = {}

    async def verify(self, reference: AnyReference) -> None:
        store = self._auditor.stores.open(reference)
        done = f"{len(self._audits)} of {self._total} done"
        self._auditor.announce(f"verifying {_name(reference)} ({done})")
        self._audits[reference] = await _verify(reference, store, self._evidence_of(store))
        self._left[store] -= 1
        if not self._left[store]:
            del self._evidence[store]

    def audit_of(self, reference: AnyReference) -> Audit:
        return self._audits.get(reference) or _interrupted(reference)

    def _evidence_of(self, store: Store) -> Evidence:
        if store not in self._evidence:
            evidence = Evidence(store, self._flights, deep=self._auditor.deep)
            self._evidence[store] = evidence
        return self._evidence[store]


def _by_place(references: Sequence[AnyReference]) -> Iterable[Sequence[AnyReference]]:
    """Put references of one registry together: a slow one does not hold up those of another."""
    groups: defaultdict[str, list[AnyReference]] = defaultdict(list)
    for reference in dict.fromkeys(references):
        groups[_DISK if isinstance(reference, LocalReference) else reference.domain.lower()].append(
            reference
        )
    return groups.values()


def _interrupted(reference: AnyReference) -> Audit:
    name = _name(reference)
    hint = "run the same command again"
    error = Interrupted("interrupted before it was verified", where=name, hint=hint)
    return replace(_begun(reference), errors=(error,))


def _begun(reference: AnyReference) -> Audit:
    return Audit(_name(reference), reference.familiar, reference.tag)


async def _verify(reference: AnyReference, store: Store, evidence: Evidence) -> Audit:
    audit = _begun(reference)
    try:
        content = await store.fetch_manifest(asked_for(reference))
    except MbuildError as error:
        return replace(audit, errors=(_top_error(error, reference),))
    audit = replace(audit, found=content.descriptor())
    opened = open_manifest(content)
    if isinstance(opened, Flaw):
        return replace(audit, errors=(_top_flaw(opened, audit.name),))
    walk = Walk(evidence)
    await walk.run(opened)
    counts = walk.counts
    images, attestations = _held(opened)
    if not isinstance(opened, Index):
        unknown = int(opened is None)
        counts = replace(counts, manifests=1, unknown=unknown)
    return replace(
        audit,
        images=images,
        attestations=attestations,
        counts=counts,
        findings=walk.findings,
        errors=tuple(
            _placed(error, f"{part}: {error.message}", reference) for part, error in walk.errors
        ),
    )


def _name(reference: AnyReference) -> str:
    return reference.familiar + str(reference).removeprefix(reference.repository)


def _held(opened: ImageManifest | Index | None) -> tuple[int, int]:
    """Count images and attestations."""
    if isinstance(opened, Index):
        return len(opened.images), sum(entry.is_attestation for entry in opened.manifests)
    return int(opened is not None), 0


def _top_error(error: MbuildError, reference: AnyReference) -> MbuildError:
    """Say why nothing is known of a reference."""
    name = _name(reference)
    if isinstance(error, NotFound):
        hint = error.hint or "check the name and the tag"
        return SourceNotFound(error.message, where=name, hint=hint)
    if isinstance(error, IntegrityError):
        return SourceError(f"it is damaged: {error.message}", where=name, hint=AGAIN)
    return _placed(error, error.message, reference)


def _top_flaw(flaw: Flaw, name: str) -> SourceError:
    return SourceError(f"it {flaw.text}", where=name, hint=flaw.hint)


def _placed(error: MbuildError, message: str, reference: AnyReference) -> MbuildError:
    name = _name(reference)
    if isinstance(reference, LocalReference) and isinstance(error, RegistryError):
        # A layout that is broken is a matter of the image, not of a registry.
        return SourceError(message, where=name, hint=error.hint)
    return error.placed(message, name)
