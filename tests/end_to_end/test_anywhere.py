"""One spec whose images come from everywhere, published to several registries in one run."""

import json
import subprocess
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign
from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry, find_program
from tests.support.fixtures import StartRegistry
from tests.support.images import make_image, write_layout
from tests.support.pushing import fetch_manifest, push_image
from tests.support.wire import Wire, listen_at_the_wire

NEAR = make_image("linux/amd64", layers=3, size=40_000)
FAR = make_image("linux/arm64", layers=3, size=50_000)
PACKED = make_image("linux/arm/v7", layers=2, size=60_000)
SAVED = make_image("windows/amd64:10.0.20348.2227", layers=2, size=70_000)
SPEC = """
image: [{first}/prod/app:1.4, {second}/mirror/app:1.4]
tags: [latest]
platforms:
  linux/amd64: {near}/team/app:amd64
  linux/arm64: {far}/staging/app:arm64
  linux/arm/v7: oci-archive:packed.tar:1.4
  windows/amd64: docker-archive:saved.tar
"""


@pytest.fixture
def registries(start_registry: StartRegistry) -> tuple[DockerRegistry, ...]:
    """Four real registries: two that hold images, two that get the index."""
    return tuple(start_registry() for _ in range(4))


@pytest.fixture
def wires(registries: tuple[DockerRegistry, ...]) -> Iterator[tuple[Wire, ...]]:
    """The two registries that are read from, listened to."""
    with ExitStack() as stack:
        yield tuple(
            stack.enter_context(listen_at_the_wire(registry.url, settle=0.02))
            for registry in registries[:2]
        )


@pytest.fixture
def folder(registries: tuple[DockerRegistry, ...], wires: tuple[Wire, ...], tmp_path: Path) -> Path:
    """A folder with two archives by skopeo, and the spec that names them and two registries."""
    near, far, first, second = registries
    push_image(near.url, "team/app", "amd64", NEAR)
    push_image(far.url, "staging/app", "arm64", FAR)
    layouts = {"packed": PACKED, "saved": SAVED}
    for name, image in layouts.items():
        write_layout(tmp_path / name, {"1.4": image})
    copy(f"oci:{tmp_path}/packed:1.4", f"oci-archive:{tmp_path}/packed.tar:1.4")
    copy(f"oci:{tmp_path}/saved:1.4", f"docker-archive:{tmp_path}/saved.tar:app:1.4")
    (tmp_path / "manifests.yaml").write_text(
        SPEC.format(first=first.host, second=second.host, near=wires[0].host, far=wires[1].host)
    )
    return tmp_path


def copy(source: str, target: str) -> None:
    """Have skopeo copy one image."""
    words = [find_program("skopeo"), "copy", "--quiet", source, target]
    subprocess.run(words, check=True, timeout=60)


def targets_of(result: Result) -> list[dict[str, Any]]:
    """The targets of a push that went well."""
    assert (result.code, result.stderr) == (0, "")
    return list(json.loads(result.stdout)["targets"])


def test_four_sources_two_registries(
    registries: tuple[DockerRegistry, ...], wires: tuple[Wire, ...], folder: Path
) -> None:
    """Both get the same index, whole; every source is read once, though two places want it."""
    targets = targets_of(run_mbuild("push", "--output", "json", cwd=folder))
    assert [target["verified"] for target in targets] == [True, True]
    (digest,) = {target["digest"] for target in targets}
    for registry, name in zip(registries[2:], ("prod/app", "mirror/app"), strict=True):
        for tag in ("1.4", "latest"):
            answer = fetch_manifest(registry.url, name, tag)
            assert answer.headers["docker-content-digest"] == digest
        foreign.skopeo_copy_all(
            registry, f"{name}:1.4", folder / name.replace("/", "-"), converts=True
        )
    for wire in wires:
        read = Counter(it.path for it in wire.exchanges if it.method == "GET" and it.path != "/v2/")
        assert max(read.values()) == 1, wire.report
        assert sum("/blobs/" in path for path in read) == 4, wire.report
