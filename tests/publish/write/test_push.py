"""Pushing: the order of writes, and what becomes of tags and repositories when one fails."""

import pytest

from mbuild.errors import Denied, MbuildError, TagRefused, TransportError
from mbuild.oci.digest import digest_of
from mbuild.publish.outcome import Outcome
from mbuild.publish.write import grace
from tests.publish.world import APP, BUILDS, MIRROR, World, entry, publish, shown, tags_of, target
from tests.support.images import make_image, make_index
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
SOURCES = (
    entry(f"{BUILDS}:amd64", "linux/amd64", line=3),
    entry(f"{BUILDS}:arm64", "linux/arm64", line=4),
)
OTHER = digest_of(b"other")
REFUSED = TagRefused("the tag was refused", where=f"{APP}:1.0")


@pytest.fixture
def world() -> World:
    """A repository of builds."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    world[BUILDS].put("arm64", ARM64)
    return world


def push(
    world: World, *, images: tuple[str, ...] = (APP,), tags: tuple[str, ...] = ("1.0", "latest")
) -> tuple[Outcome, ...]:
    """Push the two builds."""
    return publish(world, target(*SOURCES, images=images, tags=tags))


def index_of(outcome: Outcome) -> str:
    """The digest of what was published."""
    assert outcome.index
    return str(outcome.index.digest)


def errors(outcome: Outcome) -> list[tuple[str, int, str]]:
    """What went wrong in a repository."""
    return [shown(error) for error in outcome.errors]


def test_published(world: World) -> None:
    """Every tag holds the index, which names the children byte for byte."""
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "created")]
    assert world[APP].tags == dict.fromkeys(("1.0", "latest"), index_of(outcome))
    assert (outcome.verified, outcome.errors, outcome.is_published) == (True, (), True)
    assert (outcome.copied.mounted, outcome.copied.blobs) == (4, 0)
    assert world.targets == [APP]


def test_attestations_are_counted(world: World) -> None:
    """Attestations are pushed as children are, and counted apart from images."""
    world[BUILDS].put("attested", make_index(AMD64, ARM64, attestations=True))
    given = target(entry(f"{BUILDS}:attested"))
    (planned,) = publish(world, given, dry_run=True)
    (done,) = publish(world, given)
    assert (planned.attestations, done.attestations) == (2, 2)
    assert len(done.platforms) == 2
    assert len(world[APP].manifests) == 5


def test_order(world: World) -> None:
    """Blobs, then children, then the index by digest in every repository, then tags, then proof."""
    first, _ = push(world, images=(APP, MIRROR))
    index = index_of(first)
    children = {AMD64.digest, ARM64.digest}
    steps = []
    for line in world.log:
        call, store, subject = line.split()
        if call in {"upload_blob", "mount_blob"}:
            steps.append((1, store))
        elif call == "put_manifest" and subject in children:
            steps.append((2, store))
        elif call == "put_manifest" and subject == index:
            steps.append((3, store))
        elif call == "put_manifest":
            steps.append((4, store))
        elif call == "read_back":
            steps.append((5, store))
    for name in (APP, MIRROR):
        own = [step for step, store in steps if store == name]
        assert own == sorted(own)
        assert set(own) == {1, 2, 3, 4, 5}
    staged = [place for place, (step, _) in enumerate(steps) if step <= 3]
    tags = [place for place, (step, _) in enumerate(steps) if step == 4]
    proofs = [place for place, (step, _) in enumerate(steps) if step == 5]
    assert max(staged) < min(tags)
    assert max(tags) < min(proofs)
    assert len(tags) == 4


def test_proof(world: World) -> None:
    """Every tag is read back, and so is every child that was brought."""
    push(world)
    wanted = {f"read_back app {one}" for one in ("1.0", "latest", AMD64.digest, ARM64.digest)}
    assert set(world.calls()[-4:]) == set(world.calls("read_back")) == wanted


def test_no_second_proof(world: World) -> None:
    """A child that was just fetched from the target itself is not asked for again."""
    world[APP].put("amd64", AMD64)
    publish(world, target(entry(f"{APP}:amd64", "linux/amd64")))
    assert world.calls("head_manifest") == ["head_manifest app 1.0"] * 2
    assert world.calls("read_back") == ["read_back app 1.0"]


def test_kept_tags(world: World) -> None:
    """A tag that holds the index is not written, nor is the index put again."""
    push(world, tags=("1.0",))
    world.log.clear()
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "created")]
    assert world.writes == ["put_manifest app latest"]
    proven = {f"read_back app {one}" for one in ("latest", AMD64.digest, ARM64.digest)}
    assert set(world.calls("read_back")) == proven


def test_nothing_to_do(world: World) -> None:
    """Where every tag holds the index, nothing is written or proven."""
    push(world)
    world.log.clear()
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "kept")]
    assert (world.writes, outcome.verified) == ([], None)


def test_one_repository_is_done(world: World) -> None:
    """A repository that holds everything already is left alone while the other is pushed to."""
    push(world)
    world.log.clear()
    first, second = push(world, images=(APP, MIRROR))
    assert (first.verified, second.verified) == (None, True)
    assert {line.split()[1] for line in world.writes} == {MIRROR}


def test_unknown_tag(world: World) -> None:
    """A tag that could not be read is written, and then it is moved, from what nobody knows."""
    world[APP].faults.append(StoreFault("head_manifest", "1.0", error=Denied("denied")))
    (outcome,) = push(world, tags=("1.0",))
    assert tags_of(outcome) == [("1.0", "moved")]
    assert outcome.tags[0].previous is None
    assert outcome.errors == ()


STAGING = ["upload_blob", "put_manifest"]


@pytest.mark.parametrize("call", STAGING)
def test_staging_fails(world: World, call: str) -> None:
    """When one repository cannot be staged, no tag moves in any, and neither is called published."""
    error = TransportError("no answer", where="W")
    world[MIRROR].faults.append(StoreFault(call, error=error))
    first, second = push(world, images=(APP, MIRROR))
    assert world[APP].tags == world[MIRROR].tags == {}
    for outcome in (first, second):
        assert tags_of(outcome) == [("1.0", "untouched"), ("latest", "untouched")]
        assert outcome.verified is None
        assert not outcome.is_published
        assert not outcome.is_change
    assert errors(first) == []
    assert set(errors(second)) == {("TransportError", 6, "W: no answer")}


def test_index_refused(world: World) -> None:
    """A registry that takes the children and not the index gets no tag."""
    index = index_of(publish(world, target(*SOURCES), dry_run=True)[0])
    world[APP].faults.append(StoreFault("put_manifest", index, error=Denied("denied", where="W")))
    (outcome,) = push(world)
    assert errors(outcome) == [("Denied", 5, "W: denied")]
    assert world[APP].tags == {}
    assert outcome.copied.mounted == 4


def test_tag_fails(world: World) -> None:
    """A tag that is refused is told; another new one that stays behind is named, and proven."""
    world[APP].faults.append(StoreFault("put_manifest", "1.0", error=REFUSED))
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "failed"), ("latest", "created")]
    assert errors(outcome) == [("TagRefused", 6, f"{APP}:1.0: the tag was refused")]
    assert outcome.warnings[0].startswith(f"{APP}:latest: left behind: ")
    assert "read_back app latest" in world.calls("read_back")
    assert "read_back app 1.0" not in world.calls("read_back")
    assert outcome.verified is True
    assert not outcome.is_published


def test_all_tags_fail(world: World) -> None:
    """Where no tag was written there is nothing to prove."""
    world[APP].faults.append(StoreFault("put_manifest", "1.0", error=REFUSED))
    world[APP].faults.append(StoreFault("put_manifest", "latest", error=REFUSED))
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "failed"), ("latest", "failed")]
    assert (world.calls("read_back"), outcome.verified) == ([], None)


def test_tag_fails_in_one_repository(world: World) -> None:
    """A tag that one repository refuses goes back in the other one."""
    world[MIRROR].deletes_tags = True
    world[APP].faults.append(StoreFault("put_manifest", "1.0", error=REFUSED))
    first, second = push(world, images=(APP, MIRROR), tags=("1.0",))
    assert (tags_of(first), tags_of(second)) == ([("1.0", "failed")], [("1.0", "removed")])
    assert world[MIRROR].tags == {}
    assert not second.is_published


@pytest.mark.parametrize(
    "error", [TransportError("no answer", where=f"{APP}:1.0"), None], ids=["fails", "disagrees"]
)
def test_proof_fails(world: World, error: MbuildError | None) -> None:
    """A tag that does not read back is created all the same, and not verified."""
    world[APP].faults.append(StoreFault("read_back", "1.0", error=error, gives=OTHER))
    (outcome,) = push(world)
    assert tags_of(outcome) == [("1.0", "created"), ("latest", "created")]
    assert outcome.verified is False
    ((_, code, message),) = errors(outcome)
    assert (code, message.partition(": ")[0]) == (6, f"{APP}:1.0")


@pytest.mark.parametrize(
    ("call", "subject", "expected"),
    [
        ("upload_blob", "", "untouched"),
        ("put_manifest", "1.0", "unknown"),
        ("read_back", "", "created"),
    ],
    ids=["staging", "tags", "proof"],
)
def test_fault(world: World, call: str, subject: str, expected: str) -> None:
    """A fault of mbuild's own, at any moment, loses nothing of what is to be told."""
    world[MIRROR].faults.append(StoreFault(call, subject, error=KeyError("oops")))
    (outcome,) = push(world, images=(MIRROR,))
    assert dict(tags_of(outcome))["1.0"] == expected
    ((kind, code, message),) = errors(outcome)
    assert (kind, code) == ("MbuildError", 1)
    assert message.startswith("a fault in mbuild: KeyError in memory_store.py:")


def test_grace_is_bounded() -> None:
    """Tags under way are waited for, and less long than a runner of CI waits before it kills."""
    assert grace.GRACE_SECONDS == 5
