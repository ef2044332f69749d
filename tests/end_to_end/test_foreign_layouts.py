"""Layouts by the tools themselves, published to a real registry and pulled back blob for blob."""

import json
from pathlib import Path

import pytest

from tests.support import foreign, layout_tools
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.layout_tools import AMD64, ARM64, INDEX, OTHER, Build, Make, below, digest_at
from tests.support.pushing import push_image
from tests.support.specs import write_spec

LONG = "registry.test:5000/team/app"


@pytest.fixture
def build(registry: DockerRegistry, repository: str, tmp_path: Path) -> Build:
    """What the layouts are made from."""
    push_image(registry.url, f"{repository}/builds", "index", INDEX)
    push_image(registry.url, f"{repository}/builds", "amd64", AMD64)
    return Build(registry, f"{repository}/builds", tmp_path)


def pulled(build: Build, tag: str) -> tuple[str, set[str]]:
    """What skopeo pulls back of a tag: its digest, and those of all below it."""
    layout = build.folder / f"pulled-{tag}"
    foreign.skopeo_copy_all(build.registry, f"{build.repository}:{tag}", layout)
    digest = digest_at(layout, "copied")
    return digest, below(layout, digest)


def made(build: Build, make: Make) -> Path:
    """The layout that a tool makes."""
    make(build, build.folder / make.__name__)
    return build.folder / make.__name__


SOURCES = [
    (layout_tools.by_skopeo, ":1.0"),
    (layout_tools.by_skopeo, f":{LONG}:amd64"),
    (layout_tools.by_podman, ""),
    (layout_tools.by_podman_manifest, ":1.0"),
    (layout_tools.by_buildah, ""),
    (layout_tools.by_umoci, ":latest"),
    (layout_tools.by_umoci, ":arm64"),
    (layout_tools.like_crane, f"@{INDEX.digest}"),
    (layout_tools.like_crane_annotated, ""),
    (layout_tools.like_crane_annotated, f":{LONG}:1.0"),
    (layout_tools.like_buildx, ""),
    (layout_tools.like_buildx, ":1.0"),
    (layout_tools.like_buildx, ":docker.io/team/app:1.0"),
    (layout_tools.like_oras, ""),
    (layout_tools.like_oras, ":1.0"),
    (layout_tools.like_regctl, ""),
    (layout_tools.like_regctl, ":1.0"),
]


@pytest.mark.parametrize(
    ("make", "name"), SOURCES, ids=[f"{make.__name__}{name[:10]}" for make, name in SOURCES]
)
def test_published(build: Build, make: Make, name: str) -> None:
    """Every image of the layout arrives byte for byte; an index is passed on as it is."""
    layout = made(build, make)
    target = f"{build.registry.host}/{build.repository}:out"
    result = run_mbuild("create", target, f"oci:{layout.name}{name}", cwd=build.folder)
    assert (result.code, result.stderr) == (0, "")
    digest, blobs = pulled(build, "out")
    wanted = chosen(layout, name)
    assert (digest == wanted) == is_index(layout, wanted)
    assert blobs - {digest} == below(layout, wanted) - {digest}


def is_index(layout: Path, digest: str) -> bool:
    """Tell whether a manifest of a layout is an index."""
    return "manifests" in json.loads((layout / "blobs" / digest.replace(":", "/")).read_bytes())


def chosen(layout: Path, name: str) -> str:
    """The digest that the name of a source means, by what tools say of it."""
    if name.startswith("@"):
        return name[1:]
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    for entry in entries:
        if not name or name[1:] in entry.get("annotations", {}).values():
            return str(entry["digest"])
    raise AssertionError(name)


CHOICES = [
    (layout_tools.like_crane, "linux/riscv64", OTHER.digest),
    (layout_tools.like_crane, "linux/arm64", ARM64.digest),
    (layout_tools.like_oras, "linux/amd64", AMD64.digest),
    (layout_tools.with_platforms, "linux/arm64", ARM64.digest),
    (layout_tools.by_umoci, "linux/arm64", "arm64"),
    (layout_tools.by_umoci, "linux/amd64", "latest"),
]


@pytest.mark.parametrize(
    ("make", "platform", "expected"),
    CHOICES,
    ids=[f"{make.__name__} {platform}" for make, platform, _ in CHOICES],
)
def test_chosen_by_platform(build: Build, make: Make, platform: str, expected: str) -> None:
    """Of several images in a layout the one for the platform is published."""
    layout = made(build, make)
    write_spec(
        build.folder, f"{build.registry.host}/{build.repository}:out", {platform: f"oci:{layout}"}
    )
    result = run_mbuild("push", "-q", cwd=build.folder)
    assert (result.code, result.stderr) == (0, "")
    digest, blobs = pulled(build, "out")
    wanted = expected if ":" in expected else digest_at(layout, expected)
    assert wanted in blobs
    assert below(layout, wanted) <= blobs
    assert below(layout, wanted) >= blobs - {digest} - attested(blobs, layout)


def attested(blobs: set[str], layout: Path) -> set[str]:
    """Of some blobs, those of attestations."""
    attestations = (one.digest for one in INDEX.children if one not in (AMD64, ARM64))
    held = [one for one in attestations if one in blobs]
    return set[str]().union(*(below(layout, one) for one in held))


def test_unclear(build: Build) -> None:
    """Where the tags of a layout are not told apart by platform, they are listed."""
    layout = made(build, layout_tools.by_umoci)
    write_spec(build.folder, "oci:out", {"linux/s390x": f"oci:{layout.name}"})
    result = run_mbuild("push", cwd=build.folder)
    one, other = (digest_at(layout, tag) for tag in ("1.0", "arm64"))
    assert result.lines == [
        (
            f"error: manifests.yaml:3:16: oci:{layout.name}: it stands for several images, and none "
            f"of them is for linux/s390x: 1.0 ({one}, linux/amd64), arm64 ({other}, linux/arm64); "
            "name one by its tag or its digest"
        )
    ]
    assert result.code == 4
