"""Archives made by each tool are published, and what is pulled back is what was in them."""

import gzip
import json
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.engines import (
    DAEMONS_NEED_ROOT,
    MAY_START_DAEMONS,
    containerd,
    docker,
    podman,
    run,
)
from tests.support.foreign import skopeo_copy_to_folder
from tests.support.images import Content, Image, digest_of, make_image, make_index, write_layout
from tests.support.specs import write_spec

AMD64, ARM64 = make_image("linux/amd64", layers=2, size=5000), make_image("linux/arm64", seed=1)
DAEMON = pytest.mark.skipif(not MAY_START_DAEMONS, reason=DAEMONS_NEED_ROOT)
Make = Callable[[Path, Path], None]
"""Makes the archive in the second path of the layout in the first."""


@pytest.fixture(scope="module")
def layout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The images that the tools make archives of: each alone, and both in an index."""
    contents: dict[str, Content] = {
        "amd64": AMD64,
        "arm64": ARM64,
        "both": make_index(AMD64, ARM64),
    }
    return write_layout(tmp_path_factory.mktemp("source") / "layout", contents)


def skopeo(layout: Path, tag: str, target: str) -> None:
    """Have skopeo make an archive."""
    run("skopeo", "copy", "--quiet", "--all", f"oci:{layout}:{tag}", target)


def skopeo_oci(layout: Path, archive: Path) -> None:
    skopeo(layout, "both", f"oci-archive:{archive}:1.0")


def skopeo_docker(layout: Path, archive: Path) -> None:
    skopeo(layout, "amd64", f"docker-archive:{archive}:app:1.0")


def loaded(layout: Path, folder: Path) -> Iterator[Path]:
    """Archives of each image, as engines load them."""
    for tag in ("amd64", "arm64"):
        path = folder / f"{tag}.tar"
        if not path.exists():
            run(
                "skopeo", "copy", "--quiet", "--override-arch", tag,
                f"oci:{layout}:{tag}", f"docker-archive:{path}:app:{tag}",
            )  # fmt: skip
        yield path


def podman_saves(*words: str) -> Make:
    def make(layout: Path, archive: Path) -> None:
        with podman() as engine:
            for path in loaded(layout, archive.parent):
                engine("load", "--quiet", "--input", path)
            engine("save", "--quiet", "--output", archive, *words)

    return make


def buildah_pushes(layout: Path, archive: Path) -> None:
    with podman() as engine:
        for path in loaded(layout, archive.parent):
            engine("load", "--quiet", "--input", path)
        logins = archive.parent / "auth.json"  # it wants one, and nobody logs in here
        logins.write_text("{}")
        words = ("push", "--quiet", "--authfile", logins)
        run("buildah", *engine.options, *words, "app:amd64", f"oci-archive:{archive}:1")


def umoci_in_tar(layout: Path, archive: Path) -> None:
    copy = archive.parent / "umoci"
    run("cp", "-r", layout, copy)
    image = f"{copy}:amd64"
    run("umoci", "config", "--image", image, "--tag", "made", "--config.env", "MADE=by umoci")
    for tag in ("amd64", "arm64", "both"):
        run("umoci", "rm", "--image", f"{copy}:{tag}")
    run("umoci", "gc", "--layout", copy)
    run("tar", "--create", "--file", archive, "--directory", copy, "--format=pax", ".")


def docker_saves(layout: Path, archive: Path) -> None:
    with docker() as engine:
        for path in loaded(layout, archive.parent):
            engine("load", "--quiet", "--input", path)
        engine("tag", "app:amd64", "app:again")
        engine("save", "--output", archive, "app:amd64", "app:again", "app:arm64")


def containerd_exports(layout: Path, archive: Path) -> None:
    whole = archive.parent / "whole.tar"
    skopeo(layout, "both", f"oci-archive:{whole}:1.0")
    with containerd() as ctr:
        ctr("images", "import", "--no-unpack", "--all-platforms", "--base-name", "app", whole)
        ctr("images", "export", "--all-platforms", archive, "app:1.0")


ARCHIVES = {
    "skopeo, oci": (skopeo_oci, "oci-archive:{}"),
    "podman, oci": (podman_saves("--format", "oci-archive", "app:amd64"), "oci-archive:{}"),
    "buildah, oci": (buildah_pushes, "oci-archive:{}:1"),
    "umoci and tar": (umoci_in_tar, "oci-archive:{}:made"),
    "containerd, oci": (containerd_exports, "oci-archive:{}:app:1.0"),
    "skopeo, docker": (skopeo_docker, "docker-archive:{}"),
    "podman, docker": (podman_saves("app:amd64"), "docker-archive:{}:app:amd64"),
    "podman, many": (
        podman_saves("--multi-image-archive", "app:amd64", "app:arm64"),
        "docker-archive:{}",
    ),
    "docker save": (docker_saves, "docker-archive:{}:app:again"),
    "docker save, many": (docker_saves, "docker-archive:{}"),
    "containerd, docker": (containerd_exports, "docker-archive:{}"),
}
OF_DAEMONS = ("containerd", "docker save")
COMPRESSED = ("skopeo, oci", "podman, docker")
EACH = [
    pytest.param(
        *case,
        program,
        id=f"{name} {program}".strip(),
        marks=[DAEMON] if name.startswith(OF_DAEMONS) else [],
    )
    for name, case in ARCHIVES.items()
    for program in (("", "gzip", "zstd") if name in COMPRESSED else ("",))
]


@pytest.fixture(scope="module")
def made(layout: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[[Make], Path]:
    """Gives the archive that a tool makes, which makes it once."""
    archives: dict[Make, Path] = {}

    def give(make: Make) -> Path:
        if make not in archives:
            path = tmp_path_factory.mktemp("made") / "app.tar"
            make(layout, path)
            archives[make] = path
        return archives[make]

    return give


def packed(path: Path, program: str) -> Path:
    """The archive as the program compresses it."""
    if not program:
        return path
    copy = path.with_suffix(f".{program}")
    if not copy.exists():
        run("sh", "-c", f"{program} -q -c '{path}' > '{copy}'")
    return copy


@pytest.mark.parametrize(("make", "reference", "program"), EACH)
def test_made_by_tools(
    made: Callable[[Make], Path],
    registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
    *,
    make: Make,
    reference: str,
    program: str,
) -> None:
    """Published and pulled back by skopeo, blobs are those of the archive, or unpack to them."""
    archive = packed(made(make), program)
    source = reference.format(archive)
    spec = write_spec(tmp_path, f"{registry.host}/{repository}:1", {"linux/amd64": source})
    done = run_mbuild("push", spec, cwd=tmp_path)
    assert done.code == 0, done.stderr
    skopeo_copy_to_folder(registry, f"{repository}:1", tmp_path / "pulled")
    pulled = {path.name: path.read_bytes() for path in (tmp_path / "pulled").iterdir()}
    (manifest,) = [
        json.loads(raw) for name, raw in pulled.items() if name.endswith(".manifest.json")
    ]
    blobs = [pulled[blob["digest"][7:]] for blob in (manifest["config"], *manifest["layers"])]
    with tarfile.open(made(make)) as tar:
        held = [file.read() for one in tar if (file := tar.extractfile(one))]
    assert set(map(digest_of, map(unpacked, blobs))) <= set(map(digest_of, map(unpacked, held)))
    assert json.loads(blobs[0])["architecture"] == "amd64"
    assert is_whole(blobs)
    if reference.startswith("oci-archive"):
        assert set(map(digest_of, blobs)) <= set(map(digest_of, held))


def unpacked(blob: bytes) -> bytes:
    """A layer without its compression, anything else as it is."""
    return gzip.decompress(blob) if blob.startswith(b"\x1f\x8b") else blob


def is_whole(blobs: list[bytes]) -> bool:
    """Tell whether the layers are those that the config names, in order."""
    config, *layers = blobs
    named: list[str] = json.loads(config)["rootfs"]["diff_ids"]
    return named == [digest_of(unpacked(one)) for one in layers]


def test_both_from_one_archive(
    made: Callable[[Make], Path], registry: DockerRegistry, repository: str, tmp_path: Path
) -> None:
    """Each platform takes its image from an archive that holds both, without being told which."""
    archive = made(ARCHIVES["podman, many"][0])
    source = f"docker-archive:{archive}"
    platforms = {"linux/amd64": source, "linux/arm64": source}
    spec = write_spec(tmp_path, f"{registry.host}/{repository}:1", platforms)
    done = run_mbuild("push", spec, "--output", "json", cwd=tmp_path)
    assert done.code == 0, done.stderr
    (target,) = json.loads(done.stdout)["targets"]
    assert [one["platform"] for one in target["platforms"]] == ["linux/amd64", "linux/arm64"]
    assert target["copied"]["blobs"] == len({*names_of(AMD64), *names_of(ARM64)})
    again = run_mbuild("plan", spec, "--check", cwd=tmp_path)
    assert again.code == 0, again.stdout


def names_of(image: Image) -> list[str]:
    """The digests of an image's blobs."""
    return [digest_of(blob) for blob in image.blobs]
