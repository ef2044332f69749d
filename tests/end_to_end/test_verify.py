"""Verify finds what a registry's clean-up, a disk or a careless hand has taken from an image."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.fixtures import StartRegistry
from tests.support.images import Index, digest_of, make_image, make_index
from tests.support.pushing import push_image
from tests.support.specs import write_spec

AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64, attestations=True)
LAYER, CONFIG = digest_of(AMD64.layers[0]), digest_of(ARM64.config)
AGAIN = "push again with --force, or copy it from where it is whole"


def repository_folder(registry: DockerRegistry, repository: str) -> Path:
    """Where the registry keeps what belongs to a repository."""
    return registry.storage / "docker" / "registry" / "v2" / "repositories" / repository


def blob_file(registry: DockerRegistry, digest: str) -> Path:
    """The file of a blob, which all repositories share."""
    name = digest.partition(":")[2]
    blobs = registry.storage / "docker" / "registry" / "v2" / "blobs" / "sha256"
    return blobs / name[:2] / name / "data"


def unlink_layer(registry: DockerRegistry, repository: str) -> None:
    """Take a layer's link from the repository."""
    folder = repository_folder(registry, repository) / "_layers" / "sha256"
    shutil.rmtree(folder / LAYER.partition(":")[2])


def unlink_child(registry: DockerRegistry, repository: str) -> None:
    """Take a child's revision from the repository, as a clean-up of untagged manifests does."""
    folder = repository_folder(registry, repository) / "_manifests" / "revisions" / "sha256"
    shutil.rmtree(folder / ARM64.digest.partition(":")[2])


def lose_blob(registry: DockerRegistry, _repository: str) -> None:
    """Take a config's file away."""
    blob_file(registry, CONFIG).unlink()


def cut_blob(registry: DockerRegistry, _repository: str) -> None:
    """Take the end of a layer's file away."""
    path = blob_file(registry, LAYER)
    path.write_bytes(path.read_bytes()[:100])


def flip_byte(registry: DockerRegistry, _repository: str) -> None:
    """Change one byte of a layer's file."""
    path = blob_file(registry, LAYER)
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(content)


SPOILT = [
    (
        "layer unlinked", unlink_layer,
        f"layer {LAYER} of linux/amd64 is missing: HOST answered 404 Not Found",
    ),
    (
        "child unlinked", unlink_child,
        (f"manifest {ARM64.digest} of linux/arm64 is missing: HOST answered 404 Not Found "
        "(MANIFEST_UNKNOWN: manifest unknown)"),
    ),
    (
        "config lost", lose_blob,
        f"config {CONFIG} of linux/arm64 is missing: HOST answered 404 Not Found",
    ),
    (
        "layer cut", cut_blob,
        (f"layer {LAYER} of linux/amd64 has another size: its descriptor says "
        f"{len(AMD64.layers[0])} bytes, and it has 100"),
    ),
]  # fmt: skip


@pytest.fixture
def own(start_registry: StartRegistry) -> DockerRegistry:
    """A registry whose files may be spoilt."""
    return start_registry()


def verify(registry: DockerRegistry, folder: Path, *words: str) -> Result:
    """Verify the tag."""
    return run_mbuild("verify", f"{registry.host}/team/app:1.0", *words, cwd=folder)


@pytest.mark.parametrize("words", [(), ("--deep",)], ids=["asked for", "deep"])
@pytest.mark.parametrize(
    ("effect", "message"), [one[1:] for one in SPOILT], ids=[one[0] for one in SPOILT]
)
def test_what_is_missing_is_named(
    own: DockerRegistry,
    tmp_path: Path,
    effect: Callable[[DockerRegistry, str], None],
    message: str,
    words: tuple[str, ...],
) -> None:
    """A published list that lost a part is found out, by its digest and platform."""
    push_image(own.url, "team/app", "1.0", INDEX)
    assert verify(own, tmp_path, *words).code == 0
    effect(own, "team/app")
    result = verify(own, tmp_path, *words)
    (line,) = result.told(own.host)
    assert (result.code, line.split(" (BLOB_UNKNOWN")[0].removesuffix(f"; {AGAIN}")) == (
        4, f"error: HOST/team/app:1.0: {message}",
    )  # fmt: skip


def test_flipped_byte(own: DockerRegistry, tmp_path: Path) -> None:
    """A byte that flipped on the disk is found by reading all, and only so."""
    push_image(own.url, "team/app", "1.0", INDEX)
    flip_byte(own, "team/app")
    assert verify(own, tmp_path).code == 0
    spoilt = digest_of(blob_file(own, LAYER).read_bytes())
    result = verify(own, tmp_path, "--deep")
    assert (result.code, result.told(own.host)) == (
        4,
        [
            (
                f"error: HOST/team/app:1.0: layer {LAYER} of linux/amd64 is damaged: "
                f"its bytes hash to {spoilt}; {AGAIN}"
            )
        ],
    )


def test_nothing_remembered_answers_for_the_registry(own: DockerRegistry, tmp_path: Path) -> None:
    """What an earlier run has seen proves nothing: a child that went since is found out."""
    for tag, image in (("amd64", AMD64), ("arm64", ARM64)):
        push_image(own.url, "team/app", tag, image)
    name = f"{own.host}/team/app"
    write_spec(
        tmp_path,
        f"{name}:1.0",
        {"linux/amd64": f"{name}:amd64", "linux/arm64": f"{name}:arm64"},
    )
    assert run_mbuild("push", cwd=tmp_path).code == 0
    assert verify(own, tmp_path).code == 0
    unlink_child(own, "team/app")
    result = verify(own, tmp_path, "-o", "json")
    (one,) = json.loads(result.stdout)["references"]
    assert (result.code, [part["digest"] for part in one["missing"]]) == (4, [ARM64.digest])


def test_what_push_prints_can_be_verified(
    registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """`push -q` gives what `verify` takes, and `verify -q` gives it back."""
    push_image(registry.url, repository, "amd64", AMD64)
    name = f"{registry.host}/{repository}"
    published = run_mbuild("create", f"{name}:1", f"{name}:amd64", "-q", cwd=tmp_path).stdout
    result = run_mbuild("verify", *published.split(), "-q", "--deep", cwd=tmp_path)
    assert (result.code, result.stdout, result.stderr) == (0, published, "")


def test_docker_list(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A Docker list of Docker images is verified as an OCI index is."""
    image = make_image("linux/amd64", docker=True)
    index: Index = make_index(image, docker=True)
    push_image(registry.url, repository, "1", index)
    result = run_mbuild("verify", f"{registry.host}/{repository}:1", cwd=tmp_path)
    assert (result.code, result.stdout) == (
        0,
        (
            f"{registry.host}/{repository}@{index.digest}  Docker manifest list, 1 image: "
            "1 manifest, 1 config, 1 layer (10.5 kB) answer\n"
        ),
    )
