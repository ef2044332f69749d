"""Plan: decide for every tag and platform what a push will do; nothing is written here."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mbuild.oci.digest import Digest
from mbuild.oci.index import Index
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.publish.decide.differences import Listed, find_differences
from mbuild.publish.decide.warnings import source_warnings, taken_away
from mbuild.publish.outcome import Differences, Outcome, TagAction, TagOutcome
from mbuild.publish.read.present import Holding, Present
from mbuild.publish.read.referrer import Referrer
from mbuild.publish.read.source import Child, Source
from mbuild.spec.spec import Target
from mbuild.store.store import Store

Place = tuple[Store, Present]
"""A repository, and what it holds now."""


@dataclass(frozen=True, slots=True)
class TaggedChild:
    """A child's own tag, and what becomes of it."""

    tag: TagOutcome
    child: Child


@dataclass(frozen=True, slots=True)
class Step:
    """What is to be done in one repository: the tags in order, each with its action.

    `anew`: nothing that a tag holds counts as proof; children and index are put again where
    the repository has lost a part of them. `referrers` are what belongs to the images and is
    not there yet.
    """

    store: Store
    tags: tuple[TagOutcome, ...]
    differences: Differences
    warnings: tuple[str, ...]
    anew: bool = False
    referrers: tuple[Referrer, ...] = ()
    child_tags: tuple[TaggedChild, ...] = ()

    @property
    def pending_children(self) -> tuple[TaggedChild, ...]:
        """Give the child tags that are to be written."""
        return tuple(one for one in self.child_tags if one.tag.action != "kept")

    @property
    def pending(self) -> tuple[TagOutcome, ...]:
        """Give the tags that are to be written."""
        return tuple(tag for tag in self.tags if tag.action not in {"kept", "untouched"})

    @property
    def is_to_do(self) -> bool:
        """Tell whether to go there: for the index, its images' tags, or what belongs to them."""
        return self.is_index_to_do or bool(self.referrers or self.pending_children)

    @property
    def is_index_to_do(self) -> bool:
        """Tell whether a tag is to be written, or a place seen not to have lost what it held."""
        return bool(self.pending) or self.anew or not self.store.keeps_whole

    @property
    def holds_index(self) -> bool:
        """Tell whether a tag of the repository holds the index already."""
        return not self.anew and any(tag.action == "kept" for tag in self.tags)


@dataclass(frozen=True, slots=True)
class Plan:
    """The index that will be published, the children it names, and a step a repository.

    `target` is the name of the first repository with its first tag.
    """

    target: str
    index: Content
    children: tuple[Child, ...]
    steps: tuple[Step, ...]

    @property
    def attestations(self) -> int:
        """Count the attestations in the index."""
        return len({one.descriptor.digest for one in self.children if one.is_attestation})

    def made_anew(self) -> Plan:
        """Give the plan that takes nothing for proven."""
        return replace(self, steps=tuple(replace(step, anew=True) for step in self.steps))

    def outcomes(self) -> tuple[Outcome, ...]:
        """Give the plan in the words of a report: what push would do."""
        return tuple(
            Outcome(
                target=self.target,
                image=step.store.name,
                tags=step.tags,
                index=self.index.descriptor(),
                differences=step.differences,
                attestations=self.attestations,
                referrers=len({one.digest for one in step.referrers}),
                child_tags=tuple(one.tag for one in step.child_tags),
                warnings=step.warnings,
            )
            for step in self.steps
        )


def make_plan(
    composed: tuple[Index, Content],
    listed: tuple[Listed, ...],
    places: tuple[Place, ...],
    *,
    removed: tuple[Platform, ...] = (),
) -> Plan:
    """Compare the index, and its bytes, with what each repository holds now.

    That a platform is not there any more is worth a warning, unless it is `removed` on purpose.
    """
    sources = tuple(source for source, _ in listed if isinstance(source, Source))
    children = tuple(child for source in sources for child in source.children)
    steps = tuple(_make_step(composed, listed, place, removed) for place in places)
    store, present = places[0]
    return Plan(f"{store.name}:{next(iter(present.holdings))}", composed[1], children, steps)


def untouched(target: Target, names: tuple[str, ...]) -> tuple[Outcome, ...]:
    """Give the outcomes of a target for which no plan could be made."""
    first = f"{names[0]}:{target.destinations[0].tags[0]}"
    return tuple(
        Outcome(first, name, tuple(TagOutcome(tag, "untouched") for tag in destination.tags))
        for name, destination in zip(names, target.destinations, strict=True)
    )


def _make_step(
    composed: tuple[Index, Content],
    listed: tuple[Listed, ...],
    place: Place,
    removed: tuple[Platform, ...],
) -> Step:
    (index, content), (store, present) = composed, place
    tags = tuple(
        tag_outcome(tag, holding, content.digest) for tag, holding in present.holdings.items()
    )
    is_same = present.compared == content.descriptor()
    differences = find_differences(index, listed, present.previous, is_same=is_same)
    warnings = (
        *source_warnings(tuple(source for source, _ in listed)),
        *taken_away(differences.platforms, store, asked=removed),
    )
    return Step(store, tags, differences, warnings)


def tag_outcome(tag: str, holding: Holding, digest: Digest) -> TagOutcome:
    """Say what is to become of a tag that is to hold `digest`."""
    held = holding.descriptor.digest if holding.descriptor else None
    action: TagAction = "moved"
    if not holding.is_known:
        action = "unknown"
    elif held is None:
        action = "created"
    elif held == digest:
        action = "kept"
    return TagOutcome(tag, action, held)
