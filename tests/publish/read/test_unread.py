"""Images that the target has already: kept without a look at their manifests and configs."""

import pytest

from mbuild.errors import SourceError, flatten
from mbuild.oci.index import parse_index
from mbuild.oci.platform import parse_platform
from mbuild.publish.decide.rules import TagRules
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    changes_of,
    entry,
    index_of,
    publish,
    shown,
    tags_of,
    target,
)
from tests.support.images import make_image, make_index
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
NEW = make_image("linux/arm64", seed="new")
WINDOWS = make_image("windows/amd64:10.0.20348.1")
BOTH = (
    entry(f"{BUILDS}:amd64", "linux/amd64", line=3),
    entry(f"{BUILDS}:arm64", "linux/arm64", line=4),
)
READS = ("head_manifest", "fetch_manifest", "fetch_blob")


@pytest.fixture
def world() -> World:
    """A repository of builds."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    world[BUILDS].put("arm64", ARM64)
    return world


def test_first_push(world: World) -> None:
    """Where nothing is published, sources are fetched at once, and not asked for before."""
    publish(world, target(*BOTH))
    asked = [call for call in world.calls(*READS) if " builds " in call]
    assert not [call for call in asked if call.startswith("head_manifest")]
    assert len(asked) == 4


def test_nothing_to_do(world: World) -> None:
    """An unchanged target costs a HEAD a tag, its index once, and a HEAD a source."""
    publish(world, target(*BOTH, tags=["1.0", "latest"]))
    digest = world[APP].tags["1.0"]
    world.log.clear()
    (outcome,) = publish(world, target(*BOTH, tags=["1.0", "latest"]))
    assert tags_of(outcome) == [("1.0", "kept"), ("latest", "kept")]
    assert changes_of(outcome) == [("linux/amd64", "kept"), ("linux/arm64", "kept")]
    assert sorted(world.calls()) == [
        f"fetch_manifest app {digest}",
        "head_manifest app 1.0", "head_manifest app latest",
        "head_manifest builds amd64", "head_manifest builds arm64",
    ]  # fmt: skip


def test_sources_by_digest(world: World) -> None:
    """A source given by digest that the target has is not asked for at all."""
    entries = (
        entry(f"{BUILDS}@{AMD64.digest}", "linux/amd64"),
        entry(f"{BUILDS}@{ARM64.digest}", "linux/arm64"),
    )
    publish(world, target(*entries))
    world.log.clear()
    (outcome,) = publish(world, target(*entries))
    assert tags_of(outcome) == [("1.0", "kept")]
    assert [call for call in world.calls() if " builds " in call] == []


def test_one_changed(world: World) -> None:
    """Only the image that changed is read; the others stay in the index as they are."""
    publish(world, target(*BOTH))
    world[BUILDS].put("arm64", NEW)
    world.log.clear()
    (outcome,) = publish(world, target(*BOTH))
    assert changes_of(outcome) == [("linux/amd64", "kept"), ("linux/arm64", "changed")]
    asked = [call for call in world.calls("fetch_manifest") if " builds " in call]
    assert asked == [f"fetch_manifest builds {NEW.digest}"]
    assert world[APP].tags["1.0"] == str(outcome.index and outcome.index.digest)


def test_kept_image_in_another_repository(world: World) -> None:
    """An image kept unread is fetched after all where a second repository lacks it."""
    publish(world, target(*BOTH))
    (first, second) = publish(world, target(*BOTH, images=(APP, MIRROR)))
    assert tags_of(first) == [("1.0", "kept")]
    assert tags_of(second) == [("1.0", "created")]
    assert {AMD64.digest, ARM64.digest} <= {*world[MIRROR].manifests}
    assert {*map(str, world[MIRROR].blobs)} == {*map(str, world[BUILDS].blobs)}


def test_kept_image_that_is_lost(world: World) -> None:
    """An image kept unread that exists nowhere any more is an error before any tag."""
    entries = (entry(f"{BUILDS}@{AMD64.digest}", "linux/amd64"),)
    publish(world, target(*entries))
    for name in (APP, BUILDS):
        del world[name].manifests[AMD64.digest]
    (outcome,) = publish(world, target(*entries, tags=["1.0", "2.0"]))
    assert "2.0" not in world[APP].tags
    (error,) = flatten(outcome.errors)
    assert isinstance(error, SourceError)
    assert shown(error)[2] == (
        f"{BUILDS}@{AMD64.digest}: the image is listed already, and does not exist any more: "
        "no such manifest; build and push the image again"
    )


def test_what_the_spec_says_no_more(world: World) -> None:
    """What an earlier spec said of an image, and no config does, does not stay."""
    said = entry(f"{BUILDS}:amd64", "linux(+sse4)/amd64")
    publish(world, target(said))
    (outcome,) = publish(world, target(entry(f"{BUILDS}:amd64", "linux/amd64")))
    assert tags_of(outcome) == [("1.0", "moved")]
    held = parse_index(world[APP].manifests[world[APP].tags["1.0"]].raw)
    assert [one.platform for one in held.images] == [parse_platform("linux/amd64")]


def test_listed_without_a_platform(world: World) -> None:
    """An index whose entries have an empty platform is passed on as well the second time."""
    says = {"platform": {"os": "", "architecture": ""}}
    world[BUILDS].put("odd", index_of((AMD64, says), (ARM64, says)))
    for action in ("created", "kept"):
        (outcome,) = publish(world, target(entry(f"{BUILDS}:odd")))
        assert (tags_of(outcome), outcome.errors) == ([("1.0", action)], ())


@pytest.mark.parametrize("name", [APP, MIRROR], ids=["there", "another repository"])
def test_listed_with_a_wrong_size(world: World, name: str) -> None:
    """A size that only a list told is not passed on; read again, the image gets its own."""
    world[APP].put("1.0", index_of((AMD64, {"size": 5})))
    images = (APP,) if name == APP else (APP, name)
    wanted = target(
        entry(f"{BUILDS}@{AMD64.digest}", "linux/amd64"), images=images, tags=["1.0", "2.0"]
    )
    outcomes = publish(world, wanted)
    assert {shown(error) for outcome in outcomes for error in outcome.errors} == {
        (
            "ImageMismatch", 4,
            (f"{BUILDS}@{AMD64.digest}: the image is listed already with another size or type "
            f"than it has, {AMD64.size} bytes of {AMD64.media_type}; push with --force, which "
            "reads every image again"),
        )
    }  # fmt: skip
    assert not any("2.0" in world[one].tags for one in images)
    publish(world, wanted, rules=TagRules(force=True))
    held = parse_index(world[name].manifests[world[name].tags["2.0"]].raw)
    assert [one.size for one in held.images] == [AMD64.size]


def test_absent_source(world: World) -> None:
    """A tag that a HEAD does not find is asked for by GET, which says why."""
    publish(world, target(*BOTH))
    del world[BUILDS].tags["arm64"]
    (outcome,) = publish(world, target(*BOTH))
    assert [shown(error) for error in outcome.errors] == [
        (
            "SourceNotFound", 4,
            (f"spec.yaml:4:5: {BUILDS}:arm64: no such manifest; check the name and the tag, or "
            "mark the entry optional"),
        )
    ]  # fmt: skip


def test_no_platform_in_the_spec(world: World) -> None:
    """Where the spec leaves the platform to the config, the config is read."""
    publish(world, target(entry(f"{BUILDS}:amd64")))
    world.log.clear()
    publish(world, target(entry(f"{BUILDS}:amd64")))
    assert [call.split()[0] for call in world.calls(*READS) if " builds " in call] == [
        "fetch_manifest", "fetch_blob",
    ]  # fmt: skip


def test_what_another_tool_left_out(world: World) -> None:
    """An entry without what its config says is completed from it, in every run alike."""
    world[BUILDS].put("windows", WINDOWS)
    says = {"platform": {"os": "windows", "architecture": "amd64"}}
    world[APP].put("1.0", index_of((WINDOWS, says)))
    (outcome,) = publish(world, target(entry(f"{BUILDS}:windows", "windows/amd64")))
    assert changes_of(outcome) == [
        ("windows/amd64:10.0.20348.1", "added"),
        ("windows/amd64", "removed"),
    ]
    assert tags_of(outcome) == [("1.0", "moved")]


def test_index_as_a_source(world: World) -> None:
    """Of a source index the index alone is fetched: images and attestations stay as they are."""
    world[BUILDS].put("1.0", make_index(AMD64, ARM64, attestations=True))
    wanted = entry(f"{BUILDS}:1.0", "linux/arm64")
    publish(world, target(wanted))
    world.log.clear()
    (outcome,) = publish(world, target(wanted))
    assert tags_of(outcome) == [("1.0", "kept")]
    assert outcome.attestations == 1
    named = world[BUILDS].tags["1.0"]
    assert [call for call in world.calls(*READS) if " builds " in call] == [
        "head_manifest builds 1.0", f"fetch_manifest builds {named}",
    ]  # fmt: skip


def test_what_the_cache_knows(world: World) -> None:
    """What the cache knows is asked for at once, without waiting for the target's tags."""
    publish(world, target(*BOTH))
    world[BUILDS].known |= {"amd64", "arm64"}
    world.log.clear()
    (outcome,) = publish(world, target(*BOTH))
    assert tags_of(outcome) == [("1.0", "kept")]
    assert "fetch_manifest builds amd64" in world.calls()


def test_failed_look(world: World) -> None:
    """Where the target cannot be read, sources are told of all the same, all errors at once."""
    del world[BUILDS].tags["arm64"]
    error = SourceError("broken", where=f"{APP}:1.0")
    world[APP].faults.append(StoreFault("head_manifest", "1.0", error=error))
    (outcome,) = publish(world, target(*BOTH))
    assert [error.where for error in outcome.errors] == ["spec.yaml:4:5", f"{APP}:1.0"]
