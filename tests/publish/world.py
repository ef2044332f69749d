"""A world for the tests of the flow: repositories in memory, and specs as values."""

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from mbuild.errors import MbuildError, flatten
from mbuild.oci.platform import parse_platform
from mbuild.oci.reference import AnyReference, LayoutReference, parse_any_reference
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.publish.read.present import Presence
from mbuild.publish.read.reading import Reading
from mbuild.publish.read.resolve import resolve_target
from mbuild.publish.read.source import Resolved, Source
from mbuild.publish.together import both, raise_any
from mbuild.spec.spec import Destination, Entry, Position, Spec, Target
from mbuild.store.layout import LayoutStore
from mbuild.store.store import Store
from mbuild.store.stores import Stores
from tests.support.images import DOCKER_LIST, OCI_INDEX, Image, Index, digest_of
from tests.support.memory_store import MemoryStore

T = TypeVar("T")

APP = "registry.test/team/app"
BUILDS = "registry.test/team/builds"
MIRROR = "mirror.test/app"
FRESH = "registry.test/team/fresh"
RULES = TagRules()


class World(Stores):
    """The stores of one run, each made in memory when it is first asked for; one log for all."""

    def __init__(self) -> None:
        self.log: list[str] = []
        self.targets: list[str] = []
        self._layouts: dict[str, Store] = {}
        self._memory: dict[str, MemoryStore] = {}
        self._neighbours: dict[str, MemoryStore] = {}

    def __getitem__(self, name: str) -> MemoryStore:
        """The repository of that name."""
        if name not in self._memory:
            store = MemoryStore(name, log=self.log, neighbours=self._neighbours)
            self._memory[name] = self._neighbours[store.path] = store
        return self._memory[name]

    def open(self, reference: AnyReference) -> Store:
        """Open a layout on the disk, anything else in memory."""
        if isinstance(reference, LayoutReference):
            made = LayoutStore(reference.directory)
            return self._layouts.setdefault(os.path.realpath(reference.directory), made)
        return self[reference.repository]

    def open_target(self, reference: AnyReference) -> Store:
        """Open a repository, and write down that it was opened to be written to."""
        self.targets.append(reference.repository)
        return self.open(reference)

    def forget(self) -> None:
        """Begin another run: what a store was seen to hold before counts no more."""
        for store in self._memory.values():
            store.forget()

    def calls(self, *names: str) -> list[str]:
        """The log's lines of some calls, all hosts and folders cut off, in order."""
        return [
            line.replace("registry.test/team/", "")
            for line in self.log
            if not names or line.split()[0] in names
        ]

    @property
    def writes(self) -> list[str]:
        """All that changed something, in order: `upload_blob app sha256:…`."""
        return self.calls("upload_blob", "mount_blob", "put_manifest", "put_tagged", "delete_tag")


def entry(text: str, platform: str = "", *, line: int = 3, **more: Any) -> Entry:
    """An entry of a spec, at `spec.yaml:LINE:5`."""
    said = parse_platform(platform) if platform else None
    return Entry(parse_any_reference(text), Position("spec.yaml", line, 5), said, **more)


def target(
    *entries: Entry,
    images: Sequence[str] = (APP,),
    tags: Sequence[str] = ("1.0",),
    require: Sequence[str] = (),
    **more: Any,
) -> Target:
    """A target at `spec.yaml:1:1`; the same tags in each of its repositories."""
    destinations = tuple(Destination(parse_any_reference(name), tuple(tags)) for name in images)
    required = tuple(map(parse_platform, require))
    return Target(destinations, entries, Position("spec.yaml", 1, 1), require=required, **more)


def run(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run something to its end."""
    return asyncio.run(work())


def resolve(world: World, *entries: Entry, attestations: Any = "keep") -> Resolved:
    """Resolve entries against the world."""

    async def work() -> Resolved:
        library = Library()
        try:
            wanted = target(*entries, images=[FRESH], attestations=attestations)
            presence = Presence(wanted, (world[FRESH],), library)
            (resolved, errors), _ = await both(
                resolve_target(wanted, world, Reading(library, presence)), presence.read()
            )
            raise_any(errors)
            return resolved
        finally:
            await library.close()

    return run(work)


def sources_of(world: World, *entries: Entry, attestations: Any = "keep") -> tuple[Source, ...]:
    """Resolve entries, all of which exist."""
    resolved = resolve(world, *entries, attestations=attestations)
    return tuple(source for source in resolved if isinstance(source, Source))


def errors_of(work: Callable[[], object]) -> list[tuple[str, int, str]]:
    """Class, exit code and whole message of each error that is raised."""
    with pytest.raises(MbuildError) as raised:
        work()
    return [shown(error) for error in flatten([raised.value])]


def shown(error: MbuildError) -> tuple[str, int, str]:
    """Class, exit code and whole message of an error."""
    return type(error).__name__, error.exit_code, str(error)


async def no_sleep(seconds: float) -> None:
    """Let no time pass."""


def publish(
    world: World,
    *targets: Target,
    dry_run: bool = False,
    rules: TagRules = RULES,
    sleep: Callable[[float], Awaitable[None]] = no_sleep,
) -> tuple[Outcome, ...]:
    """Take targets through the whole flow."""
    return run(lambda: publishing(world, *targets, dry_run=dry_run, rules=rules, sleep=sleep))


async def publishing(
    world: World,
    *targets: Target,
    dry_run: bool = False,
    rules: TagRules = RULES,
    sleep: Callable[[float], Awaitable[None]] = no_sleep,
) -> tuple[Outcome, ...]:
    """Take targets through the whole flow, inside a loop that already runs: one run."""
    world.forget()
    library = Library()
    try:
        publisher = Publisher(
            stores=world, library=library, dry_run=dry_run, rules=rules, sleep=sleep
        )
        return await publisher.publish(Spec(targets))
    finally:
        await library.close()


def tags_of(outcome: Outcome) -> list[tuple[str, str]]:
    """Each tag with what became of it."""
    return [(tag.tag, tag.action) for tag in outcome.tags]


def changes_of(outcome: Outcome) -> list[tuple[str, str]]:
    """Each platform with how it differs from before."""
    return [(platform.platform, platform.change) for platform in outcome.platforms]


def remade(image: Image, **changes: Any) -> Image:
    """The same image with other keys in its manifest; None takes a key away."""
    manifest = {**json.loads(image.manifest), **changes}
    kept = {key: value for key, value in manifest.items() if value is not None}
    media_type = changes.get("mediaType") or image.media_type
    return replace(image, manifest=json.dumps(kept).encode(), media_type=media_type)


def with_config(image: Image, config: bytes) -> Image:
    """The same image with another config."""
    descriptor = json.loads(image.manifest)["config"]
    named = {**descriptor, "digest": digest_of(config), "size": len(config)}
    return replace(remade(image, config=named), config=config)


def index_of(*children: tuple[Image, dict[str, Any]], docker: bool = False) -> Index:
    """An index whose entries say what they are told to, beside the child's descriptor."""
    entries = [
        {key: value for key, value in {**child.descriptor(), **says}.items() if value is not None}
        for child, says in children
    ]
    media_type = DOCKER_LIST if docker else OCI_INDEX
    value = {"schemaVersion": 2, "mediaType": media_type, "manifests": entries}
    images = tuple(child for child, _ in children)
    return Index(json.dumps(value, indent=2).encode(), media_type, images)
