"""Publishing to real registries, judged by other people's clients."""

import base64
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support import foreign, images
from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.fixtures import PASSWORD, USER
from tests.support.images import make_image, make_index, write_layout
from tests.support.pushing import fetch_manifest, push_image, tags_of
from tests.support.specs import write_spec
from tests.support.token_server import TokenServer

BUILDS = {
    "linux/amd64": make_image("linux/amd64", layers=2),
    "linux/arm64": make_image("linux/arm64"),
    "linux/arm/v7": make_image("linux/arm/v7"),
    "windows/amd64": make_image("windows/amd64:10.0.20348.1"),
}
DIGESTS = [image.digest for image in BUILDS.values()]
READ_WRITE = "repository:{}:pull,push"


def push_builds(registry: DockerRegistry, repository: str, **how: Any) -> dict[str, str]:
    """Push the builds under a tag each; give the sources of a spec."""
    sources = {}
    for platform, image in BUILDS.items():
        tag = platform.replace("/", "-")
        push_image(registry.url, repository, tag, image, **how)
        sources[platform] = f"{registry.host}/{repository}:{tag}"
    return sources


def publish(folder: Path, *options: str) -> dict[str, Any]:
    """Push the spec of a folder; give the document of its only target."""
    result = run_mbuild("push", "--output", "json", *options, cwd=folder)
    assert (result.code, result.stderr) == (0, "")
    (target,) = json.loads(result.stdout)["targets"]
    assert target["errors"] == []
    return dict(target)


def log_in(host: str, home: Path) -> None:
    """Leave the credentials where `docker login` puts them."""
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config = home / ".docker" / "config.json"
    config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def listed(content: bytes) -> list[str]:
    """The digests an index names, in order."""
    return [entry["digest"] for entry in json.loads(content)["manifests"]]


def test_all_clients_agree(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Skopeo sees our bytes, docker and podman our entries, and skopeo can copy it all."""
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", push_builds(registry, repository))
    target = publish(tmp_path)
    name = f"{repository}:1.0"
    raw = foreign.skopeo_inspect_raw(registry, name)
    assert (images.digest_of(raw), len(raw)) == (target["digest"], target["size"])
    assert listed(raw) == DIGESTS
    if foreign.docker_knows_oci_indexes():
        assert listed(foreign.docker_manifest_inspect(registry, name)) == DIGESTS
    assert listed(foreign.podman_manifest_inspect(registry, name)) == DIGESTS
    foreign.skopeo_copy_all(registry, name, tmp_path / "copy")
    (copied,) = json.loads((tmp_path / "copy" / "index.json").read_text())["manifests"]
    assert copied["digest"] == target["digest"]


def test_docker_list(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Docker images become a manifest list, which docker shows and skopeo copies."""
    sources, digests = {}, []
    for platform in ("linux/amd64", "linux/arm64"):
        image = make_image(platform, docker=True)
        tag = platform.replace("/", "-")
        digests.append(push_image(registry.url, repository, tag, image))
        sources[platform] = f"{registry.host}/{repository}:{tag}"
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", sources)
    target = publish(tmp_path)
    assert target["mediaType"] == images.DOCKER_LIST
    shown = foreign.docker_manifest_inspect(registry, f"{repository}:1.0")
    assert listed(shown) == digests
    copy = tmp_path / "copy"
    foreign.skopeo_copy_all(registry, f"{repository}:1.0", copy, converts=True)


def test_same_bytes_again(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A dry run knows the digest of the push, and a second push finds nothing to do."""
    write_spec(
        tmp_path,
        f"{registry.host}/{repository}",
        push_builds(registry, repository),
        tags=["1.0", "latest"],
    )
    dry = publish(tmp_path, "--dry-run")
    assert "1.0" not in tags_of(registry.url, repository)
    first, second = publish(tmp_path), publish(tmp_path)
    assert dry["digest"] == first["digest"] == second["digest"]
    assert [tag["action"] for tag in second["tags"]] == ["kept", "kept"]
    assert (first["verified"], second["verified"]) == (True, None)


def test_other_repository(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Images of another repository of the same registry are mounted, and then stand in ours."""
    sources = push_builds(registry, f"{repository}/builds")
    write_spec(tmp_path, f"{registry.host}/{repository}/app:1.0", sources)
    target = publish(tmp_path)
    blobs = {blob for image in BUILDS.values() for blob in image.blobs}
    assert target["copied"] == {"blobs": 0, "mounted": len(blobs), "bytes": 0, "foreign": 0}
    foreign.skopeo_copy_all(registry, f"{repository}/app:1.0", tmp_path / "copy")


def test_other_registry(
    registry: DockerRegistry,
    htpasswd_registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
    clean_environment: Path,
) -> None:
    """Images of another registry, which wants a login, are copied with their bytes unchanged."""
    log_in(htpasswd_registry.host, clean_environment)
    sources = push_builds(htpasswd_registry, repository, auth=(USER, PASSWORD))
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", sources)
    target = publish(tmp_path)
    blobs = {blob for image in BUILDS.values() for blob in image.blobs}
    expected = {"blobs": len(blobs), "mounted": 0, "bytes": sum(map(len, blobs)), "foreign": 0}
    assert target["copied"] == expected
    foreign.skopeo_copy_all(registry, f"{repository}:1.0", tmp_path / "copy")


def test_layouts(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Images in OCI layouts are pushed too; an index with attestations gives both."""
    amd64, arm64 = BUILDS["linux/amd64"], BUILDS["linux/arm64"]
    built = make_index(amd64, attestations=True)
    write_layout(tmp_path / "amd64", {"1": built})
    write_layout(tmp_path / "arm64", {"": arm64})
    sources = {"linux/amd64": "oci:amd64:1", "linux/arm64": "oci:arm64"}
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", sources)
    publish(tmp_path)
    raw = foreign.skopeo_inspect_raw(registry, f"{repository}:1.0")
    assert listed(raw) == [*listed(built.manifest), arm64.digest]
    foreign.skopeo_copy_all(registry, f"{repository}:1.0", tmp_path / "copy")


def test_into_a_layout(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A layout as the target is one that skopeo pushes on, every blob checked."""
    write_spec(tmp_path, "oci:dist:1.0", push_builds(registry, repository))
    target = publish(tmp_path)
    name = f"{repository}/copied:1.0"
    foreign.skopeo_copy_from_layout(tmp_path / "dist", "1.0", registry, name)
    raw = foreign.skopeo_inspect_raw(registry, name)
    assert (images.digest_of(raw), listed(raw)) == (target["digest"], DIGESTS)


def test_htpasswd(
    htpasswd_registry: DockerRegistry, repository: str, tmp_path: Path, clean_environment: Path
) -> None:
    """The login that docker left opens a registry with passwords."""
    login = (USER, PASSWORD)
    sources = push_builds(htpasswd_registry, repository, auth=login)
    write_spec(tmp_path, f"{htpasswd_registry.host}/{repository}:1.0", sources)
    log_in(htpasswd_registry.host, clean_environment)
    target = publish(tmp_path)
    answer = fetch_manifest(htpasswd_registry.url, repository, "1.0", auth=login)
    assert images.digest_of(answer.content) == target["digest"]


def test_tokens(
    token_registry: DockerRegistry,
    token_server: TokenServer,
    tmp_path: Path,
    clean_environment: Path,
) -> None:
    """With a token service one token, that may push, serves the whole run."""
    headers = token_server.bearer(USER, READ_WRITE.format("team/app"))
    sources = push_builds(token_registry, "team/app", headers=headers)
    write_spec(tmp_path, f"{token_registry.host}/team/app:1.0", sources)
    log_in(token_registry.host, clean_environment)
    target = publish(tmp_path)
    answer = fetch_manifest(token_registry.url, "team/app", "1.0", headers=headers)
    assert images.digest_of(answer.content) == target["digest"]
    assert [one.asked for one in token_server.issued] == [(READ_WRITE.format("team/app"),)]


def test_tokens_for_a_mount(
    token_registry: DockerRegistry,
    token_server: TokenServer,
    tmp_path: Path,
    clean_environment: Path,
) -> None:
    """A mount asks for a token that may push here and pull there, and is not refused."""
    headers = token_server.bearer(USER, READ_WRITE.format("team/builds"))
    sources = push_builds(token_registry, "team/builds", headers=headers)
    write_spec(tmp_path, f"{token_registry.host}/team/app:1.0", sources)
    log_in(token_registry.host, clean_environment)
    assert publish(tmp_path)["copied"]["blobs"] == 0
    both = ("repository:team/app:pull,push", "repository:team/builds:pull")
    assert both in [one.asked for one in token_server.issued]


def test_tls(tls_registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A CA given by name is trusted."""
    sources = push_builds(tls_registry, repository, ca=tls_registry.ca)
    write_spec(tmp_path, f"{tls_registry.host}/{repository}:1.0", sources)
    target = publish(tmp_path, "--ca", str(tls_registry.ca))
    answer = fetch_manifest(tls_registry.url, repository, "1.0", ca=tls_registry.ca)
    assert images.digest_of(answer.content) == target["digest"]


def test_two_repositories(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """An image in two repositories is the same index in both."""
    sources = push_builds(registry, repository)
    names = [f"{registry.host}/{repository}/{name}:1.0" for name in ("one", "two")]
    write_spec(tmp_path, f"[{', '.join(names)}]", sources)
    result: Result = run_mbuild("push", "--quiet", cwd=tmp_path)
    published = {
        fetch_manifest(registry.url, f"{repository}/{name}", "1.0").content
        for name in ("one", "two")
    }
    (content,) = published
    digest = images.digest_of(content)
    places = [name.removesuffix(":1.0") for name in names]
    assert (result.code, result.stderr) == (0, "")
    assert result.stdout.splitlines() == [f"{place}@{digest}" for place in places]


@pytest.mark.parametrize("option", ["--raw", ""], ids=["raw", "table"])
def test_inspect(registry: DockerRegistry, repository: str, tmp_path: Path, option: str) -> None:
    """What was published can be looked at: its exact bytes, or a line an image."""
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", push_builds(registry, repository))
    publish(tmp_path)
    words = [option] if option else []
    result = run_mbuild("inspect", *words, f"{registry.host}/{repository}:1.0", cwd=tmp_path)
    assert (result.code, result.stderr) == (0, "")
    if option:
        held = fetch_manifest(registry.url, repository, "1.0").content
        assert result.stdout.encode() == held
    else:
        for platform, digest in zip(BUILDS, DIGESTS, strict=True):
            (line,) = [line for line in result.stdout.splitlines() if digest[:19] in line]
            assert platform in line


def test_metadata_file(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """The keys that buildx writes are there for whoever reads buildx's."""
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", push_builds(registry, repository))
    target = publish(tmp_path, "--metadata-file", "metadata.json")
    written = json.loads((tmp_path / "metadata.json").read_text())
    assert written["containerimage.digest"] == target["digest"]
    assert written["containerimage.descriptor"]["size"] == target["size"]


def test_create(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Without a spec, the sources' own platforms make the index."""
    sources = push_builds(registry, repository)
    name = f"{registry.host}/{repository}:1.0"
    result = run_mbuild("create", name, *sources.values(), cwd=tmp_path)
    assert (result.code, result.stderr) == (0, "")
    assert listed(foreign.skopeo_inspect_raw(registry, f"{repository}:1.0")) == DIGESTS
