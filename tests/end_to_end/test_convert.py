"""Conversions in a real registry, judged by other people's clients."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign
from tests.support.archives import docker_members, write_tar
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import (
    DOCKER_LIST,
    DOCKER_MANIFEST,
    OCI_INDEX,
    OCI_MANIFEST,
    Image,
    make_image,
)
from tests.support.pushing import fetch_manifest, push_image

IMAGES = (make_image("linux/amd64", layers=2), make_image("linux/arm64", docker=True))
KINDS = {"docker": (DOCKER_LIST, DOCKER_MANIFEST), "oci": (OCI_INDEX, OCI_MANIFEST)}


def push_images(registry: DockerRegistry, repository: str) -> list[str]:
    """Push an image of each kind; give their names."""
    for number, image in enumerate(IMAGES):
        push_image(registry.url, repository, f"build{number}", image)
    return [f"{registry.host}/{repository}:build{number}" for number in range(len(IMAGES))]


def write_spec(folder: Path, image: str, sources: list[str], kind: str) -> None:
    """A spec that asks for one kind of images."""
    spec = {"image": image, "sources": sources, "format": kind, "convert": True}
    (folder / "manifests.yaml").write_text(json.dumps(spec))


def run(command: str, folder: Path) -> dict[str, Any]:
    """Run a command on a folder's spec; give the document of its only target."""
    result = run_mbuild(command, "--output", "json", cwd=folder)
    assert (result.code, result.stderr) == (0, "")
    (target,) = json.loads(result.stdout)["targets"]
    return dict(target)


def listed(raw: bytes) -> list[dict[str, Any]]:
    """The entries of an index."""
    return list(json.loads(raw)["manifests"])


def blobs_of(raw: bytes) -> list[str]:
    """The digests of a manifest's config and layers."""
    manifest = json.loads(raw)
    return [blob["digest"] for blob in (manifest["config"], *manifest["layers"])]


@pytest.mark.parametrize("kind", KINDS)
def test_every_client_takes_it(
    registry: DockerRegistry, repository: str, tmp_path: Path, kind: str
) -> None:
    """Skopeo, podman and docker read what was converted; every blob is as it was."""
    name = f"{repository}:1.0"
    write_spec(tmp_path, f"{registry.host}/{name}", push_images(registry, repository), kind)
    planned, target = run("plan", tmp_path), run("push", tmp_path)
    assert (planned["digest"], target["verified"]) == (target["digest"], True)
    index = json.loads(foreign.skopeo_inspect_raw(registry, name))
    assert (index["mediaType"], index["manifests"][0]["mediaType"]) == KINDS[kind]
    for image, entry in zip(IMAGES, index["manifests"], strict=True):
        check_converted(registry, repository, image, entry)
    assert listed(foreign.podman_manifest_inspect(registry, name)) == index["manifests"]
    if kind == "docker" or foreign.docker_knows_oci_indexes():
        assert listed(foreign.docker_manifest_inspect(registry, name)) == index["manifests"]
    foreign.skopeo_copy_all(registry, name, tmp_path / "copy", converts=kind == "docker")
    foreign.podman_pull(registry, name)
    assert run("push", tmp_path)["tags"][0]["action"] == "kept"


def check_converted(
    registry: DockerRegistry, repository: str, image: Image, entry: dict[str, Any]
) -> None:
    """Hold a published image to the blobs of its source."""
    answer = fetch_manifest(registry.url, repository, entry["digest"])
    assert answer.headers["content-type"] == entry["mediaType"]
    assert blobs_of(answer.content) == blobs_of(image.manifest)


def test_as_skopeo_converts(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """An OCI image is converted to the very bytes that skopeo converts it to."""
    sources = push_images(registry, repository)
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", sources[:1], "docker")
    (ours,) = run("push", tmp_path)["platforms"]
    foreign.skopeo_convert(registry, f"{repository}:build0", f"{repository}:theirs")
    theirs = fetch_manifest(registry.url, repository, "theirs")
    assert theirs.headers["docker-content-digest"] == ours["digest"]
    assert ours["converted"] == {"from": IMAGES[0].digest, "mediaType": OCI_MANIFEST}


def test_docker_archive_to_a_layout(tmp_path: Path) -> None:
    """What `docker save` wrote becomes an OCI image in a layout, which skopeo copies as it is."""
    members = docker_members({"app:1": make_image("linux/amd64", layers=2)})
    write_tar(tmp_path / "saved.tar", members)
    words = ("oci:dist:1", "docker-archive:saved.tar", "--format", "oci", "--convert")
    result = run_mbuild("create", *words, cwd=tmp_path)
    assert (result.code, result.stderr) == (0, "")
    assert "      converted from Docker image sha256:" in result.stdout
    assert run_mbuild("verify", "--deep", "oci:dist:1", cwd=tmp_path).code == 0
    foreign.skopeo_copy_layout(tmp_path / "dist", tmp_path / "copy", "1")
