"""From the jobs that build to the list: what they pushed by digest and left in files is published."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import Index, make_image, make_index
from tests.support.pushing import fetch_manifest, push_image, tags_of

BUILDS = {
    name: make_index(make_image(f"linux/{name}"), attestations=True) for name in ("amd64", "arm64")
}
"""What buildx pushes of a platform: an index with the image and its attestation."""

WHOLE = [entry for build in BUILDS.values() for entry in json.loads(build.manifest)["manifests"]]


@pytest.fixture
def builds(registry: DockerRegistry, repository: str) -> dict[str, Index]:
    """The builds, pushed by digest to a repository that has no tag."""
    for build in BUILDS.values():
        push_image(registry.url, repository, build.digest, build)
    return BUILDS


def listed(registry: DockerRegistry, repository: str) -> list[dict[str, Any]]:
    """The entries of the list that was published as 1.0."""
    held = json.loads(fetch_manifest(registry.url, repository, "1.0").content)["manifests"]
    return [dict(entry) for entry in held]


def test_matrix(
    builds: dict[str, Index], registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """A folder of digests becomes a list with each image and its attestation."""
    (tmp_path / "digests").mkdir()
    for build in builds.values():
        (tmp_path / "digests" / build.digest.removeprefix("sha256:")).touch()
    spec = f"image: {registry.host}/{repository}:1.0\ndigests: {{dir: ./digests}}\n"
    (tmp_path / "manifests.yaml").write_text(spec + "require: [linux/amd64, linux/arm64]\n")
    done = run_mbuild("push", "-o", "json", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    by_digest = sorted(builds.values(), key=lambda build: build.digest)
    assert [entry["digest"] for entry in listed(registry, repository)] == [
        child.digest for build in by_digest for child in build.children
    ]
    assert tags_of(registry.url, repository) == ["1.0"]


def test_a_job_that_left_nothing(
    builds: dict[str, Index], registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """What is required and was not built is an error, and no tag is written."""
    (tmp_path / "digests").mkdir()
    (tmp_path / "digests" / builds["amd64"].digest.removeprefix("sha256:")).touch()
    spec = f"image: {registry.host}/{repository}:1.0\ndigests: {{dir: digests}}\n"
    (tmp_path / "manifests.yaml").write_text(spec + "require: [linux/amd64, linux/arm64]\n")
    done = run_mbuild("push", cwd=tmp_path)
    message = "required platform linux/arm64 is not in the result, which holds linux/amd64"
    hint = "publish its image, or take it out of require"
    assert (done.code, done.lines) == (4, [f"error: manifests.yaml:1:1: {message}; {hint}"])
    assert tags_of(registry.url, repository) == []


def test_metadata_files(
    builds: dict[str, Index], registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """Files of buildx and of bake name images by digest; our own file may be one of them later."""
    name = f"{registry.host}/{repository}"
    amd64, arm64 = (
        {"buildx.build.ref": "a/b/c", "containerimage.digest": build.digest, "image.name": name}
        for build in builds.values()
    )
    (tmp_path / "amd64.json").write_text(json.dumps(amd64))
    (tmp_path / "bake.json").write_text(json.dumps({"arm": arm64, "other": amd64}))
    (tmp_path / "manifests.yaml").write_text(
        f"image: {name}:1.0\nplatforms:\n  linux/amd64: {{metadata: amd64.json}}\n"
        "  linux/arm64: {metadata: bake.json, target: arm}\n"
    )
    done = run_mbuild("push", "--metadata-file", "index.json", cwd=tmp_path)
    assert (done.code, done.stderr) == (0, "")
    assert listed(registry, repository) == WHOLE
    (tmp_path / "next.yaml").write_text(f"image: {name}:2.0\nsources: [{{metadata: index.json}}]\n")
    assert run_mbuild("push", "next.yaml", cwd=tmp_path).code == 0
    same = [fetch_manifest(registry.url, repository, tag).content for tag in ("1.0", "2.0")]
    assert same[0] == same[1]
