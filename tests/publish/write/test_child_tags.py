"""Child tags: each image gets a tag of its own, before the index gets its tags."""

from typing import Any

import pytest

from mbuild.errors import Denied, TagRefused, TransportError
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from tests.publish.world import APP, BUILDS, MIRROR, World, entry, publish, tags_of, target
from tests.support.images import Image, make_attestation, make_image, make_index, nest
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm/v7")
PROOF = make_attestation(AMD64)
ENTRIES = (
    entry(f"{BUILDS}:amd64", "linux/amd64"),
    entry(f"{BUILDS}:arm64", "linux/arm/v7", line=4),
)
VERSION = (("org.opencontainers.image.version", "1.0.0"),)
TEMPLATE = "{tag}-{arch}{variant}"
WRITTEN = [("1.0-amd64", "created"), ("1.0-amd64-attestation", "created"), ("1.0-armv7", "created")]


@pytest.fixture
def world() -> World:
    """Builds of two images, one with an attestation."""
    world = World()
    world[BUILDS].put("amd64", make_index(AMD64, attestations=True))
    world[BUILDS].put("arm64", ARM64)
    return world


def children_of(outcome: Outcome) -> list[tuple[str, str]]:
    """Each child tag with what became of it."""
    return [(tag.tag, tag.action) for tag in outcome.child_tags]


def tagged(world: World, *entries: Any, **more: Any) -> Outcome:
    """Publish with child tags; give the first repository's outcome."""
    rules = more.pop("rules", TagRules())
    dry_run = more.pop("dry_run", False)
    given = target(*(entries or ENTRIES), **{"child_tags": TEMPLATE, **more})
    return publish(world, given, rules=rules, dry_run=dry_run)[0]


def test_each_child(world: World) -> None:
    """Each image and each attestation has its tag, in every repository, before the index's."""
    outcomes = publish(world, target(*ENTRIES, images=(APP, MIRROR), child_tags=TEMPLATE))
    for outcome, name in zip(outcomes, (APP, MIRROR), strict=True):
        assert outcome.errors == ()
        assert children_of(outcome) == WRITTEN
        assert world[name].tags == {
            "1.0-amd64": AMD64.digest,
            "1.0-amd64-attestation": PROOF.digest,
            "1.0-armv7": ARM64.digest,
            "1.0": str(outcome.index and outcome.index.digest),
        }
    order = [line.split()[-1] for line in world.calls("put_manifest") if " app " in line]
    children = [order.index(tag) for tag, _ in WRITTEN]
    assert order.index("1.0") > max(children)
    assert min(children) > max(order.index(one.digest) for one in (AMD64, PROOF, ARM64))


def test_unchanged(world: World) -> None:
    """A child tag that holds its image costs one HEAD, and nothing is written."""
    tagged(world)
    world.log.clear()
    outcome = tagged(world)
    assert {action for _, action in (*tags_of(outcome), *children_of(outcome))} == {"kept"}
    assert (world.writes, outcome.is_change) == ([], False)
    asked = [line.split()[-1] for line in world.calls("head_manifest") if " app " in line]
    assert sorted(asked) == ["1.0", *(tag for tag, _ in WRITTEN)]


def test_only_a_child_tag(world: World) -> None:
    """A child tag that was lost, or moved, is written again though the index is in place."""
    tagged(world)
    del world[APP].tags["1.0-amd64"]
    world[APP].tags["1.0-armv7"] = AMD64.digest
    planned = tagged(world, dry_run=True)
    world.log.clear()
    outcome = tagged(world)
    assert outcome.errors == ()
    assert (
        children_of(outcome)
        == children_of(planned)
        == [
            ("1.0-amd64", "created"),
            ("1.0-amd64-attestation", "kept"),
            ("1.0-armv7", "moved"),
        ]
    )
    assert sorted(world.writes) == ["put_manifest app 1.0-amd64", "put_manifest app 1.0-armv7"]
    assert world[APP].tags["1.0-armv7"] == ARM64.digest


def test_names_of_sources(world: World) -> None:
    """Where the tags are those of the sources they are kept."""
    world[APP].put("1.0-amd64", AMD64)
    outcome = tagged(world, entry(f"{APP}:1.0-amd64", "linux/amd64"))
    assert children_of(outcome) == [("1.0-amd64", "kept")]


def test_base(world: World) -> None:
    """Images that stay as the base lists them are tagged too, unread before."""
    world[APP].put("0.9", make_index(make_image("linux/s390x")))
    outcome = tagged(world, *ENTRIES, base=entry(f"{APP}:0.9", line=2))
    assert outcome.errors == ()
    assert children_of(outcome)[0] == ("1.0-s390x", "created")


def test_what_has_no_platform(world: World) -> None:
    """What is no image gets no tag."""
    unknown = {"platform": {"os": "unknown", "architecture": "unknown"}}
    world[BUILDS].put("1.0", nest((AMD64, {}), (ARM64, unknown)))
    outcome = tagged(world, entry(f"{BUILDS}:1.0"))
    assert children_of(outcome) == [("1.0-amd64", "created")]


def windows(*versions: str) -> list[Image]:
    """Images for versions of Windows."""
    return [make_image(f"windows/amd64:{version}") for version in versions]


def test_words(world: World) -> None:
    """Versions of Windows and zstd twins can be told apart."""
    twin = make_image("linux/amd64", seed="zstd")
    mark = {"annotations": {"io.github.containers.compression.zstd": "true"}}
    old, new = windows("10.0.17763.1", "10.0.20348.1")
    world[BUILDS].put("1.0", nest((AMD64, {}), (twin, mark), (old, {}), (new, {})))
    template = "{tag}-{os}{os.version}-{arch}{compression}"
    outcome = tagged(world, entry(f"{BUILDS}:1.0"), child_tags=template)
    assert [tag for tag, _ in children_of(outcome)] == [
        "1.0-linux-amd64",
        "1.0-linux-amd64zstd",
        "1.0-windows10.0.17763.1-amd64",
        "1.0-windows10.0.20348.1-amd64",
    ]


HINT = "let child_tags tell them apart, with {arch}, {variant}, {os}, {os.version} or {compression}"
REFUSED = {
    "one tag": (
        TEMPLATE,
        f"its child tag '1.0-amd64' is that of windows/amd64:10.0.17763.1 too; {HINT}",
    ),
    "the index's": ("1.0", f"its child tag '1.0' is that of the index too; {HINT}"),
}


@pytest.mark.parametrize(("template", "message"), REFUSED.values(), ids=REFUSED)
def test_refused(world: World, template: str, message: str) -> None:
    """Tags that only the images show to be one are refused, before anything is written."""
    images = windows("10.0.17763.1", "10.0.20348.1")
    world[BUILDS].put("1.0", make_index(*images))
    outcome = tagged(world, entry(f"{BUILDS}:1.0"), child_tags=template)
    assert {error.exit_code for error in outcome.errors} == {4}
    assert str(outcome.errors[-1]) == f"spec.yaml:3:5: {BUILDS}:1.0: {message}"
    assert world.writes == []


def test_attestations_are_refused_too(world: World) -> None:
    """The tag of an attestation is none of the index's own, either."""
    tags = ("1.0", "1.0-amd64-attestation")
    outcome = tagged(world, tags=tags)
    expected = f"its child tag '1.0-amd64-attestation' is that of the index too; {HINT}"
    assert [str(one) for one in outcome.errors] == [
        f"spec.yaml:3:5: {BUILDS}:amd64: {expected}",
    ]
    assert world.writes == []


def test_attestation_of_a_long_tag(world: World) -> None:
    """Where there is no room for it the image's tag is cut behind, so that a tag remains."""
    long = "1" + "-" * 120
    outcome = tagged(world, ENTRIES[0], tags=(long,))
    assert outcome.errors == ()
    assert children_of(outcome)[1] == (f"{long[:116]}-attestation", "created")


def test_no_tag(world: World) -> None:
    """What is filled in must be a tag."""
    world[BUILDS].put("long", make_index(*windows("1" * 130)))
    outcome = tagged(world, entry(f"{BUILDS}:long"), child_tags="{os.version}{arch}")
    [error] = outcome.errors
    assert "its child tag cannot be: " in str(error)


def test_no_clobber(world: World) -> None:
    """A child tag that exists counts among those that may not move."""
    world[APP].put("1.0-amd64", ARM64)
    outcome = tagged(world, rules=TagRules(no_clobber=True))
    assert [str(error) for error in outcome.errors] == [
        (
            f"{APP}:1.0-amd64: the tag exists, and holds {ARM64.digest}; no existing tag may move "
            "(--no-clobber); choose another tag, or leave the option out"
        )
    ]
    assert world.writes == []


def test_unreadable(world: World) -> None:
    """A child tag that may not be read is written."""
    world[APP].faults.append(StoreFault("head_manifest", "1.0-amd64", error=Denied("no")))
    outcome = tagged(world, ENTRIES[0])
    assert children_of(outcome)[0] == ("1.0-amd64", "moved")


def test_failure(world: World) -> None:
    """A child tag that cannot be written is an error, and no tag of the index is touched."""
    error = TransportError("no answer", where=f"{APP}:1.0-amd64")
    world[APP].faults.append(StoreFault("put_manifest", "1.0-amd64", error=error))
    outcome = tagged(world)
    assert outcome.errors == (error,)
    assert ("1.0-amd64", "failed") in children_of(outcome)
    assert tags_of(outcome) == [("1.0", "untouched")]


@pytest.mark.parametrize("deletes", [True, False], ids=["deletes tags", "does not"])
def test_put_back(world: World, deletes: bool) -> None:
    """When the index's tag is refused, child tags hold again what they held."""
    world[APP].deletes_tags = deletes
    world[APP].put("1.0-amd64", ARM64)
    refusal = TagRefused("immutable", where=f"{APP}:1.0")
    world[APP].faults.append(StoreFault("put_manifest", "1.0", error=refusal))
    outcome = tagged(world)
    assert outcome.errors == (refusal,)
    assert world[APP].tags["1.0-amd64"] == ARM64.digest
    assert ("1.0-amd64", "restored") in children_of(outcome)
    assert (("1.0-armv7", "removed") in children_of(outcome)) is deletes
    assert ("1.0-armv7" in world[APP].tags) is not deletes
    warning = (
        f"{APP}:1.0-armv7: this child tag was not put back: the registry is not known to delete a "
        "tag without its image"
    )
    assert (warning in outcome.warnings) is not deletes


def test_not_put_back(world: World) -> None:
    """What a child tag held may be gone, and somebody else may have moved it by then."""
    world[APP].put("1.0-amd64", ARM64)
    store = world[APP]

    def meanwhile() -> None:
        del store.manifests[ARM64.digest]
        store.tags["1.0-amd64-attestation"] = AMD64.digest

    refusal = TagRefused("immutable", where=f"{APP}:1.0")
    store.faults.append(StoreFault("put_manifest", "1.0", error=refusal, act=meanwhile))
    store.faults.append(StoreFault("delete_tag", error=TransportError("no answer")))
    outcome = tagged(world, ENTRIES[0])
    assert [text for text in outcome.warnings if "child tag" in text] == [
        f"{APP}:1.0-amd64: this child tag was not put back: what it held is not there any more"
    ]


def test_made_of_a_child(world: World) -> None:
    """A target that is made of a child tag waits for it, and a plan takes what it will hold."""
    first = target(*ENTRIES, child_tags=TEMPLATE)
    second = target(entry(f"{APP}:1.0-amd64", "linux/amd64"), images=(MIRROR,))
    planned = publish(world, second, first, dry_run=True)
    done = publish(world, second, first)
    assert [outcome.errors for outcome in (*planned, *done)] == [()] * 4
    assert [one.index for one in planned] == [one.index for one in done]


def test_put_back_fails(world: World) -> None:
    """A child tag that cannot be asked for any more is told."""
    refusal = TagRefused("immutable", where=f"{APP}:1.0")
    store = world[APP]
    lost = StoreFault("head_manifest", "1.0-armv7", error=TransportError("no answer"))
    store.faults.append(
        StoreFault("put_manifest", "1.0", error=refusal, act=lambda: store.faults.append(lost))
    )
    outcome = tagged(world, ENTRIES[1])
    assert f"{APP}:1.0-armv7: this child tag was not put back: no answer" in outcome.warnings


def test_held_back(world: World) -> None:
    """Where every tag of the index stays where it is, children get no tags."""
    for tag in ("1", "1.1.0"):
        world[APP].put(tag, make_index(AMD64))
    outcome = tagged(world, tags=("1",), annotations=VERSION, rules=TagRules(no_downgrade=True))
    assert outcome.is_held_back
    assert (outcome.child_tags, world.writes) == ((), [])


OTHERS = {
    "a child tag": {"tags": ("2.0",), "child_tags": "x-{arch}"},
    "a tag of the index": {"tags": ("x-amd64",)},
}


@pytest.mark.parametrize("more", OTHERS.values(), ids=OTHERS)
@pytest.mark.parametrize("dry_run", [True, False], ids=["plan", "push"])
def test_of_another_target(world: World, more: dict[str, Any], dry_run: bool) -> None:
    """A child tag that the images alone show to be another target's is refused, not overwritten."""
    world[BUILDS].put("new", make_image("linux/amd64", seed="new"))
    first = target(entry(f"{BUILDS}:amd64"), child_tags="x-{arch}")
    outcomes = publish(world, first, target(entry(f"{BUILDS}:new"), **more), dry_run=dry_run)
    errors = [error for outcome in outcomes for error in outcome.errors]
    assert [(error.exit_code, str(error)) for error in errors] == [
        (
            4,
            (
                "spec.yaml:1:1: child tag 'x-amd64' is that of the target at spec.yaml:1:1 too; write "
                "child_tags with {tag}, or with another text for each target"
            ),
        )
    ]
