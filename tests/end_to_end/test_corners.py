"""Corners in which a tag could end up on a list that is wrong, lacks something, or was changed."""

import json
from pathlib import Path

from tests.support import faults
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.foreign import skopeo_copy_from_layout
from tests.support.images import (
    OCI_INDEX,
    Index,
    digest_of,
    make_image,
    make_index,
    write_layout,
)
from tests.support.loopback import LoopbackServer
from tests.support.pushing import push_image, tags_of
from tests.support.specs import write_spec

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")


def test_promotion_keeps_the_bytes(
    registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """An index that is only passed on stays as it is, however it was written."""
    entries = {
        **json.loads(make_index(AMD64, ARM64, attestations=True).manifest),
        "annotations": {"b": "2", "a": "1"},
    }
    written = Index(
        json.dumps(entries, separators=(",", ":")).encode(),
        OCI_INDEX,
        make_index(AMD64, ARM64, attestations=True).children,
    )
    tested = push_image(registry.url, repository, "rc", written)
    name = f"{registry.host}/{repository}"
    result = run_mbuild("create", f"{name}/prod:1.4", f"{name}:rc", "-q", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, f"{name}/prod@{tested}\n")
    again = run_mbuild("create", f"{name}/prod:1.4", f"{name}:rc", "-o", "json", cwd=tmp_path)
    (target,) = json.loads(again.stdout)["targets"]
    assert [one["action"] for one in target["tags"]] == ["kept"]
    assert [one["change"] for one in target["platforms"]] == ["kept", "kept"]


def test_one_layout_by_two_names(tmp_path: Path) -> None:
    """Two targets that mean one tag of one folder are found out before anything is written."""
    write_layout(tmp_path / "builds", {"a": AMD64, "b": ARM64})
    other = tmp_path / "lay"
    (tmp_path / "manifests.yaml").write_text(
        "images:\n"
        "- {image: 'oci:lay:1', sources: ['oci:builds:a']}\n"
        f"- {{image: 'oci:{other}:1', sources: ['oci:builds:b']}}\n"
    )
    result = run_mbuild("push", cwd=tmp_path)
    assert result.lines == [
        (
            "error: manifests.yaml:3:3: tag '1' of oci:lay is a target already, "
            "first at manifests.yaml:2:3; take one out"
        )
    ]
    assert (result.code, other.exists()) == (3, False)


def test_layout_is_made_whole(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A layout whose blobs were cut or lost has them again when a tag is added."""
    write_layout(tmp_path / "builds", {"a": AMD64})
    write_spec(tmp_path, "oci:lay:1", {"linux/amd64": "oci:builds:a"})
    assert run_mbuild("push", cwd=tmp_path).code == 0
    blobs = tmp_path / "lay" / "blobs" / "sha256"
    (layer,) = AMD64.layers
    (blobs / digest_of(layer).partition(":")[2]).write_bytes(layer[:10])
    (blobs / digest_of(AMD64.config).partition(":")[2]).unlink()
    result = run_mbuild("push", "--tag", "2", cwd=tmp_path)
    assert result.code == 0
    skopeo_copy_from_layout(tmp_path / "lay", "2", registry, f"{repository}:2")
    assert tags_of(registry.url, repository) == ["2"]


def test_first_push_where_nothing_can_be_asked(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """A registry that answers 403 for what is not there is written to; the write decides."""
    fake.put("team/builds", "amd64", AMD64)
    fake.faults.append(Fault("HEAD", "/team/new/", faults.status(403, "DENIED")))
    source = f"{server.host}/team/builds:amd64"
    write_spec(tmp_path, f"{server.host}/team/new:1.0", {"linux/amd64": source})
    result = run_mbuild("push", "-o", "json", cwd=tmp_path)
    (target,) = json.loads(result.stdout)["targets"]
    assert (result.code, target["verified"]) == (0, True)
    assert fake.repository("team/new").tags["1.0"] == target["digest"]


def test_optional_does_not_forgive_a_web_page(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """A 404 that is a web page comes from no registry, and so says nothing of the image."""

    def page(request: Request, handler: Handler) -> Answer:
        answer = faults.html()(request, handler)
        return Answer(404, answer.headers, answer.body)

    fake.faults.append(Fault("GET", "/manifests/amd64", page))
    sources = {
        "linux/amd64": f"{{image: '{server.host}/team/app:amd64', optional: true}}",
        "linux/arm64": f"{server.host}/team/app:arm64",
    }
    write_spec(tmp_path, f"{server.host}/team/app:1.0", sources)
    result = run_mbuild("push", cwd=tmp_path)
    assert result.told(server.host) == [
        (
            "error: manifests.yaml:3:24: HOST/team/app:amd64: HOST answered 404 Not Found, "
            "as a web page; check that the name is that of a registry and of an image in it"
        )
    ]
    assert result.code == 6


def test_docker_list_would_lose_a_mark(
    registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """What tells two entries apart cannot be left out of a list: that is an error."""
    image = make_image("linux/amd64", docker=True)
    twin = make_image("linux/amd64", docker=True, seed="zstd")
    index = json.loads(make_index(image, twin).manifest)
    index["manifests"][1]["annotations"] = {"io.github.containers.compression.zstd": "true"}
    push_image(
        registry.url,
        repository,
        "twins",
        Index(json.dumps(index).encode(), OCI_INDEX, (image, twin)),
    )
    source = f"{registry.host}/{repository}:twins"
    (tmp_path / "manifests.yaml").write_text(
        f"image: {registry.host}/{repository}:1\nformat: docker\nsources: ['{source}']\n"
    )
    result = run_mbuild("push", cwd=tmp_path)
    assert result.told(registry.host) == [
        (
            f"error: manifests.yaml:3:11: HOST/{repository}:twins: its entry has annotations, "
            "which a Docker list cannot hold; use format: auto"
        )
    ]
    assert result.code == 4
