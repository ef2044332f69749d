"""Copies from one registry to an empty other one: how long they take, and what they ask for."""

from __future__ import annotations

import shutil
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from benchmarks.cargo import Cargo
from benchmarks.copiers import Command, Copier, CopyJob
from benchmarks.measure import Place, Run
from benchmarks.stocking import Storage
from tests.support.docker_registry import serve_registry
from tests.support.exchange import Exchange
from tests.support.wire import listen_at_the_wire

Runs = Mapping[Copier, Sequence[Run]]

SETTLE = 0.02
"""Seconds without a request after which a round of answers is let go, at the wire."""


@dataclass(frozen=True, slots=True)
class Traffic:
    """What a copy asked of both registries: requests, and how often each blob travelled."""

    requests: int
    downloads: Counter[str]
    uploads: Counter[str]

    @property
    def most_trips(self) -> int:
        """Count how often the blob travelled that travelled most."""
        return max((*self.downloads.values(), *self.uploads.values()), default=0)


def measure_copies(place: Place, cargo: Cargo, copiers: Sequence[Copier], times: int) -> Runs:
    """Let programs copy one cargo in turns; the first round counts for nothing."""
    with _stocked(place, cargo) as source:
        rounds = [
            [_copy(place, cargo, source, copier.command) for copier in copiers]
            for _ in range(times + 1)
        ]
    return dict(zip(copiers, zip(*rounds[1:], strict=True), strict=True))


def measure_once(place: Place, cargo: Cargo, command: Command) -> tuple[Run, Traffic]:
    """Copy once to measure it, after a run that does not count; then listen at the wire."""
    with _stocked(place, cargo) as source:
        _copy(place, cargo, source, command)
        run = _copy(place, cargo, source, command)
        with (
            _emptied(place) as target,
            listen_at_the_wire(f"http://{source}", settle=SETTLE) as there,
            listen_at_the_wire(f"http://{target}", settle=SETTLE) as here,
        ):
            place.run(command(CopyJob(cargo, there.host, here.host, place.folder)))
            traffic = _traffic(there.exchanges, here.exchanges)
    return run, traffic


@contextmanager
def _stocked(place: Place, cargo: Cargo) -> Iterator[str]:
    """Give the host of a registry that has the cargo, until the block ends."""
    home = place.folder / "source"
    cargo.stock(Storage(home / "storage"))
    with serve_registry(home) as registry:
        yield registry.host
    shutil.rmtree(home)


@contextmanager
def _emptied(place: Place) -> Iterator[str]:
    """Give the host of a registry that has nothing, until the block ends."""
    home = place.folder / "target"
    with serve_registry(home) as registry:
        yield registry.host
    shutil.rmtree(home)


def _copy(place: Place, cargo: Cargo, source: str, command: Command) -> Run:
    with _emptied(place) as target:
        return place.run(command(CopyJob(cargo, source, target, place.folder)))


def _traffic(source: Sequence[Exchange], target: Sequence[Exchange]) -> Traffic:
    downloads = Counter(
        one.path.rpartition("/")[2]
        for one in source
        if one.method == "GET" and "/blobs/" in one.path
    )
    uploads = Counter(
        one.request.query["digest"]
        for one in target
        if one.method == "PUT" and "digest" in one.request.query
    )
    return Traffic(len(source) + len(target), downloads, uploads)
