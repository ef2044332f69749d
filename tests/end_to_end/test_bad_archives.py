"""An archive that cannot be used: one clear error, exit code 4, and nothing is written."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.archives import (
    docker_members,
    make_tar,
    oci_members,
    packed,
    plain_layers,
    write_tar,
)
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import digest_of, make_image, write_layout
from tests.support.pushing import tags_of
from tests.support.specs import SPEC, write_spec

AMD64 = make_image("linux/amd64")
OCI, DOCKER = oci_members({"1.0": AMD64}), docker_members({"app:1.0": AMD64})
(LAYER,) = AMD64.layers
(PLAIN,) = plain_layers(AMD64)
LAYER_NAME = f"blobs/sha256/{digest_of(LAYER)[7:]}"
Write = Callable[[Path], object]
AGAIN = "make the archive again"
UNTRUSTED = "do not trust it: no tool makes such an archive of an image"


def tar(*members: tuple[str, bytes | str], packing: str = "plain") -> Write:
    """Write a tar of these members."""
    return lambda path: path.write_bytes(packed(make_tar(members), packing))


def cut(packing: str) -> Write:
    """Write an archive that has lost its end."""

    def write(path: Path) -> None:
        raw = packed(make_tar(OCI), packing)
        path.write_bytes(raw[: len(raw) // 2])

    return write


def changed(**members: bytes | None) -> Write:
    """Write an OCI archive that lacks members, or has others."""

    def write(path: Path) -> None:
        pairs = {
            **OCI,
            **{LAYER_NAME if key == "layer" else key: it for key, it in members.items()},
        }
        write_tar(path, {name: raw for name, raw in pairs.items() if raw is not None})

    return write


def as_docker(name: str, raw: bytes) -> Write:
    """Write a docker archive that has another member."""
    return lambda path: write_tar(path, {**DOCKER, name: raw})


def nothing(path: Path) -> None:
    """Write no file."""


BAD = {
    "no file": (
        nothing,
        "oci",
        "no such file; check the name and the tag, or mark the entry optional",
    ),
    "text": (
        lambda path: path.write_text("hello\n" * 500),
        "oci",
        f"it is not a tar archive; {AGAIN}",
    ),
    "empty file": (lambda path: path.touch(), "docker", f"the file is empty; {AGAIN}"),
    "folder": (
        lambda path: write_layout(path, {"1.0": AMD64}),
        "oci",
        (
            "it is a folder, and no archive; "
            "a folder that holds an OCI image layout is named oci:DIR"
        ),
    ),
    "cut short": (
        cut("plain"),
        "oci",
        f"it is cut short: it ends within a member, at byte 2560 or later; {AGAIN}",
    ),
    "cut short, gzip": (
        cut("gzip"),
        "oci",
        f"it is cut short: its compressed data have no end; {AGAIN}",
    ),
    "cut short, zstd": (
        cut("zstd"),
        "oci",
        f"it is cut short: its compressed data have no end; {AGAIN}",
    ),
    "path outside": (
        tar(("../evil", b"")),
        "oci",
        f"'../evil' leads to a place outside of the archive; {UNTRUSTED}",
    ),
    "absolute path": (
        tar(("/etc/cron.d/evil", b""), packing="zstd"),
        "docker",
        f"'/etc/cron.d/evil' leads to a place outside of the archive; {UNTRUSTED}",
    ),
    "link outside": (
        tar(("manifest.json", "../../etc/passwd")),
        "docker",
        f"'manifest.json' links to a place outside of the archive; {UNTRUSTED}",
    ),
    "duplicate member": (
        tar(*OCI.items(), ("index.json", b"{}")),
        "oci",
        f"'index.json' stands in it twice, with other content; {AGAIN}",
    ),
    "no layer": (
        changed(layer=None),
        "oci",
        f"its layer {digest_of(LAYER)} does not exist; build or export the image again",
    ),
    "layer of another size": (
        changed(layer=LAYER + b"?"),
        "oci",
        (
            f"its layer {digest_of(LAYER)} has {len(LAYER) + 1} bytes, not {len(LAYER)}; "
            "build or export the image again"
        ),
    ),
    "another layer": (
        as_docker(f"{digest_of(PLAIN)[7:]}/layer.tar", bytes(1024)),
        "docker",
        (
            f"layer '{digest_of(PLAIN)[7:]}/layer.tar' is not what the image's config says: "
            f"it unpacks to {digest_of(bytes(1024))}, not to {digest_of(PLAIN)}; "
            "save the image again"
        ),
    ),
    "another config": (
        as_docker(f"{digest_of(AMD64.config)[7:]}.json", b"{}"),
        "docker",
        f"config '{digest_of(AMD64.config)[7:]}.json' does not hash to its name; {AGAIN}",
    ),
}


@pytest.mark.parametrize(("write", "kind", "message"), BAD.values(), ids=BAD)
def test_bad_archive(
    registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
    *,
    write: Write,
    kind: str,
    message: str,
) -> None:
    """It is told with its place in the spec and its file; nothing is written, here or there."""
    archive = tmp_path / "app.tar"
    write(archive)
    source = f"{kind}-archive:app.tar"
    write_spec(tmp_path, f"{registry.host}/{repository}:1", {"linux/amd64": source})
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    before = sorted(tmp_path.rglob("*"))
    done = run_mbuild("push", SPEC, cwd=tmp_path, env={"TMPDIR": str(scratch)})
    assert (done.code, done.lines) == (
        4,
        [f"error: {SPEC}:3:16: {kind}-archive:app.tar: {message}"],
    )
    assert sorted(tmp_path.rglob("*")) == before
    assert tags_of(registry.url, repository) == []


def test_damaged_layer(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A layer that does not hash to its name is found when it is sent: no tag is moved."""
    changed(layer=LAYER[:-1] + b"?")(tmp_path / "app.tar")
    write_spec(tmp_path, f"{registry.host}/{repository}:1", {"linux/amd64": "oci-archive:app.tar"})
    done = run_mbuild("push", SPEC, cwd=tmp_path)
    assert done.code == 4
    (line,) = [line for line in done.lines if line.startswith("error")]
    assert line == (
        f"error: oci-archive:app.tar@{digest_of(LAYER)}: the bytes that arrived are not those of "
        f"{digest_of(LAYER)}; build or export the image again"
    )
    assert tags_of(registry.url, repository) == []


@pytest.mark.parametrize("optional", ["missing", "text"])
def test_optional(registry: DockerRegistry, repository: str, tmp_path: Path, optional: str) -> None:
    """An archive that is not there may be optional, one that is broken not."""
    write_tar(tmp_path / "app.tar", DOCKER)
    (tmp_path / "text").write_text("hello")
    write_spec(
        tmp_path,
        f"{registry.host}/{repository}:1",
        {
            "linux/amd64": "docker-archive:app.tar",
            "linux/arm64": f"{{image: 'oci-archive:{optional}', optional: true}}",
        },
    )
    done = run_mbuild("push", SPEC, cwd=tmp_path)
    assert done.code == (0 if optional == "missing" else 4), done.stderr
