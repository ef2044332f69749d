"""What belongs to images travels with them: signatures, SBOMs, and what belongs to those."""

from typing import Any

import pytest

from mbuild.errors import Denied, TransportError
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    RULES,
    World,
    entry,
    publish,
    shown,
    tags_of,
    target,
)
from tests.support.artifacts import (
    fallback_tag,
    list_referrers,
    make_index_referrer,
    make_referrer,
    make_signatures,
)
from tests.support.images import Content, digest_of, make_image, make_index
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64)
SBOM = make_referrer(AMD64)
SIGNED_SBOM = make_referrer(SBOM, text="a signature")
OF_INDEX = make_referrer(INDEX, text="a provenance")
SIGNATURE = make_signatures(AMD64, "alice")
SIG = f"{fallback_tag(AMD64)}.sig"
ENTRIES = (
    entry(f"{BUILDS}:amd64", "linux/amd64"),
    entry(f"{BUILDS}:arm64", "linux/arm64", line=4),
)
WHOLE = entry(f"{BUILDS}:all")
FORCE = TagRules(force=True)


@pytest.fixture
def world() -> World:
    """Two builds and an index of them; of one of them an SBOM, which is signed."""
    world = World()
    builds = world[BUILDS]
    builds.put("amd64", AMD64)
    builds.put("arm64", ARM64)
    builds.put("all", INDEX)
    builds.put("", SBOM)
    builds.put("", SIGNED_SBOM)
    return world


def copy(world: World, *entries: Any, rules: TagRules = RULES, **more: Any) -> Outcome:
    """Publish with what belongs to the images, and give the first outcome."""
    world.log.clear()
    wanted = target(*(entries or ENTRIES), referrers="copy", **more)
    return publish(world, wanted, rules=rules)[0]


def check_there(world: World, *made: Content, name: str = APP) -> None:
    """Hold a repository to having manifests with their blobs."""
    for one in made:
        assert world[name].manifests[one.digest].raw == one.manifest
        assert {digest_of(blob) for blob in one.blobs} <= set(world[name].blobs)


def errors_in(outcome: Outcome) -> list[tuple[str, int, str]]:
    """The errors of an outcome."""
    return [shown(error) for error in outcome.errors]


def test_left(world: World) -> None:
    """Without the key nothing is looked for, and nothing travels."""
    (outcome,) = publish(world, target(*ENTRIES))
    assert (outcome.referrers, SBOM.digest in world[APP].manifests) == (0, False)
    assert world.calls("list_referrers") == []


def test_copied(world: World) -> None:
    """An SBOM and its signature travel, and are found by their subjects."""
    outcome = copy(world)
    check_there(world, SBOM, SIGNED_SBOM)
    assert (outcome.errors, outcome.referrers, outcome.verified) == ((), 2, True)


def test_order(world: World) -> None:
    """They come behind the index by its digest, and before its tag."""
    copy(world, WHOLE)
    puts = [line.split()[2] for line in world.calls("put_manifest")]
    places = [puts.index(one) for one in (ARM64.digest, INDEX.digest, SBOM.digest, "1.0")]
    assert places == sorted(places)


@pytest.mark.parametrize("is_passed_on", [True, False], ids=["passed on", "made anew"])
def test_index(world: World, is_passed_on: bool) -> None:
    """What belongs to an index travels where the index is passed on, byte for byte."""
    world[BUILDS].put("", OF_INDEX)
    outcome = copy(world, WHOLE, annotations=() if is_passed_on else (("a", "b"),))
    assert (OF_INDEX.digest in world[APP].manifests) is is_passed_on
    assert outcome.referrers == 2 + is_passed_on


@pytest.mark.parametrize("is_kept", [True, False], ids=["kept", "extended"])
def test_base(world: World, is_kept: bool) -> None:
    """What belongs to an index that is started from travels where nothing of it changes."""
    world[BUILDS].put("", OF_INDEX)
    world[BUILDS].put("s390x", make_image("linux/s390x"))
    more = () if is_kept else (entry(f"{BUILDS}:s390x", "linux/s390x", line=4),)
    given = target(*more, base=WHOLE, referrers="copy")
    (outcome,) = publish(world, given)
    assert (outcome.errors, outcome.referrers) == ((), 2 + is_kept)
    check_there(world, SBOM, SIGNED_SBOM)
    assert (OF_INDEX.digest in world[APP].manifests) is is_kept


def test_same_repository(world: World) -> None:
    """Within one repository there is nothing to do, and nothing is asked."""
    copy(world, images=(BUILDS,))
    assert world.calls("list_referrers", "put_referrer") == []


def test_one_of_two(world: World) -> None:
    """Of two repositories only the other one gets them."""
    copy(world, images=(BUILDS, MIRROR))
    check_there(world, SBOM, SIGNED_SBOM, name=MIRROR)
    assert all(MIRROR in line for line in world.calls("put_referrer"))


def test_nothing_to_do(world: World) -> None:
    """What is there is not read and not written again: lists and tags are asked for, no more."""
    copy(world)
    outcome = copy(world)
    assert (outcome.referrers, outcome.is_change, world.writes) == (0, False, [])
    (index,) = world.calls("fetch_manifest", "fetch_blob", "has_blob", "put_referrer")
    assert index.startswith("fetch_manifest app ")  # what the target is compared with
    lists = [line.split()[2] for line in world.calls("list_referrers")]
    subjects = (AMD64, ARM64, SBOM, SIGNED_SBOM)
    # At the source each of them; at the target those that something belongs to.
    expected = [*(one.digest for one in subjects), AMD64.digest, SBOM.digest]
    assert sorted(lists) == sorted(expected)
    assert len(world.calls("head_manifest")) == 1 + 2 + 3 * len(subjects)


def test_signed_later(world: World) -> None:
    """A signature that was made after the push comes with the next one, whose tags all stay."""
    copy(world)
    late = make_referrer(AMD64, text="late")
    world[BUILDS].put("", late)
    outcome = copy(world)
    check_there(world, late)
    assert (tags_of(outcome), outcome.referrers, outcome.verified) == ([("1.0", "kept")], 1, True)
    assert outcome.is_change
    assert not outcome.is_tag_change
    children = {AMD64.digest, ARM64.digest}
    assert not [line for line in world.calls("head_manifest") if line.split()[2] in children]


def test_dry_run(world: World) -> None:
    """A plan tells how many would be copied, and writes nothing."""
    (outcome,) = publish(world, target(*ENTRIES, referrers="copy"), dry_run=True)
    assert (outcome.referrers, world.writes) == (2, [])


def test_registry_without_list(world: World) -> None:
    """Where the registry does not list them by itself, the tag for referrers names them."""
    world[APP].lists_subjects = False
    copy(world)
    tags = [line.split()[2] for line in world.calls("add_referrers")]
    assert sorted(tags) == sorted([fallback_tag(AMD64), fallback_tag(SBOM)])
    assert copy(world).referrers == 0


def test_source_without_list(world: World) -> None:
    """At the source they are found by the tag; it is not itself copied to a registry that lists."""
    world[BUILDS].lists_subjects = False
    world[BUILDS].put(fallback_tag(AMD64), list_referrers(SBOM))
    assert copy(world).referrers == 1
    check_there(world, SBOM)
    assert fallback_tag(AMD64) not in world[APP].tags


def test_index_as_referrer(world: World) -> None:
    """An index that refers to an image travels with what it lists."""
    parts = (make_referrer(ARM64, text="a"), make_referrer(ARM64, text="b"))
    bundle = make_index_referrer(AMD64, *parts)
    world[BUILDS].put("", bundle)
    copy(world)
    check_there(world, bundle, *parts)


def test_in_the_index_too(world: World) -> None:
    """What stands in the index and refers to an image as well is copied once."""
    listed = make_index(AMD64, SBOM)
    world[BUILDS].put("both", listed)
    copy(world, entry(f"{BUILDS}:both"))
    uploads = [line.split()[2] for line in world.calls("upload_blob", "mount_blob")]
    assert len(uploads) == len(set(uploads))


@pytest.mark.parametrize(("policy", "expected"), [("keep", True), ("strip", False)])
def test_stripped(world: World, policy: str, expected: bool) -> None:
    """Attestations of buildx's that the index is stripped of do not come as referrers."""
    kind = "application/vnd.docker.attestation.manifest.v1+json"
    attestation = make_referrer(AMD64, text="provenance", kind=kind)
    world[BUILDS].put("", attestation)
    copy(world, attestations=policy)
    assert (attestation.digest in world[APP].manifests) is expected


def test_converted(world: World) -> None:
    """What belongs to an image does not belong to what it is converted to."""
    outcome = copy(world, format="docker", convert=True)
    assert (outcome.errors, outcome.referrers) == ((), 0)
    assert world.calls("list_referrers") == []


def test_held_back(world: World) -> None:
    """A repository where no tag may move to the index gets nothing that belongs to it."""
    newer = make_index(AMD64, annotations={"org.opencontainers.image.version": "1.5.0"})
    world[APP].put("1", newer)
    rules = TagRules(no_downgrade=True)
    version = (("org.opencontainers.image.version", "1.4.0"),)
    outcome = copy(world, rules=rules, tags=("1",), annotations=version)
    assert (outcome.is_held_back, outcome.referrers, world.writes) == (True, 0, [])


def test_force(world: World) -> None:
    """With --force nothing is taken for proven: what was lost is written again, and told."""
    world[BUILDS].put(SIG, SIGNATURE)
    copy(world)
    world[APP].blobs.pop(digest_of(SIGNATURE.blobs[0]))
    assert copy(world, rules=FORCE).referrers == 2
    check_there(world, SIGNATURE, SBOM)


# --- Tags of cosign's ---


def sign(world: World, name: str, *keys: str) -> Content:
    """Sign the image in a repository."""
    signatures = make_signatures(AMD64, *keys)
    world[name].put(SIG, signatures)
    return signatures


def test_signature(world: World) -> None:
    """What cosign tags is copied with its tag, what belongs to it too."""
    signature = sign(world, BUILDS, "alice")
    sbom, of_sbom = make_referrer(ARM64, text="x"), make_signatures(SBOM, "bob")
    world[BUILDS].put(f"{fallback_tag(ARM64)}.sbom", sbom)
    world[BUILDS].put(f"{fallback_tag(SBOM)}.sig", of_sbom)
    assert copy(world).referrers == 5
    check_there(world, signature, sbom, of_sbom)
    assert world[APP].tags[SIG] == signature.digest
    assert world[APP].tags[f"{fallback_tag(SBOM)}.sig"] == of_sbom.digest


@pytest.mark.parametrize(
    ("there", "expected", "is_told"),
    [
        (["alice"], ["alice", "bob"], False),
        (["alice", "bob"], ["alice", "bob"], False),
        (["alice", "bob", "carol"], ["alice", "bob", "carol"], False),
        (["carol"], ["carol"], True),
    ],
    ids=["fewer", "same", "more", "others"],
)
def test_signatures_there(
    world: World, there: list[str], expected: list[str], is_told: bool
) -> None:
    """A tag is written over only where no signature is lost by it; else it is told of."""
    sign(world, BUILDS, "alice", "bob")
    sign(world, APP, *there)
    outcome = copy(world)
    assert world[APP].tags[SIG] == make_signatures(AMD64, *expected).digest
    told = (
        f"{APP}:{SIG}: left as it is: it holds something that {BUILDS}:{SIG} does not, and lacks "
        "something that is there"
    )
    assert list(outcome.warnings) == [told] * is_told
    assert outcome.errors == ()


def test_no_signatures_there(world: World) -> None:
    """A tag that holds something else is left alone, too."""
    sign(world, BUILDS, "alice")
    world[APP].put(SIG, INDEX)
    assert len(copy(world).warnings) == 1
    assert world[APP].tags[SIG] == INDEX.digest


def test_signed_meanwhile(world: World) -> None:
    """A tag that somebody writes just before is looked at again, and left alone."""
    sign(world, BUILDS, "alice")
    world[APP].faults.append(
        StoreFault("fetch_manifest", SIG, act=lambda: sign(world, APP, "carol"), times=1)
    )
    outcome = copy(world)
    assert len(outcome.warnings) == 1
    assert outcome.referrers == 2
    assert world[APP].tags[SIG] == make_signatures(AMD64, "carol").digest


# --- What is wrong ---

HINT = "remove it from what lists it, or leave out 'referrers: copy'"
AT = f"spec.yaml:1:1: {BUILDS}@{AMD64.digest}: "


def check_nothing_written(world: World) -> None:
    """Hold the target to having no tag, and nothing else."""
    assert world.writes == []
    assert world[APP].tags == {}


def test_missing(world: World) -> None:
    """One that is listed and does not exist is an error, and nothing is written."""
    world[BUILDS].lists_subjects = False
    world[BUILDS].put(fallback_tag(AMD64), list_referrers(SBOM))
    del world[BUILDS].manifests[SBOM.digest]
    outcome = copy(world)
    assert errors_in(outcome) == [
        ("SourceError", 4, f"{AT}{SBOM.digest} does not exist; {HINT}"),
    ]
    check_nothing_written(world)


def test_other_subject(world: World) -> None:
    """One that refers to something else than its list says is not believed."""
    world[BUILDS].lists_subjects = False
    world[BUILDS].put(fallback_tag(AMD64), list_referrers(SIGNED_SBOM, ARM64))
    assert errors_in(copy(world)) == [
        (
            "ImageMismatch", 4,
            f"{AT}{SIGNED_SBOM.digest} is listed as its referrer, and names {SBOM.digest}; {HINT}",
        ),
        (
            "ImageMismatch", 4,
            f"{AT}{ARM64.digest} is listed as its referrer, and names no subject; {HINT}",
        ),
    ]  # fmt: skip
    check_nothing_written(world)


@pytest.mark.parametrize(
    ("call", "subject"),
    [("list_referrers", AMD64.digest), ("head_manifest", SIG), ("fetch_manifest", SBOM.digest)],
)
def test_unreadable(world: World, call: str, subject: str) -> None:
    """What may not be looked at, or not be read, is an error: no tag moves without it."""
    world[BUILDS].faults.append(StoreFault(call, subject, error=Denied("denied", where="there")))
    assert errors_in(copy(world)) == [("Denied", 5, "spec.yaml:1:1: there: denied")]
    check_nothing_written(world)


def test_unknown_target(world: World) -> None:
    """What may not be read of the target before a first push is written, and decides itself."""
    sign(world, BUILDS, "alice")
    denied = Denied("denied", where="there")
    for call, subject in (("list_referrers", ""), ("head_manifest", SIG)):
        world[APP].faults.append(StoreFault(call, subject, error=denied))
    outcome = copy(world)
    assert (outcome.errors, outcome.referrers) == ((), 3)


@pytest.mark.parametrize("call", ["put_referrer", "upload_blob"])
def test_not_written(world: World, call: str) -> None:
    """Where one cannot be written, no tag moves."""
    lost = TransportError("no answer", where="there")
    subject = digest_of(SBOM.blobs[0]) if call == "upload_blob" else ""
    world[MIRROR].put("amd64", AMD64)
    world[MIRROR].put("", SBOM)
    world[APP].faults.append(StoreFault(call, subject, error=lost))
    outcome = copy(world, entry(f"{MIRROR}:amd64", "linux/amd64"))
    assert errors_in(outcome) == [("TransportError", 6, "there: no answer")]
    assert tags_of(outcome) == [("1.0", "untouched")]
    assert "1.0" not in world[APP].tags
