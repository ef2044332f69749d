"""Real pushes to a real registry, killed at some moment and run again, and what they leave."""

import random
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.support.artifacts import fallback_tag, list_referrers, make_referrer
from tests.support.cli import environment, mbuild_command
from tests.support.distance import far_away
from tests.support.docker_registry import DockerRegistry, serve_registry
from tests.support.images import make_image, make_index
from tests.support.intact import (
    dangling_in_layout,
    dangling_tags,
    tagged_digests,
    tags_in_layout,
)
from tests.support.pushing import push_image

ROUND_TRIP = 0.02
SIGNALS = (signal.SIGKILL, signal.SIGINT)
LATEST = 1.05
"""Until when a run is killed, in parts of the requests that it would have sent."""

ANSWERED = b"response completed"
"""What the registry writes down for each request."""

WITH_LAYOUT = 3
"""Every so many runs there is a layout among the targets."""

PATIENCE = 60.0
LOOK_SECONDS = 0.002
BUILDS = "team/builds"
ARCHITECTURES = ("amd64", "arm64", "s390x")
APP, WEB = (
    tuple(make_image(f"linux/{name}", layers=2, seed=seed) for name in ARCHITECTURES)
    for seed in ("app", "web")
)
OLD = make_index(make_image("linux/amd64", seed="old"))
TAGS = {"app": ("1.4.2", "1.4", "1", "latest"), "web": ("2.0", "latest"), "layout": ("1.4.2",)}
SBOM = make_referrer(WEB[0])
NEW = {"app": make_index(*APP), "web": make_index(*WEB), "layout": make_index(*APP)}


@dataclass(frozen=True, slots=True)
class KillRun:
    """How one run ended, how many of its tags stood then, and what was wrong.

    `code` is the exit code, negative for a signal; `again` that of the same command, run again.
    """

    by: signal.Signals
    code: int
    tags: int
    moved: int
    again: int
    wrong: tuple[str, ...]

    @property
    def moment(self) -> str:
        """Say when it was killed, by its tags."""
        if self.code == 0:
            return "finished"
        return (
            "before tags" if not self.moved else "all tags" if self.moved == self.tags else "amid"
        )


@dataclass(frozen=True, slots=True)
class Ground:
    """Where runs are killed: a registry, its far address, and a folder with a cache for all."""

    registry: DockerRegistry
    far: str
    folder: Path

    def requests(self, number: int) -> int:
        """Count the requests of a run that nobody kills."""
        self._prepare(number)
        begin = self.registry.log.stat().st_size
        with self._started(number) as process:
            assert process.wait(PATIENCE) == 0
        return self._answered(begin)

    def kill(self, number: int, *, after: float, by: signal.Signals) -> KillRun:
        """Kill a run after so many answers, look, run it again, and look again."""
        self._prepare(number)
        begin = self.registry.log.stat().st_size
        with self._started(number) as process:
            while process.poll() is None and self._answered(begin) < after:
                time.sleep(LOOK_SECONDS)
            process.send_signal(by)
            code = process.wait(PATIENCE)
        moved = sum(digest == new for digest, new in self._tags(number))
        wrong = [*self._wrong(number), *self._unfit(number, code, by)]
        with self._started(number) as process:
            again = process.wait(PATIENCE)
        wrong += [*self._wrong(number), *self._unmoved(number, again)]
        return KillRun(by, code, len([*self._tags(number)]), moved, again, tuple(wrong))

    def _answered(self, begin: int) -> int:
        """Count the requests that were answered since the registry's log had this size."""
        with self.registry.log.open("rb") as log:
            log.seek(begin)
            return log.read().count(ANSWERED)

    def _prepare(self, number: int) -> None:
        for name in ("app", "web"):
            push_image(self.registry.url, f"run-{number}/{name}", "latest", OLD)
        path = self.folder / f"run-{number}"
        path.mkdir()
        (path / "manifests.yaml").write_text("images:\n" + "".join(self._targets(number)))

    def _targets(self, number: int) -> Iterator[str]:
        for name in self._names(number):
            image = "oci:layout" if name == "layout" else f"{self.far}/run-{number}/{name}"
            tags = ", ".join(f'"{tag}"' for tag in TAGS[name])
            kind = "web" if name == "web" else "app"
            referrers = "copy" if kind == "web" else "leave"
            yield f"  - image: {image}\n    tags: [{tags}]\n    referrers: {referrers}\n"
            yield "    platforms:\n"
            for architecture in ARCHITECTURES:
                source = f"{self.far}/{BUILDS}:{kind}-{architecture}"
                yield f"      linux/{architecture}: {source}\n"

    def _names(self, number: int) -> tuple[str, ...]:
        return ("app", "web", "layout") if number % WITH_LAYOUT == 1 else ("app", "web")

    @contextmanager
    def _started(self, number: int) -> Iterator[subprocess.Popen[bytes]]:
        path = self.folder / f"run-{number}"
        variables = {"XDG_CACHE_HOME": str(self.folder / "cache")}
        with (
            (path / "stderr").open("wb") as stderr,
            subprocess.Popen(
                mbuild_command("push", "--plain-http", self.far),
                cwd=path,
                env=environment(variables),
                stdout=subprocess.DEVNULL,
                stderr=stderr,
            ) as process,
        ):
            yield process

    def _tags(self, number: int) -> Iterator[tuple[str, str]]:
        """Give what each tag of a run holds, empty for nothing, and what it is to hold."""
        for name in self._names(number):
            held = self._held(number, name)
            for tag in TAGS[name]:
                yield held.get(tag, ""), NEW[name].digest

    def _held(self, number: int, name: str) -> dict[str, str]:
        if name == "layout":
            return tags_in_layout(self.folder / f"run-{number}" / "layout")
        with self._client() as client:
            return tagged_digests(client, f"run-{number}/{name}")

    def _wrong(self, number: int) -> Iterator[str]:
        """Name what no run may leave behind: tags that dangle, or hold what they never should."""
        with self._client() as client:
            for name in ("app", "web"):
                yield from dangling_tags(client, f"run-{number}/{name}")
        yield from dangling_in_layout(self.folder / f"run-{number}" / "layout")
        for digest, new in self._tags(number):
            if digest not in ("", OLD.digest, new):
                yield f"run {number}: a tag holds {digest}"
        held = self._held(number, "web")
        if NEW["web"].digest in held.values() and fallback_tag(WEB[0]) not in held:
            yield f"run {number}: a tag has moved, and what belongs to its images is not there"

    def _unfit(self, number: int, code: int, by: signal.Signals) -> Iterator[str]:
        """Name an end that no signal explains, and what a person is not to see."""
        told = (self.folder / f"run-{number}" / "stderr").read_text()
        # Outside of the work Python lets SIGINT end the process: a shell makes 130 of that too.
        expected = (-signal.SIGKILL,) if by == signal.SIGKILL else (130, -signal.SIGINT)
        if code not in (0, *expected):
            yield f"run {number}: exit code {code} after {by.name}: {told}"
        if "Traceback" in told:
            yield f"run {number}: {told}"

    def _unmoved(self, number: int, again: int) -> Iterator[str]:
        if again or any(digest != new for digest, new in self._tags(number)):
            told = (self.folder / f"run-{number}" / "stderr").read_text()
            yield f"run {number}: exit code {again} when run again: {told}"

    def _client(self) -> httpx.Client:
        return httpx.Client(base_url=self.registry.url, trust_env=False, timeout=PATIENCE)


@contextmanager
def killing_ground(folder: Path) -> Iterator[Ground]:
    """Run a registry far away that holds the sources, until the block ends."""
    with (
        serve_registry(folder / "registry") as registry,
        far_away(registry.host, ROUND_TRIP) as far,
    ):
        for kind, images in (("app", APP), ("web", WEB)):
            for name, image in zip(ARCHITECTURES, images, strict=True):
                push_image(registry.url, BUILDS, f"{kind}-{name}", image)
        push_image(registry.url, BUILDS, "", SBOM)
        push_image(registry.url, BUILDS, fallback_tag(WEB[0]), list_referrers(SBOM))
        yield Ground(registry, far, folder)


def kill_many(folder: Path, runs: int, *, seed: int = 0) -> Iterator[KillRun]:
    """Kill so many runs, each at a moment of its own, the signals in turns."""
    chance = random.Random(seed)
    with killing_ground(folder) as ground:
        # The first one fills the cache, the others tell how long runs are with and without layout.
        others = range(runs + 1, runs + 2 + WITH_LAYOUT)
        requests = {number % WITH_LAYOUT: ground.requests(number) for number in others}
        for number in range(1, runs + 1):
            after = requests[number % WITH_LAYOUT] * chance.uniform(0, LATEST)
            yield ground.kill(number, after=after, by=SIGNALS[number % len(SIGNALS)])
