"""How long a whole catalogue takes, 20 ms away: published by force, and with nothing to do."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import PROGRAM, Place, Run
from benchmarks.stocking import Storage
from tests.support.distance import far_away
from tests.support.docker_registry import serve_registry
from tests.support.images import make_image

ROUND_TRIP = 0.02
"""Seconds to the registry and back."""

PLATFORMS = ("linux/amd64", "linux/arm/v7", "linux/arm64", "linux/s390x")
TAGS = (("1.4.2", "1.4", "1", "latest"), ("1.4.2", "1.4", "1", "latest", "bookworm"))
"""What a target's tags are, in turns: four and a half on average."""


@dataclass(frozen=True, slots=True)
class Catalogue:
    """So many targets, a repository each, and what they ask for."""

    targets: int

    @property
    def tags(self) -> int:
        """Count the tags of all targets."""
        return sum(len(_tags_of(number)) for number in range(self.targets))

    @property
    def sources(self) -> int:
        """Count the images of all targets, each given by a tag of its own."""
        return self.targets * len(PLATFORMS)

    def stock(self, storage: Storage) -> None:
        """Put all sources into a registry."""
        for number in range(self.targets):
            for platform in PLATFORMS:
                image = make_image(platform, seed=number)
                storage.put(_repository(number), _build_of(platform), image)

    def spec(self, host: str) -> str:
        """Write the spec of all targets."""
        return "images:\n" + "".join(_entry(host, number) for number in range(self.targets))


def _repository(number: int) -> str:
    return f"library/app-{number:04}"


def _tags_of(number: int) -> tuple[str, ...]:
    return TAGS[number % len(TAGS)]


def _build_of(platform: str) -> str:
    return f"build-{platform.replace('/', '-')}"


def _entry(host: str, number: int) -> str:
    name = f"{host}/{_repository(number)}"
    tags = ", ".join(f'"{tag}"' for tag in _tags_of(number))
    platforms = "".join(
        f"      {platform}: {name}:{_build_of(platform)}\n" for platform in PLATFORMS
    )
    return f"  - image: {name}\n    tags: [{tags}]\n    platforms:\n{platforms}"


@dataclass(frozen=True, slots=True)
class Measured:
    """The runs of one catalogue: every tag written; nothing to do; the same with an empty cache."""

    catalogue: Catalogue
    forced: Run
    again: Run
    cold: Run


def measure_catalogue(place: Place, targets: int) -> Measured:
    """Publish a catalogue from a registry of its own, three times."""
    catalogue = Catalogue(targets)
    folder = place.folder / f"catalogue-{targets}"
    warm, cold = (_with_cache(place, folder, name) for name in ("warm", "cold"))
    catalogue.stock(Storage(folder / "storage"))
    with (
        serve_registry(folder / "registry", storage=folder / "storage") as registry,
        far_away(registry.host, ROUND_TRIP) as host,
    ):
        (folder / "catalogue.yaml").write_text(catalogue.spec(host))
        push = (*PROGRAM, "push", "catalogue.yaml", "--output", "json", "--plain-http", host)
        measured = Measured(catalogue, warm.run(push), warm.run(push), cold.run(push))
    shutil.rmtree(folder)
    return measured


def _with_cache(place: Place, folder: Path, name: str) -> Place:
    return Place(folder, {**place.variables, "XDG_CACHE_HOME": str(folder / name)})
