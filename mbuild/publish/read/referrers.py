"""Referrers: what belongs to manifests is looked for, and what belongs to that again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain

from mbuild.errors import Failures, MbuildError, RegistryError, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.media_types import DOCKER_ATTESTATION
from mbuild.oci.referrers import cosign_tags
from mbuild.publish.read.referrer import Referrer
from mbuild.publish.read.source import Child
from mbuild.publish.together import all_together, both
from mbuild.spec.spec import AttestationPolicy
from mbuild.store.store import Store

DEEPEST = 8
"""A signature of an SBOM is two deep; so deep is looked."""

MOST = 1000
"""So many referrers may belong to one target."""

Subject = tuple[Store, Digest]
"""A manifest, and where what belongs to it is looked for."""

_HINT = "leave out 'referrers: copy', or remove what is too much"


async def find_referrers(
    subjects: Iterable[Subject], *, policy: AttestationPolicy
) -> tuple[Referrer, ...]:
    """Find what belongs to manifests, level by level: none stands before what it belongs to.

    Nothing is read of what is found but that it is there. With `strip`, attestations of
    buildx's are left out here as they are in the index. Raises SourceError for more than can
    be meant, and whatever a store raises.
    """
    search = _Search(policy)
    level = search.unseen(subjects)
    found: list[Referrer] = []
    for _ in range(DEEPEST):
        groups = await all_together(search.look(subject) for subject in level)
        found += chain.from_iterable(groups)
        if len(found) > MOST:
            raise SourceError(f"more than {MOST} referrers belong to its images", hint=_HINT)
        level = search.unseen((one.child.store, one.digest) for group in groups for one in group)
        if not level:
            return tuple(found)
    raise SourceError(f"referrers of referrers are more than {DEEPEST} deep", hint=_HINT)


class _Search:
    """Looks at each manifest once, in each store."""

    def __init__(self, policy: AttestationPolicy) -> None:
        self._policy = policy
        self._seen: set[tuple[str, Digest]] = set()

    def unseen(self, subjects: Iterable[Subject]) -> tuple[Subject, ...]:
        return tuple(self._unseen(subjects))

    def _unseen(self, subjects: Iterable[Subject]) -> Iterator[Subject]:
        for store, digest in subjects:
            if (store.name, digest) not in self._seen:
                self._seen.add((store.name, digest))
                yield store, digest

    async def look(self, subject: Subject) -> tuple[Referrer, ...]:
        """Ask for all that belongs to one manifest."""
        store, digest = subject
        try:
            listed, tagged = await both(
                store.list_referrers(digest),
                all_together(_tagged(store, digest, tag) for tag in cosign_tags(digest)),
            )
        except MbuildError as error:
            raise of_images(error, store) from error
        wanted = [entry for entry in listed if self._is_wanted(entry)]
        referrers = (Referrer(digest, Child(bare(entry), store)) for entry in wanted)
        return (*referrers, *chain.from_iterable(tagged))

    def _is_wanted(self, entry: Descriptor) -> bool:
        return self._policy != "strip" or entry.artifact_type != DOCKER_ATTESTATION


async def _tagged(store: Store, subject: Digest, tag: str) -> tuple[Referrer, ...]:
    held = await store.head_manifest(tag)
    return (Referrer(subject, Child(held, store), tag),) if held else ()


def of_images(error: MbuildError, store: Store) -> MbuildError:
    """Give an error met at a source: what is broken on this disk is a matter of the images."""
    if store.keeps_whole:
        return error
    if isinstance(error, Failures):
        return Failures(of_images(one, store) for one in error.errors)
    is_disk = isinstance(error, RegistryError)
    return SourceError(error.message, where=error.where, hint=error.hint) if is_disk else error


def bare(entry: Descriptor) -> Descriptor:
    """Give what names the manifest, without what its list says of it."""
    return Descriptor(entry.media_type, entry.digest, entry.size)
