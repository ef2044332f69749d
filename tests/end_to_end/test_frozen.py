"""A lock between two runs, and a registry whose tags move in between."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image
from tests.support.pushing import fetch_manifest, push_image
from tests.support.specs import write_spec
from tests.support.wire import Wire, listen_at_the_wire

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
MOVED = make_image("linux/amd64", seed="moved")


@pytest.fixture
def wire(registry: DockerRegistry) -> Iterator[Wire]:
    """The shared registry, listened to."""
    with listen_at_the_wire(registry.url) as listening:
        yield listening


def test_frozen(registry: DockerRegistry, wire: Wire, repository: str, tmp_path: Path) -> None:
    """What was locked is published, and no tag of a source is asked for."""
    place = f"{wire.host}/{repository}"
    push_image(registry.url, repository, "src-amd64", AMD64)
    push_image(registry.url, repository, "src-arm64", ARM64)
    sources = {"linux/amd64": f"{place}:src-amd64", "linux/arm64": f"{place}:src-arm64"}
    write_spec(tmp_path, place, sources, tags=("1.0",))
    words = ("--plain-http", wire.host, "--no-cache")
    locked = run_mbuild("lock", "--to", "lock.json", *words, cwd=tmp_path)
    assert (locked.code, locked.stdout) == (0, "lock.json: 2 sources pinned\n")

    push_image(registry.url, repository, "src-amd64", MOVED)
    wire.clear()
    pushed = run_mbuild("push", "--frozen", "lock.json", *words, cwd=tmp_path)
    assert (pushed.code, pushed.stderr) == (0, "")
    assert "src-" not in wire.report
    index = fetch_manifest(registry.url, repository, "1.0").json()
    assert [entry["digest"] for entry in index["manifests"]] == [AMD64.digest, ARM64.digest]
