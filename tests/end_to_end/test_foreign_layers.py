"""Images with foreign layers, and real registries: who takes them, who does not, and what is said."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.certificates import TlsFiles
from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry, Setup, serve_registry
from tests.support.exchange import Answer, RequestLog
from tests.support.images import Image, digest_of, make_image
from tests.support.loopback import serve_loopback
from tests.support.pushing import fetch_manifest, plain_client, push_blob, push_image

LAYER = b"a layer of Windows" * 1000
DOCKER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
ALLOWED = Setup(allowed_urls=("^https://.*/layer$",))


def make_windows(url: str, *, docker: bool = True) -> Image:
    """An image on a base whose layer lies at a URL."""
    image = make_image("windows/amd64:10.0.17763.1", docker=docker)
    manifest = json.loads(image.manifest)
    layer = {"mediaType": DOCKER if docker else OCI, "size": len(LAYER)}
    manifest["layers"].insert(0, {**layer, "digest": digest_of(LAYER), "urls": [url]})
    return replace(image, manifest=json.dumps(manifest).encode())


def has_layer(registry: DockerRegistry, repository: str) -> bool:
    """Whether a repository has the layer."""
    with plain_client(registry.url) as client:
        return client.head(f"/v2/{repository}/blobs/{digest_of(LAYER)}").status_code == 200


def create(folder: Path, target: str, source: str, *options: str) -> Result:
    """Publish the image elsewhere."""
    return run_mbuild("create", target, source, "--no-cache", *options, cwd=folder)


@pytest.mark.parametrize("docker", [True, False], ids=["docker", "oci"])
@pytest.mark.parametrize("option", ["", "--foreign-layers"], ids=["left", "pushed"])
def test_refused_and_explained(
    registry: DockerRegistry, repository: str, tmp_path: Path, docker: bool, option: str
) -> None:
    """docker-registry answers 500 to layers at URLs it does not allow, pushed or not; why is told."""
    image = make_windows("https://example.com/layer", docker=docker)
    with serve_registry(tmp_path / "source", ALLOWED) as source:
        push_image(source.url, "windows", "1", image)
        with plain_client(source.url) as client:
            push_blob(client, "windows", LAYER)
        target = f"{registry.host}/{repository}:1"
        result = create(tmp_path, target, f"{source.host}/windows:1", *filter(None, [option]))
    assert result.code == 6
    assert has_layer(registry, repository) is bool(option)
    (line,) = result.told(registry.host)
    assert line.startswith(f"error: HOST/{repository}@{image.digest}: HOST answered 500 ")
    assert line.endswith(
        f"{digest_of(LAYER)}): that layer is foreign, and lies at https://example.com/layer; let "
        "the registry allow that URL (docker-registry: validation.manifests.urls.allow), or build "
        "the image on a base without foreign layers"
    )


def test_left_at_its_url(tmp_path: Path) -> None:
    """A registry that allows the URL is given the image without the layer."""
    image = make_windows("https://example.com/layer")
    with serve_registry(tmp_path / "registry", ALLOWED) as allowing:
        push_image(allowing.url, "windows", "1", image)
        result = create(tmp_path, f"{allowing.host}/app:1", f"{allowing.host}/windows:1")
        assert (result.code, result.stderr) == (0, "")
        assert "  foreign layers left at their URLs: 1" in result.stdout
        assert fetch_manifest(allowing.url, "app", image.digest).content == image.manifest
        assert not has_layer(allowing, "app")


def test_brought_from_its_url(tls_files: TlsFiles, tmp_path: Path) -> None:
    """With --foreign-layers it is fetched from its URL by https, without a login, and pushed."""
    log = RequestLog()
    with (
        serve_loopback(lambda _: Answer(200, body=LAYER), log=log, tls=tls_files) as files,
        serve_registry(tmp_path / "registry", ALLOWED) as allowing,
    ):
        push_image(allowing.url, "windows", "1", make_windows(f"{files.url}/layer"))
        words = (f"{allowing.host}/app:1", f"{allowing.host}/windows:1", "--foreign-layers")
        result = create(tmp_path, *words, "--ca", str(tls_files.ca))
        assert (result.code, result.stderr) == (0, "")
        assert has_layer(allowing, "app")
    (exchange,) = log.exchanges
    assert exchange.request.path == "/layer"
    assert "authorization" not in exchange.request.headers


def test_bundle(tmp_path: Path) -> None:
    """A layout is whole without the layers; with the option, and --force, it is given them later."""
    with serve_registry(tmp_path / "registry", ALLOWED) as allowing:
        push_image(allowing.url, "windows", "1", make_windows("https://example.com/layer"))
        with plain_client(allowing.url) as client:
            push_blob(client, "windows", LAYER)
        words = ("oci:bundle:1", f"{allowing.host}/windows:1")
        first = create(tmp_path, *words)
        assert "  foreign layers left at their URLs: 1" in first.stdout
        verified = run_mbuild("verify", "oci:bundle:1", cwd=tmp_path)
        assert (verified.code, "1 foreign layer not asked for" in verified.stdout) == (0, True)
        layer = tmp_path / "bundle" / "blobs" / digest_of(LAYER).replace(":", "/")
        assert not layer.exists()
        again = create(tmp_path, *words, "--foreign-layers", "--force")
    assert (again.code, again.stderr) == (0, "")
    assert layer.read_bytes() == LAYER
