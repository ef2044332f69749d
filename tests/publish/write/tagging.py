"""Pushes of one build under some tags, for the tests of tags."""

from collections.abc import Callable

from mbuild.errors import MbuildError, RegistryError
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from tests.publish.world import APP, BUILDS, World, entry, publish, target
from tests.support.images import make_image, make_index
from tests.support.memory_store import StoreFault

AMD64 = make_image("linux/amd64")
SOURCE = entry(f"{BUILDS}:amd64", "linux/amd64")
OLD = make_index(make_image("linux/amd64", seed="old"))
OTHER = make_index(make_image("linux/amd64", seed="other"))
FORCE = TagRules(force=True)


def make_world() -> World:
    """A repository with a build."""
    world = World()
    world[BUILDS].put("amd64", AMD64)
    return world


def push(
    world: World,
    *,
    images: tuple[str, ...] = (APP,),
    tags: tuple[str, ...] = ("1.0", "latest"),
    rules: TagRules = FORCE,
) -> tuple[Outcome, ...]:
    """Push the build under some tags."""
    return publish(world, target(SOURCE, images=images, tags=tags), rules=rules)


def digest(world: World) -> str:
    """The digest that the index is going to have."""
    (outcome,) = publish(world, target(SOURCE), dry_run=True)
    assert outcome.index
    world.log.clear()
    return str(outcome.index.digest)


def errors(outcome: Outcome) -> list[str]:
    """What is told as an error."""
    return [str(error) for error in outcome.errors]


def meanwhile(world: World, act: Callable[[], object], *, name: str = APP) -> None:
    """Let somebody else act when the index goes up by its digest: after the plan was made."""
    world[name].faults.append(StoreFault("put_manifest", digest(world), act=act, times=1))


def tags_written(world: World) -> list[str]:
    """The tags that were put, in order, with their repository."""
    puts = world.calls("put_manifest", "put_tagged")
    return [line.partition(" ")[2] for line in puts if "sha256:" not in line]


def refuse(world: World, name: str, tag: str, error: MbuildError | None = None) -> None:
    """Let a repository refuse a tag."""
    refused = error or RegistryError("the tag was refused", where=f"{name}:{tag}")
    refused.refusal = refused.refusal or (0 if error else 400)
    world[name].faults.append(StoreFault("put_manifest", tag, error=refused))


def hold(world: World, name: str, *tags: str) -> None:
    """Let tags hold the old index."""
    for tag in tags:
        world[name].put(tag, OLD)


def refuse_by_digest(world: World, name: str, status: int) -> None:
    """Let a repository refuse the index where it is put by its digest."""
    error = RegistryError(f"answered {status}", where=f"{name}@digest")
    error.refusal = status
    world[name].faults.append(StoreFault("put_manifest", digest(world), error=error))
