"""The foreign clients work here, and see an index that plain requests put up."""

import json
from pathlib import Path

from tests.support import foreign
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image, make_index, write_layout
from tests.support.pushing import push_image

INDEX = make_index(make_image("linux/amd64"), make_image("linux/arm64"), attestations=True)


def test_clients_agree(registry: DockerRegistry, repository: str) -> None:
    """Skopeo shows the bytes; docker and podman the same entries."""
    push_image(registry.url, repository, "1", INDEX)
    name = f"{repository}:1"
    expected = [entry["digest"] for entry in json.loads(INDEX.manifest)["manifests"]]
    assert foreign.skopeo_inspect_raw(registry, name) == INDEX.manifest
    clients = [foreign.podman_manifest_inspect]
    if foreign.docker_knows_oci_indexes():
        clients.append(foreign.docker_manifest_inspect)
    for inspect in clients:
        shown = json.loads(inspect(registry, name))["manifests"]
        assert [entry["digest"] for entry in shown] == expected


def test_skopeo_copies(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Skopeo takes an index with all its children out of a registry and a layout of ours."""
    layout = write_layout(tmp_path / "layout", {"1": INDEX})
    foreign.skopeo_copy_from_layout(layout, "1", registry, f"{repository}:1")
    foreign.skopeo_copy_all(registry, f"{repository}:1", tmp_path / "copy")
    (entry,) = json.loads((tmp_path / "copy" / "index.json").read_text())["manifests"]
    assert entry["digest"] == INDEX.digest
