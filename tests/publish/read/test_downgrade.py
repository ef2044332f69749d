"""Floating tags stay where they are, where moving them would be a step back."""

import pytest

from mbuild.errors import Denied, MbuildError, NotFound, TransportError
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.decide.versions import ANNOTATION
from mbuild.publish.outcome import Outcome
from tests.publish.world import APP, MIRROR, World, entry, publish, tags_of, target
from tests.publish.write.tagging import SOURCE, errors, make_world, tags_written
from tests.support.images import make_image, make_index
from tests.support.memory_store import StoreFault

RULES = TagRules(no_downgrade=True)
TAGS = ("1.4.2", "1.4", "1", "latest")


@pytest.fixture
def world() -> World:
    """A repository with a build."""
    return make_world()


def hold(world: World, version: str, *tags: str, name: str = APP) -> None:
    """Let tags hold an index of a version, which is its annotation."""
    index = make_index(make_image("linux/amd64", seed=version), annotations={ANNOTATION: version})
    for tag in tags:
        world[name].put(tag, index)


def hold_plain(world: World, version: str, *tags: str) -> None:
    """Let tags hold an index of a version that does not say which."""
    for tag in tags:
        world[APP].put(tag, make_index(make_image("linux/amd64", seed=version)))


def push(
    world: World,
    *tags: str,
    images: tuple[str, ...] = (APP,),
    version: str = "",
    rules: TagRules = RULES,
    dry_run: bool = False,
) -> tuple[Outcome, ...]:
    """Push the build under some tags, perhaps with a version's annotation."""
    annotations = ((ANNOTATION, version),) if version else ()
    given = target(SOURCE, images=images, tags=tags or TAGS, annotations=annotations)
    return publish(world, given, rules=rules, dry_run=dry_run)


def stays(tag: str, reason: str) -> str:
    """What is said of a tag that stays."""
    return f"{APP}:{tag}: left where it is: {reason} (--no-downgrade)"


@pytest.mark.parametrize("dry_run", [True, False], ids=["planned", "pushed"])
def test_what_it_holds_is_newer(world: World, dry_run: bool) -> None:
    """A tag whose index is of a newer version stays; the others are published, without an error."""
    hold(world, "1.5.0", "1", "latest")
    hold(world, "1.4.1", "1.4")
    (outcome,) = push(world, dry_run=dry_run)
    assert tags_of(outcome) == [
        ("1.4.2", "created"),
        ("1.4", "moved"),
        ("1", "untouched"),
        ("latest", "untouched"),
    ]
    reason = "it holds 1.5.0, newer than 1.4.2"
    assert [tag.reason for tag in outcome.tags] == ["", "", reason, reason]
    assert outcome.warnings == (stays("1", reason), stays("latest", reason))
    assert (outcome.errors, outcome.is_published) == ((), True)
    assert (tags_written(world) == []) is dry_run
    assert world.calls("list_tags") == []


def test_without_the_option(world: World) -> None:
    """Without the option they move, and no tags are listed."""
    hold_plain(world, "1.5.0", "1.5.0", "latest")
    (outcome,) = push(world, "1.4.2", "latest", rules=TagRules())
    assert tags_of(outcome) == [("1.4.2", "created"), ("latest", "moved")]
    assert world.calls("list_tags") == []


def test_what_it_holds_is_of_another_line(world: World) -> None:
    """A tag that holds a version it cannot stand for is judged by the repository's tags."""
    hold(world, "2.0.0", "1", "1.4")
    hold_plain(world, "1.5.0", "1.5.0")
    (outcome,) = push(world, "1.4.2", "1.4", "1")
    assert tags_of(outcome) == [("1.4.2", "created"), ("1.4", "moved"), ("1", "untouched")]


def test_newer_tags(world: World) -> None:
    """Where an index does not say its version, the repository's tags do; they are listed once."""
    hold_plain(world, "2.0.0", "2.0.0", "latest")
    hold_plain(world, "1.5.0", "1.5.0", "1")
    hold_plain(world, "1.4.1", "1.4.1", "1.4")
    (outcome,) = push(world)
    assert tags_of(outcome) == [
        ("1.4.2", "created"),
        ("1.4", "moved"),
        ("1", "untouched"),
        ("latest", "untouched"),
    ]
    assert outcome.warnings == (
        stays("1", "1.5.0 is published, newer than 1.4.2"),
        stays("latest", "2.0.0 is published, newer than 1.4.2"),
    )
    assert world.calls("list_tags") == ["list_tags app all"]


def test_a_newer_version_moves_them(world: World) -> None:
    """A newer version moves all of them."""
    hold(world, "1.4.1", "1.4", "1", "latest")
    (outcome,) = push(world)
    assert [action for _, action in tags_of(outcome)] == ["created", "moved", "moved", "moved"]
    assert outcome.warnings == ()


def test_version_of_the_annotation(world: World) -> None:
    """Without a full version among the tags, the index's annotation says what is published."""
    hold(world, "1.5.0", "latest")
    (outcome,) = push(world, "stable", "latest", version="1.4.2")
    assert tags_of(outcome) == [("stable", "created"), ("latest", "untouched")]


def test_no_version(world: World) -> None:
    """Without either the tag moves, and that nothing was compared is told."""
    hold(world, "1.5.0", "latest")
    (outcome,) = push(world, "latest")
    assert tags_of(outcome) == [("latest", "moved")]
    assert outcome.warnings == (
        (
            f"{APP}:latest: --no-downgrade knows no version to compare: no tag of the target is a full "
            "one, and the index has no annotation org.opencontainers.image.version"
        ),
    )


def test_all_tags_stay(world: World) -> None:
    """Where every tag stays, nothing is written at all, and nothing called published."""
    hold(world, "1.5.0", "latest")
    (outcome,) = push(world, "latest", version="1.4.2")
    assert tags_of(outcome) == [("latest", "untouched")]
    assert (outcome.errors, outcome.is_published, outcome.is_held_back) == ((), False, True)
    assert world.writes == []


def test_other_tags_do_not_float(world: World) -> None:
    """A full version, a word, or a tag that is new is not held back."""
    hold(world, "9.0.0", "1.4.2", "main")
    (outcome,) = push(world, "1.4.2", "main", "latest")
    assert tags_of(outcome) == [("1.4.2", "moved"), ("main", "moved"), ("latest", "created")]


def test_each_repository(world: World) -> None:
    """Each repository is judged by what its own tags hold."""
    hold(world, "1.5.0", "latest")
    hold(world, "1.3.0", "latest", name=MIRROR)
    first, second = push(world, "1.4.2", "latest", images=(APP, MIRROR))
    assert dict(tags_of(first))["latest"] == "untouched"
    assert dict(tags_of(second))["latest"] == "moved"


def test_a_target_made_of_it(world: World) -> None:
    """A target made of a tag that stays takes what the tag holds, not what was not put there."""
    hold(world, "1.5.0", "latest")
    held = world[APP].tags["latest"]
    first = target(SOURCE, tags=("1.4.2", "latest"))
    second = target(entry(f"{APP}:latest"), images=(MIRROR,))
    publish(world, first, second, rules=RULES)
    assert world[MIRROR].tags["1.0"] == held


@pytest.mark.parametrize("error", [NotFound("gone"), Denied("denied")])
def test_index_that_cannot_be_read(world: World, error: MbuildError) -> None:
    """Where the index cannot be read, the repository's tags are asked instead."""
    hold(world, "1.3.0", "1.4.2")
    hold_plain(world, "1.5.0", "1.5.0", "latest")
    fault = StoreFault("fetch_manifest", world[APP].tags["latest"], error=error)
    world[APP].faults.append(fault)
    (outcome,) = push(world, "1.4.2", "latest")
    assert dict(tags_of(outcome))["latest"] == "untouched"


def test_index_that_is_not_understood(world: World) -> None:
    """So where it is nothing that can be understood."""
    hold(world, "1.3.0", "1.4.2")
    world[APP].put_bytes("latest", b"not JSON", "application/vnd.oci.image.index.v1+json")
    hold_plain(world, "1.5.0", "1.5.0")
    (outcome,) = push(world, "1.4.2", "latest")
    assert dict(tags_of(outcome))["latest"] == "untouched"


def test_tags_cannot_be_listed(world: World) -> None:
    """Where the tags have to be listed and cannot be, nothing is written."""
    hold_plain(world, "1.5.0", "latest")
    world[APP].faults.append(StoreFault("list_tags", error=TransportError("no answer", where="W")))
    (outcome,) = push(world, "1.4.2", "latest")
    assert errors(outcome) == ["W: no answer"]
    assert world.writes == []
