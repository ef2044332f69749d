"""Whole pushes through registries that spoil a share of all requests, and what is left of them."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from random import Random

import httpx

from mbuild.errors import MbuildError, worst_exit_code
from mbuild.publish.outcome import Outcome
from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.spec.parse import SpecText, parse_spec
from mbuild.store.stores import Stores
from tests.support.fake_edges import FakeTransport, plain_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import Index, make_image, make_index
from tests.support.intact import dangling_tags, tagged_digests
from tests.support.spoiler import Spoiler
from tests.support.virtual_time import now, run_virtually

HERE, THERE = "registry.test", "other.test"
SPEC = f"""\
images:
  - image: {HERE}/team/app
    tags: ["1.4.2", "1.4", latest]
    platforms:
      linux/amd64: {HERE}/team/builds:amd64
      linux/arm64: {HERE}/team/builds:arm64
      linux/s390x: {THERE}/ports/app:s390x
  - image: {HERE}/team/web
    tags: ["2.0", latest]
    platforms:
      linux/amd64: {HERE}/team/web:build-amd64
      linux/arm64: {HERE}/team/web:build-arm64
  - image: [{HERE}/team/tool, {THERE}/mirror/tool]
    tags: ["3", latest]
    sources:
      - {THERE}/ports/tool:all
"""
AMD64, ARM64, S390X = (
    make_image(f"linux/{name}", layers=2) for name in ("amd64", "arm64", "s390x")
)
WEB = tuple(make_image(f"linux/{name}", seed="web") for name in ("amd64", "arm64"))
TOOL = make_index(*(make_image(f"linux/{name}", seed="tool") for name in ("amd64", "arm64")))
OLD = make_index(make_image("linux/amd64", seed="old"))

Tags = Mapping[str, str]
"""Digests by tag."""


def _published(index: Index, *tags: str) -> Tags:
    return dict.fromkeys(tags, index.digest)


EXPECTED: Mapping[tuple[str, str], Tags] = {
    (HERE, "team/app"): _published(make_index(AMD64, ARM64, S390X), "1.4.2", "1.4", "latest"),
    (HERE, "team/web"): _published(make_index(*WEB), "2.0", "latest"),
    (HERE, "team/tool"): _published(TOOL, "3", "latest"),
    (THERE, "mirror/tool"): _published(TOOL, "3", "latest"),
}
"""What each repository of the spec holds at its tags when all is done."""


@dataclass(frozen=True, slots=True)
class FaultRun:
    """How one run ended: its code, what it sent and waited, and what is wrong afterwards."""

    exit_code: int
    errors: tuple[MbuildError, ...]
    requests: int
    retries: int
    seconds: float
    spoilt: Mapping[str, int]
    wrong: tuple[str, ...]


@dataclass
class Network:
    """Two registries with what the spec needs, and tags that will move; both are spoilt alike.

    Registries that are `trusting` take a list whose children they lack.
    """

    seed: int
    share: float
    trusting: bool = False
    fakes: dict[str, FakeRegistry] = field(init=False)
    spoilers: dict[str, Spoiler] = field(init=False)

    def __post_init__(self) -> None:
        self.spoilers = {
            host: Spoiler(2 * self.seed + number, self.share)
            for number, host in enumerate((HERE, THERE))
        }
        self.fakes = {
            host: FakeRegistry(Fault("*", "", spoiler)) for host, spoiler in self.spoilers.items()
        }
        for fake in self.fakes.values():
            fake.trusting = self.trusting
        self._stock()

    def _stock(self) -> None:
        here, there = self.fakes[HERE], self.fakes[THERE]
        here.put("team/builds", "amd64", AMD64)
        here.put("team/builds", "arm64", ARM64)
        there.put("ports/app", "s390x", S390X)
        for image in WEB:
            here.put("team/web", f"build-{image.platform['architecture']}", image)
        there.put("ports/tool", "all", TOOL)
        for host, repository in EXPECTED:
            self.fakes[host].put(repository, "latest", OLD)

    def spoilt(self) -> Counter[str]:
        """Count what was spoilt at both, by kind."""
        return sum((spoiler.spoilt for spoiler in self.spoilers.values()), Counter())

    def wrong(self, exit_code: int) -> Iterator[str]:
        """Name what no run may leave behind, asking the registries directly.

        No tag may dangle, or hold what it never should; where the run said that all was
        well, every tag has to hold what it was to be moved to.
        """
        for host, fake in self.fakes.items():
            with plain_fake(fake) as client:
                for repository in fake.repositories:
                    yield from dangling_tags(client, repository)
                    yield from _misplaced(client, host, repository, is_done=exit_code == 0)


def _misplaced(client: httpx.Client, host: str, repository: str, *, is_done: bool) -> Iterator[str]:
    wanted = EXPECTED.get((host, repository), {})
    held = tagged_digests(client, repository)
    for tag, digest in wanted.items():
        allowed = {digest} if is_done else {digest, OLD.digest if tag == "latest" else None}
        if held.get(tag, None if not is_done else "nothing") not in allowed:
            yield f"{host}/{repository}:{tag} holds {held.get(tag)}"


def run_through_faults(
    seed: int, share: float, *, attempts: int = Settings().attempts, trusting: bool = False
) -> FaultRun:
    """Publish the spec while a share of all requests is spoilt, and look what is left."""
    network = Network(seed, share, trusting=trusting)
    settings = Settings(attempts=attempts)
    return run_virtually(lambda: _run(network, settings))


async def _run(network: Network, settings: Settings) -> FaultRun:
    transport = FakeTransport(network.fakes)
    async with Registries(
        settings,
        clock=now,
        random=Random(network.seed).random,
        make_transport=lambda _host: transport,
    ) as registries:
        outcomes = await _publish(Stores(registries))
        errors = tuple(error for outcome in outcomes for error in outcome.errors)
        code = worst_exit_code(errors)
        return FaultRun(
            code,
            errors,
            registries.requests,
            registries.retries,
            now(),
            network.spoilt(),
            tuple(network.wrong(code)),
        )


async def _publish(stores: Stores) -> tuple[Outcome, ...]:
    spec = parse_spec([SpecText("manifests.yaml", SPEC.encode(), "")], variables={})
    library = Library()
    try:
        return await Publisher(stores=stores, library=library).publish(spec)
    finally:
        await library.close()
