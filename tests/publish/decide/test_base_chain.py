"""Chains of pushes that each start from what the tag holds: a plain list tells what it should be."""

from dataclasses import dataclass

from hypothesis import given, settings
from hypothesis import strategies as st

from mbuild.oci.index import parse_index
from mbuild.oci.platform import parse_platform
from mbuild.publish.outcome import Outcome
from mbuild.spec.spec import Entry, Target
from tests.publish.world import APP, BUILDS, World, changes_of, entry, publish, tags_of, target
from tests.support.images import Image, make_attestation, make_image, make_index

SPELLINGS = {
    "amd64": ("linux/amd64", "linux/amd64/v1"),
    "arm64": ("linux/arm64", "linux/arm64/v8"),
    "armv7": ("linux/arm/v7", "linux/arm"),
    "armv6": ("linux/arm/v6",),
    "ltsc2019": ("windows/amd64:10.0.17763.1",),
    "ltsc2022": ("windows/amd64:10.0.20348.1",),
}
"""Platforms, each as it may be written."""


@dataclass(frozen=True)
class Build:
    """An image of a platform, as it is written in one of several ways."""

    kind: str
    written: str
    seed: int
    is_attested: bool

    @property
    def image(self) -> Image:
        """The image."""
        return make_image(self.written, seed=self.seed)

    @property
    def digests(self) -> list[str]:
        """What the index lists of it: the image, and what speaks of it behind."""
        proofs = [make_attestation(self.image).digest] if self.is_attested else []
        return [self.image.digest, *proofs]


@dataclass(frozen=True)
class Change:
    """One push: which platforms go, and what is put in."""

    removed: frozenset[str]
    builds: tuple[Build, ...]


def builds(kind: str) -> st.SearchStrategy[Build]:
    """Images of a platform."""
    written = st.sampled_from(SPELLINGS[kind])
    return st.builds(Build, st.just(kind), written, st.integers(0, 1), st.booleans())


BUILDS_OF_ALL = st.sampled_from(sorted(SPELLINGS)).flatmap(builds)
DISTINCT = st.lists(BUILDS_OF_ALL, min_size=1, max_size=3, unique_by=lambda it: it.kind).map(tuple)
CHANGES = st.builds(Change, st.frozensets(st.sampled_from(sorted(SPELLINGS)), max_size=2), DISTINCT)


def changed(held: list[Build], change: Change) -> list[Build]:
    """What a list of images should be after a push, each platform in it once."""
    new = {one.kind: one for one in change.builds}
    kept = [new.pop(one.kind, one) for one in held if one.kind not in change.removed]
    return [*kept, *new.values()]


def put(world: World, one: Build) -> Entry:
    """Push a build, and give its entry."""
    tag = f"{one.kind}-{one.seed}-{one.is_attested}-{len(one.written)}"
    image = make_index(one.image, attestations=True) if one.is_attested else one.image
    world[BUILDS].put(tag, image)
    return entry(f"{BUILDS}:{tag}", one.written, line=4)


def target_of(world: World, change: Change, held: list[Build]) -> Target:
    """The target of a push: without what is not there to be removed."""
    kinds = {one.kind for one in held} & change.removed
    removed = tuple(parse_platform(SPELLINGS[kind][-1]) for kind in sorted(kinds))
    entries = [put(world, one) for one in change.builds]
    base = entry(f"{APP}:1.0", line=2) if held else None
    return target(*entries, base=base, remove=removed)


def told(outcome: Outcome) -> object:
    """What a plan and a push say alike."""
    return outcome.index, outcome.tags, outcome.differences, outcome.warnings, outcome.errors


@settings(max_examples=60)
@given(st.lists(CHANGES, min_size=1, max_size=4))
def test_chain(chain: list[Change]) -> None:
    """Each push gives what the list says, planned alike, whole, and the second time nothing."""
    world, held = World(), list[Build]()
    for change in chain:
        wanted = target_of(world, change, held)
        held = changed(held, change)
        (planned,) = publish(world, wanted, dry_run=True)
        (outcome,) = publish(world, wanted)
        assert (outcome.errors, told(planned)) == ((), told(outcome))
        index = parse_index(world[APP].manifests[world[APP].tags["1.0"]].raw)
        digests = [str(one.digest) for one in index.manifests]
        assert digests == [digest for one in held for digest in one.digests]
        assert set(digests) <= set(world[APP].manifests)
        if not wanted.remove:
            world.log.clear()
            (again,) = publish(world, wanted)
            assert (tags_of(again), world.writes) == ([("1.0", "kept")], [])
            assert {it for _, it in changes_of(again)} == {"kept"}
