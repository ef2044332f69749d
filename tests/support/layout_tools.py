"""Layouts as the tools of this world write them: by the tool itself, or by its known shape."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.support import foreign
from tests.support.docker_registry import DockerRegistry
from tests.support.images import Content, digest_of, make_image, make_index, write_layout

REF_NAME = "org.opencontainers.image.ref.name"
AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64", layers=2)
OTHER = make_image("linux/riscv64")
INDEX = make_index(AMD64, ARM64, attestations=True)


@dataclass(frozen=True, slots=True)
class Build:
    """What a layout is made from: a registry with INDEX and AMD64, and a folder for the rest."""

    registry: DockerRegistry
    repository: str
    folder: Path

    def docker(self, tag: str) -> str:
        """Name a tag as skopeo and podman do."""
        return f"docker://{self.registry.host}/{self.repository}:{tag}"


Make = Callable[[Build, Path], None]


def by_skopeo(build: Build, layout: Path) -> None:
    """Copies an index, and another image of it by a whole reference."""
    target = f"oci:{layout}:1.0"
    foreign.skopeo_copy("--all", source=build.docker("index"), target=target)
    target = f"oci:{layout}:registry.test:5000/team/app:amd64"
    foreign.skopeo_copy(source=build.docker("amd64"), target=target)


def by_podman(build: Build, layout: Path) -> None:
    """Saves one image, as a folder: its tag is a whole reference."""
    foreign.need_mounts()
    name = build.docker("amd64").removeprefix("docker://")
    save = ("podman", "save", "--quiet", "--format", "oci-dir", "-o", layout, name)
    foreign.podman(build.registry, ("podman", "pull", "--quiet", name), save)


def by_podman_manifest(build: Build, layout: Path) -> None:
    """Pushes a list that it has made itself."""
    foreign.podman(
        build.registry,
        ("podman", "manifest", "create", "list"),
        ("podman", "manifest", "add", "--all", "list", build.docker("index")),
        ("podman", "manifest", "push", "--quiet", "--all", "list", f"oci:{layout}:1.0"),
    )


def by_buildah(build: Build, layout: Path) -> None:
    """Builds an image for another platform, and commits it."""
    content = build.folder / "content"
    content.write_text("built")
    config = ("--arch", "arm64", "--os", "linux")
    foreign.podman(
        build.registry,
        ("buildah", "from", "--name", "build", "scratch"),
        ("buildah", "add", "--quiet", "build", content, "/content"),
        ("buildah", "config", *config, "build"),
        ("buildah", "commit", "--quiet", "--format", "oci", "build", f"oci:{layout}:1.0"),
    )


def by_umoci(build: Build, layout: Path) -> None:
    """Makes images by hand, two tags of one, and another for another platform."""
    layer = build.folder / "layer.tar"
    layer.write_bytes(make_tar())
    foreign.umoci("init", "--layout", layout)
    foreign.umoci("new", "--image", f"{layout}:1.0")
    foreign.umoci("raw", "add-layer", "--image", f"{layout}:1.0", layer)
    foreign.umoci("config", "--image", f"{layout}:1.0", "--architecture", "amd64")
    foreign.umoci("tag", "--image", f"{layout}:1.0", "latest")
    change = ("--architecture", "arm64", "--tag", "arm64")
    foreign.umoci("config", "--image", f"{layout}:1.0", *change)


def like_crane(_build: Build, layout: Path) -> None:
    """`crane pull --format=oci A B`: no tags at all."""
    write(layout, entry_of(INDEX), entry_of(OTHER), holds=(INDEX, OTHER))


def like_crane_annotated(_build: Build, layout: Path) -> None:
    """`crane pull --format=oci --annotate-ref`: the whole reference."""
    write(layout, entry_of(INDEX, {REF_NAME: "registry.test:5000/team/app:1.0"}), holds=(INDEX,))


def like_buildx(_build: Build, layout: Path) -> None:
    """`docker buildx build --output type=oci,tar=false,name=…`: whole name, tag, time."""
    annotations = {
        "io.containerd.image.name": "docker.io/team/app:1.0",
        "org.opencontainers.image.created": "2024-05-01T12:00:00Z",
        REF_NAME: "1.0",
    }
    write(layout, entry_of(INDEX, annotations), holds=(INDEX,))


def like_oras(_build: Build, layout: Path) -> None:
    """`oras cp -r --to-oci-layout`: the index by tag, then all its children."""
    children = json.loads(INDEX.manifest)["manifests"]
    write(layout, entry_of(INDEX, {REF_NAME: "1.0"}), *children, holds=(INDEX,))


def like_regctl(_build: Build, layout: Path) -> None:
    """`regctl image copy … ocidir://DIR:1.0`: the tag, and one for the referrers of an image."""
    tag = AMD64.digest.replace(":", "-")
    referrers = make_index(OTHER)
    entries = (entry_of(INDEX, {REF_NAME: "1.0"}), entry_of(referrers, {REF_NAME: tag}))
    write(layout, *entries, holds=(INDEX, referrers))


def with_platforms(_build: Build, layout: Path) -> None:
    """The images of one tag side by side in index.json, each with its platform."""
    tag = {"annotations": {REF_NAME: "1.0"}}
    write(layout, *(one.descriptor(**tag) for one in (AMD64, ARM64)), holds=(AMD64, ARM64))


def entry_of(content: Content, annotations: Mapping[str, str] | None = None) -> dict[str, Any]:
    """An entry of index.json without a platform."""
    entry = {"mediaType": content.media_type, "digest": content.digest, "size": content.size}
    return {**entry, "annotations": dict(annotations)} if annotations else entry


def write(layout: Path, *entries: Mapping[str, Any], holds: tuple[Content, ...]) -> None:
    """Write a layout with these entries."""
    write_layout(layout, {str(number): one for number, one in enumerate(holds)})
    index = {"schemaVersion": 2, "manifests": entries}
    (layout / "index.json").write_text(json.dumps(index))


def make_tar() -> bytes:
    """Give an empty tar."""
    return bytes(10240)


def below(layout: Path, digest: str) -> set[str]:
    """The digests of a manifest in a layout, and of all below it; each blob has its own bytes."""
    return set(_below(layout, digest))


def _below(layout: Path, digest: str) -> Iterator[str]:
    raw = (layout / "blobs" / digest.replace(":", "/")).read_bytes()
    assert digest_of(raw) == digest
    yield digest
    try:
        manifest = json.loads(raw)
    except ValueError:
        return
    for entry in manifest.get("manifests", ()):
        yield from _below(layout, entry["digest"])
    for blob in (manifest["config"], *manifest["layers"]) if "layers" in manifest else ():
        yield from _below(layout, blob["digest"])


def digest_at(layout: Path, tag: str) -> str:
    """The digest of the first entry with a tag, or with none."""
    entries = json.loads((layout / "index.json").read_bytes())["manifests"]
    found = [one for one in entries if one.get("annotations", {}).get(REF_NAME, "") == tag]
    return str(found[0]["digest"])
