"""Bundles: layouts and archives as targets, of sources of every kind, as skopeo reads them."""

from pathlib import Path

import pytest

from tests.support import foreign
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import blobs_of, digest_of, make_image, make_index, write_layout
from tests.support.intact import missing_below, tagged_digests
from tests.support.layout_tools import below, digest_at
from tests.support.pushing import plain_client, push_image

IMAGE = make_image("linux/amd64", layers=2)
INDEX = make_index(IMAGE, make_image("linux/arm64"), attestations=True)

SOURCES = {
    "an image in a registry": "HOST/REPOSITORY:image",
    "an image by digest": f"HOST/REPOSITORY@{IMAGE.digest}",
    "an index in a registry": "HOST/REPOSITORY:index",
    "an image in a layout": "oci:layout:image",
    "an index in a layout": "oci:layout:index",
    "an image in an OCI archive": "oci-archive:image.tar:1",
    "an index in an OCI archive": "oci-archive:index.tar:1",
    "a compressed archive": "oci-archive:index.tar.gz",
    "a docker archive": "docker-archive:docker.tar",
}


@pytest.fixture
def folder(registry: DockerRegistry, repository: str, tmp_path: Path) -> Path:
    """A folder, and a repository, with an image and an index in every form."""
    push_image(registry.url, repository, "image", IMAGE)
    push_image(registry.url, repository, "index", INDEX)
    layout = write_layout(tmp_path / "layout", {"image": IMAGE, "index": INDEX})
    for tag in ("image", "index"):
        archive = f"oci-archive:{tmp_path}/{tag}.tar:1"
        foreign.skopeo_copy("--all", source=f"oci:{layout}:{tag}", target=archive)
    foreign.gzip(tmp_path / "index.tar")
    docker = f"docker-archive:{tmp_path}/docker.tar:app:1"
    foreign.skopeo_copy(source=f"oci:{layout}:image", target=docker)
    return tmp_path


@pytest.mark.parametrize("name", SOURCES)
def test_bundle(folder: Path, registry: DockerRegistry, repository: str, name: str) -> None:
    """A layout and an archive hold the same, which skopeo copies to a registry, all of it."""
    source = SOURCES[name].replace("HOST", registry.host).replace("REPOSITORY", repository)
    spec = f"image: [oci:out:1.0, 'oci-archive:out.tar:1.0']\nsources: ['{source}']\n"
    (folder / "manifests.yaml").write_text(spec)
    result = run_mbuild("push", cwd=folder)
    assert (result.code, result.stderr) == (0, "")
    out = f"{repository}/out"
    foreign.skopeo_copy_from_layout(folder / "out", "1.0", registry, f"{out}:layout")
    foreign.skopeo_copy_from_archive(folder / "out.tar", "1.0", registry, f"{out}:archive")
    digest = digest_at(folder / "out", "1.0")
    with plain_client(registry.url) as client:
        assert tagged_digests(client, out) == {"layout": digest, "archive": digest}
        assert missing_below(client, out, digest) == []
    if "docker" not in name:
        content = INDEX if "index" in source else IMAGE
        expected = {digest_of(blob) for blob in blobs_of(content)}
        assert below(folder / "out", digest) - {digest} == expected - {digest}


def test_all_in_one(folder: Path, registry: DockerRegistry, repository: str) -> None:
    """Images of every kind in one spec make one list, in a layout, an archive and a registry."""
    platforms = {
        "linux/amd64": f"{registry.host}/{repository}:image",
        "linux/arm64": "oci-archive:index.tar",
        "windows/amd64": "{image: docker-archive:docker.tar, trust: spec}",
    }
    lines = "".join(f"  {platform}: {source}\n" for platform, source in platforms.items())
    target = f"{registry.host}/{repository}/all:1.0"
    spec = f"image: [oci:out:1.0, oci-archive:out.tar:1.0, '{target}']\nplatforms:\n{lines}"
    (folder / "manifests.yaml").write_text(spec)
    result = run_mbuild("push", "-q", cwd=folder)
    assert (result.code, result.stderr) == (0, "")
    digests = {line.rpartition("@")[2] for line in result.stdout.splitlines()}
    assert digests == {digest_at(folder / "out", "1.0")}
    with plain_client(registry.url) as client:
        assert missing_below(client, f"{repository}/all", "1.0") == []
