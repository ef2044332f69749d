"""What is pinned is published: by digest, with the size that was locked, and nothing else."""

from dataclasses import replace

import pytest

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.publish.read.pins import Pins
from mbuild.spec.lock import Locked
from mbuild.spec.spec import Entry, Pin, Spec, Target
from tests.publish.world import (
    APP,
    World,
    changes_of,
    entry,
    publish,
    run,
    shown,
    target,
)
from tests.support.images import Content, make_image, make_index

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
NEW = make_image("linux/amd64", seed="new")
BOTH = make_index(AMD64, ARM64)


@pytest.fixture
def world() -> World:
    """A repository with an image and an index."""
    world = World()
    world[APP].put("amd64", AMD64)
    world[APP].put("both", BOTH)
    return world


def held(content: Content) -> Descriptor:
    """The descriptor of an image or an index."""
    return Descriptor(content.media_type, parse_digest(content.digest), len(content.manifest))


def pinned(name: str, descriptor: Descriptor | None, platform: str = "linux/amd64") -> Entry:
    """An entry that a lock has pinned."""
    given = entry(f"{APP}:{name}", platform, optional=True)
    return replace(given, pin=Pin(descriptor))


def published(world: World, *entries: Entry) -> Outcome:
    """Publish a target of these entries."""
    (outcome,) = publish(world, target(*entries))
    return outcome


def locked(world: World, *targets: Target) -> tuple[Pins, tuple[Outcome, ...]]:
    """Lock the sources of targets: nothing may be written."""

    async def work() -> tuple[Pins, tuple[Outcome, ...]]:
        pins, library = Pins(), Library()
        publisher = Publisher(stores=world, library=library, dry_run=True, record=pins.record)
        outcomes = await publisher.publish(Spec(targets))
        await library.close()
        return pins, outcomes

    found = run(work)
    assert world.writes == []
    return found


def test_locked(world: World) -> None:
    """Every source is found with what its own name holds, an index perhaps; or as absent."""
    given = [entry(f"{APP}:both", "linux/arm64"), entry(f"{APP}:amd64", "linux/amd64")]
    pins, _ = locked(world, target(*given, entry(f"{APP}:none", "linux/386", optional=True)))
    assert pins.sources == (
        Locked(f"{APP}:amd64", held(AMD64)),
        Locked(f"{APP}:both", held(BOTH)),
        Locked(f"{APP}:none", None),
    )
    assert pins.errors == []


def test_locked_where_it_is_published(world: World) -> None:
    """An image that the target has already is locked without being read."""
    given = target(entry(f"{APP}:amd64", "linux/amd64"))
    publish(world, given)
    world.log.clear()
    pins, _ = locked(world, given)
    assert pins.sources == (Locked(f"{APP}:amd64", held(AMD64)),)


def test_not_locked_where_anything_is_wrong(world: World) -> None:
    """What the images tell is checked as for a push, and a wrong target gives no pins."""
    pins, (outcome,) = locked(world, target(entry(f"{APP}:amd64", "linux/s390x")))
    assert pins.sources == ()
    assert [error.code for error in outcome.errors] == ["image-mismatch"]


def test_two_images_of_one_name(world: World) -> None:
    """A tag that one target reads and another writes before a third reads it cannot be locked."""
    first = target(entry(f"{APP}:both", "linux/amd64"), tags=["both"])
    second = target(entry(f"{APP}:both", "linux/amd64"), tags=["2.0"])
    pins, (made, _) = locked(world, first, second)
    assert made.index
    assert [shown(error) for error in pins.errors] == [
        (
            "ImageMismatch",
            4,
            (
                f"spec.yaml:3:5: {APP}:both: it names {BOTH.digest} for one entry and "
                f"{made.index.digest} for another; a lock holds one of them; name the image by its "
                "digest in one of the two"
            ),
        )
    ]


def test_the_pin_is_taken(world: World) -> None:
    """A tag that has moved since is not looked at: what was locked is published."""
    world[APP].put("amd64", NEW)
    outcome = published(world, pinned("amd64", held(AMD64)))
    assert outcome.errors == ()
    (image,) = outcome.platforms
    assert (image.image, image.descriptor and str(image.descriptor.digest)) == (
        f"{APP}:amd64",
        AMD64.digest,
    )
    assert not any(line.endswith(" amd64") for line in world.log)


def test_a_pinned_index(world: World) -> None:
    """Of an index that is pinned the platform's image is taken."""
    outcome = published(world, pinned("both", held(BOTH), "linux/arm64"))
    (image,) = outcome.platforms
    assert image.descriptor
    assert str(image.descriptor.digest) == ARM64.digest


def test_the_pin_of_what_is_published(world: World) -> None:
    """A pinned image that the target has already is kept without a request for it."""
    published(world, pinned("amd64", held(AMD64)))
    world.log.clear()
    assert changes_of(published(world, pinned("amd64", held(AMD64)))) == [("linux/amd64", "kept")]
    assert not any(AMD64.digest in line for line in world.log)


def test_pinned_as_absent(world: World) -> None:
    """What was absent when it was locked stays out, though it may be there now: nobody asks."""
    outcome = published(world, pinned("amd64", None), pinned("both", held(BOTH), "linux/arm64"))
    assert outcome.errors == ()
    assert changes_of(outcome)[0] == ("linux/amd64", "skipped")
    assert not any(line.endswith(" amd64") for line in world.log)


WRONG = [
    ("size", replace(held(AMD64), size=9)),
    ("type", replace(held(AMD64), media_type="application/vnd.oci.image.index.v1+json")),
]


@pytest.mark.parametrize("pin", [one[1] for one in WRONG], ids=[one[0] for one in WRONG])
@pytest.mark.parametrize("before", [False, True], ids=["new", "published"])
def test_another_size_or_type(world: World, pin: Descriptor, before: bool) -> None:
    """A manifest that is not as the lock has it is an error, and nothing is written."""
    if before:
        published(world, pinned("amd64", held(AMD64)))
    outcome = published(world, pinned("amd64", pin))
    assert [shown(error) for error in outcome.errors] == [
        (
            "ImageMismatch",
            4,
            (
                f"spec.yaml:3:5: {APP}:amd64: the lock gives {AMD64.digest} another size or type than "
                f"it has, {len(AMD64.manifest)} bytes of {AMD64.media_type}; lock again"
            ),
        )
    ]


def test_gone(world: World) -> None:
    """What was locked and is gone is an error, though the entry is optional."""
    outcome = published(world, pinned("amd64", held(NEW)))
    (error,) = outcome.errors
    assert (type(error).__name__, error.exit_code, error.hint) == (
        "SourceNotFound",
        4,
        "build and push the image again, or lock again",
    )
    assert f"{APP}:amd64: what was locked, {NEW.digest}, is not there any more: " in error.message


@pytest.mark.parametrize("dry_run", [True, False], ids=["planned", "pushed"])
def test_made_of_another_target(world: World, dry_run: bool) -> None:
    """A target made of another one still waits for it, and takes what was locked of it."""
    first = target(entry(f"{APP}:both", "linux/amd64"), tags=["first"])
    second = target(entry(f"{APP}:first", "linux/amd64"), tags=["second"])
    pins, _ = locked(world, second, first)
    found = {one.image: Pin(one.descriptor) for one in pins.sources}
    frozen = [
        replace(one, entries=tuple(replace(it, pin=found[str(it.reference)]) for it in one.entries))
        for one in (second, first)
    ]
    outcomes = publish(world, *frozen, dry_run=dry_run)
    assert [outcome.errors for outcome in outcomes] == [(), ()]
