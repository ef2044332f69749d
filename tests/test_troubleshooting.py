"""docs/troubleshooting.md shows what the program says: each error is brought about and compared."""

import re
import socket
from dataclasses import replace
from pathlib import Path

import pytest

from tests.support.archives import docker_members, make_tar, packed
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.foreign import skopeo_copy_from_layout
from tests.support.images import Image, make_image, write_layout
from tests.support.pushing import delete_manifest, push_image
from tests.support.specs import SPEC

PAGE = Path(__file__).parents[1] / "docs" / "troubleshooting.md"
SHOWN = "localhost:5000/team/app"
IMAGE = f"image: {SHOWN}:1.4.2\n"
AMD64 = f"  linux/amd64: {SHOWN}:1.4.2-amd64\n"

SPECS = {
    "misspelt key": f"{IMAGE}platfroms:\n{AMD64}",
    "unset variable": f"{IMAGE}platforms:\n  linux/amd64: {SHOWN}:${{VERSION}}-amd64\n",
    "same platform": (
        f"{IMAGE}platforms:\n  linux/arm64: {SHOWN}:1.4.2-arm64\n"
        f"  linux/arm64/v8: {SHOWN}:1.4.2-v8\n"
    ),
    "missing image": f"{IMAGE}platforms:\n{AMD64}  linux/arm64: {SHOWN}:1.4.3-arm64\n",
    "wrong image": f"{IMAGE}platforms:\n  linux/amd64: {SHOWN}:1.4.2-arm64\n",
    "OCI in a Docker list": f"{IMAGE}format: docker\nplatforms:\n{AMD64}",
    "zstd in a Docker image": (
        f"{IMAGE}format: docker\nconvert: true\nsources:\n  - {SHOWN}:1.4.2-zstd\n"
    ),
    "archives": (
        f"{IMAGE}platforms:\n  linux/amd64: docker-archive:app-cut.tar\n"
        "  linux/arm64: oci-archive:app.tar\n  linux/s390x: docker-archive:app.tar:app:2\n"
    ),
    "files of builds": (
        f"{IMAGE}platforms:\n  linux/amd64: {{metadata: build-amd64.json}}\n"
        "  linux/arm64: {metadata: build-arm64.json}\ndigests: {dir: digests}\n"
    ),
    "layouts": (
        f"{IMAGE}platforms:\n  linux/s390x: oci:builds\n  linux/amd64: oci:half\n"
        "  linux/arm64: oci:builds:1.4.2\n"
    ),
    "target": f"image: docker-archive:app.tar:app:1.4.2\nplatforms:\n{AMD64}",
    "requirement": (
        f"{IMAGE}require: [linux/s390x]\nsources: ['{SHOWN}:1.4.2-amd64', '{SHOWN}:1.4.2-arm64']\n"
    ),
    "no login": f"{IMAGE}platforms:\n  linux/amd64: localhost:5002/team/app:1.4.2-amd64\n",
    "nobody there": f"image: localhost:5001/team/app:1.4.2\nplatforms:\n{AMD64}",
}


@pytest.fixture
def hosts(
    registry: DockerRegistry, htpasswd_registry: DockerRegistry, repository: str
) -> dict[str, str]:
    """What stands where the page says `localhost:PORT`: two registries, and nobody."""
    for architecture in ("amd64", "arm64"):
        image = make_image(f"linux/{architecture}")
        push_image(registry.url, repository, f"1.4.2-{architecture}", image)
    push_image(registry.url, repository, "1.4.2-zstd", make_zstd_image())
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    return {
        SHOWN: f"{registry.host}/{repository}",
        "localhost:5000": registry.host,
        "localhost:5001": f"127.0.0.1:{port}",
        "localhost:5002": htpasswd_registry.host,
    }


def make_zstd_image() -> Image:
    """An image that says its layers are compressed with zstd."""
    image = make_image("linux/amd64")
    return replace(image, manifest=image.manifest.replace(b"tar+gzip", b"tar+zstd"))


def documented_errors() -> set[str]:
    """The lines that the page shows."""
    return set(re.findall(r"^error: .*$", PAGE.read_text("utf-8"), re.MULTILINE))


@pytest.mark.parametrize("name", SPECS)
def test_the_page_shows_the_error(name: str, hosts: dict[str, str], tmp_path: Path) -> None:
    """Every line that the program says of such a spec stands in the page."""
    text = SPECS[name]
    for shown, real in hosts.items():
        text = text.replace(shown, real)
    (tmp_path / SPEC).write_text(text)
    archive = make_tar(docker_members({"app:1": make_image()}))
    (tmp_path / "app.tar").write_bytes(archive)
    builds = {name: make_image(f"linux/{name}") for name in ("amd64", "arm64")}
    write_layout(tmp_path / "builds", builds)
    (write_layout(tmp_path / "half", builds) / "oci-layout").unlink()
    (tmp_path / "app-cut.tar").write_bytes(packed(archive, "gzip")[:200])
    (tmp_path / "build-arm64.json").write_text("{}")
    (tmp_path / "digests" / "digests-0").mkdir(parents=True)
    result = run_mbuild("push", "--attempts", "2", cwd=tmp_path)
    printed = result.stderr
    for shown, real in hosts.items():
        printed = printed.replace(real, shown)
    assert result.code != 0
    assert set(printed.splitlines()) - documented_errors() == set()


@pytest.mark.parametrize(
    "words",
    ["create --platfrom linux/amd64", "create --ca ca.pem oci:a oci:b"],
    ids=["misspelt option", "no certificate"],
)
def test_the_page_shows_the_wrong_command_line(words: str, tmp_path: Path) -> None:
    """So does what is said of a command line."""
    (tmp_path / "ca.pem").write_text("")
    result = run_mbuild(*words.split(), cwd=tmp_path)
    assert result.code == 2
    assert set(result.lines) - documented_errors() == set()


def test_the_page_shows_a_dangling_list(
    registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """So does what verify says of a list whose image was cleaned up."""
    layout = Path(__file__).parents[1] / "examples" / "linux-arm64"
    skopeo_copy_from_layout(layout, "1.0", registry, f"{repository}:arm64")
    name = f"{registry.host}/{repository}"
    run_mbuild("create", f"{name}:1.4.2", f"{name}:arm64", cwd=tmp_path)
    (line,) = [line for line in documented_errors() if " of linux/arm64 is missing" in line]
    (digest,) = re.findall(r"sha256:[0-9a-f]{64}", line)
    delete_manifest(name, digest)
    result = run_mbuild("verify", f"{name}:1.4.2", cwd=tmp_path)
    assert result.code == 4
    told = [
        one.replace(name, SHOWN).replace(registry.host, "localhost:5000") for one in result.lines
    ]
    assert told == [line]
