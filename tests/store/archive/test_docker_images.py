"""Docker archives: which image is meant, and what is wrong with broken ones."""

import gzip
import json
from collections.abc import Callable
from pathlib import Path

import pytest

from mbuild.oci.manifest import parse_image_manifest
from mbuild.store.archive.archive import ArchiveStore
from mbuild.store.archive.docker_layers import Allowance
from tests.store.archive.world import AGAIN, AMD64, ARM64, ask, error_of, fetch, read_blob
from tests.support.archives import (
    Members,
    docker_members,
    make_tar,
    new_docker_members,
    packed,
    plain_layers,
    write_tar,
)
from tests.support.images import DOCKER_LAYER, digest_of, make_image

BOTH = {"app:1": AMD64, "registry.test/app:arm": ARM64, "": make_image("linux/s390x")}
NAMES = "app:1, registry.test/app:arm, @2"


@pytest.fixture
def both(tmp_path: Path) -> Path:
    """An archive with three images, one of them without a name."""
    return write_tar(tmp_path / "app.tar", docker_members(BOTH))


def config_of(path: Path, ref: str) -> bytes:
    """The config of the image that a reference means."""

    async def use(store: ArchiveStore) -> bytes:
        content = await store.fetch_manifest(ref)
        return await store.fetch_blob(parse_image_manifest(content.raw).config)

    return ask("docker-archive", path, use)


def test_chosen_by_name(both: Path) -> None:
    """Each image is found by its name or its place."""
    for ref, image in [("app:1", AMD64), ("registry.test/app:arm", ARM64), ("@1", ARM64)]:
        assert config_of(both, ref) == image.config
    assert ask("docker-archive", both, lambda store: store.list_tags()) == (
        "app:1",
        "registry.test/app:arm",
    )


def test_unclear(both: Path) -> None:
    """Without a name several images are listed, and so they are where none has the name."""
    told = error_of("docker-archive", both, lambda store: store.fetch_manifest(""))
    assert told == (
        "SourceError",
        (
            "docker-archive:FILE: the archive stands for several images; "
            f"say which one: {NAMES}; if the spec says the platform, that is enough"
        ),
    )
    told = error_of("docker-archive", both, lambda store: store.fetch_manifest("web:1"))
    assert told == (
        "NotFound",
        f"docker-archive:FILE:web:1: no such image in the archive; it holds {NAMES}",
    )


def test_one_name_for_two(tmp_path: Path) -> None:
    """A name that two images have does not tell them apart."""
    members = docker_members({"app:1": AMD64, "app:2": ARM64})
    members["manifest.json"] = members["manifest.json"].replace(b"app:2", b"app:1")
    path = write_tar(tmp_path / "app.tar", members)
    told = error_of("docker-archive", path, lambda store: store.fetch_manifest("app:1"))
    assert told[1] == (
        "docker-archive:FILE:app:1: the name stands for several images; "
        "say which one: @0, @1; if the spec says the platform, that is enough"
    )


def test_candidates(both: Path) -> None:
    """What may be meant is told with name and platform, so that it can be chosen by that."""

    async def use(store: ArchiveStore) -> list[tuple[str, str]]:
        found = await store.candidates("")
        names = [one.annotation("org.opencontainers.image.ref.name") for one in found]
        return list(zip(names, [str(one.platform) for one in found], strict=True))

    assert ask("docker-archive", both, use) == [
        ("app:1", "linux/amd64"),
        ("registry.test/app:arm", "linux/arm64"),
        ("@2", "linux/s390x"),
    ]
    assert ask("docker-archive", both, lambda store: store.candidates("app:1")) == ()


def test_found_by_digest(both: Path) -> None:
    """An image that nobody has asked for yet is found by the digest it will have."""
    content = fetch("docker-archive", both, "@2")
    assert fetch("docker-archive", both, str(content.digest)) == content
    absent = digest_of(b"absent")
    told = error_of("docker-archive", both, lambda store: store.fetch_manifest(absent))
    assert told == (
        "NotFound",
        f"docker-archive:FILE@{absent}: no such manifest in the archive",
    )


def test_layers_that_are_the_same(tmp_path: Path) -> None:
    """A layer that stands twice in an image, or is a link to another, is one blob."""
    (layer,) = plain_layers(ARM64)
    config = json.dumps({"os": "linux", "rootfs": {"diff_ids": [digest_of(layer)] * 2}}).encode()
    saved = [{"Config": "c.json", "Layers": ["a/layer.tar", "b/layer.tar"]}]
    members: list[tuple[str, bytes | str]] = [
        ("b/layer.tar", "../a/layer.tar"),
        ("a/layer.tar", layer),
        ("c.json", config),
        ("manifest.json", json.dumps(saved).encode()),
    ]
    path = tmp_path / "app.tar"
    path.write_bytes(make_tar(members))
    manifest = parse_image_manifest(fetch("docker-archive", path).raw)
    assert len(manifest.layers) == 2
    assert len(set(manifest.layers)) == 1


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_packed_layers_travel_as_they_are(tmp_path: Path, packing: str) -> None:
    """A layer that is compressed already is not compressed again, and is named by its kind."""
    (plain,) = plain_layers(ARM64)
    layer = packed(plain, packing)
    members = docker_members({"": ARM64})
    name = next(name for name in members if name.endswith("/layer.tar"))
    path = write_tar(tmp_path / "app.tar", {**members, name: layer})

    async def use(store: ArchiveStore) -> tuple[str, bytes]:
        (only,) = parse_image_manifest((await store.fetch_manifest("")).raw).layers
        return only.media_type, await read_blob(store, only)

    kind = DOCKER_LAYER if packing == "gzip" else DOCKER_LAYER.replace("gzip", "zstd")
    assert ask("docker-archive", path, use) == (kind, layer)


def test_allowance() -> None:
    """So many bytes are kept in memory, and no more."""
    allowance = Allowance(10)
    assert [allowance.take(size) for size in (6, 5, 4, 1)] == [True, False, True, False]


HEX = digest_of(ARM64.config)[7:]
LAYER = f"{digest_of(plain_layers(ARM64)[0])[7:]}/layer.tar"
OTHER = plain_layers(make_image("linux/arm64", seed=1))[0]


def without(name: str) -> Callable[[Members], Members]:
    """Take a member out."""
    return lambda members: {key: raw for key, raw in members.items() if key != name}


def with_member(name: str, raw: bytes) -> Callable[[Members], Members]:
    """Replace a member."""
    return lambda members: {**members, name: raw}


def with_config(**changes: object) -> Callable[[Members], Members]:
    """Change the config, under a name that is no hash."""
    raw = json.dumps({**json.loads(ARM64.config), **changes}).encode()
    saved = json.dumps([{"Config": "config", "Layers": [LAYER]}]).encode()
    return lambda members: {**members, "config": raw, "manifest.json": saved}


UNPACKS = (
    f"ImageMismatch: FILE: layer '{LAYER}' is not what the image's config says: "
    f"it unpacks to {digest_of(OTHER)}, not to sha256:{LAYER[:64]}; save the image again"
)
BROKEN = {
    "no manifest.json": (
        without("manifest.json"),
        (
            "SourceError: FILE: it was not made by docker save or the like: manifest.json is "
            "missing; save the image again with a current docker or podman"
        ),
    ),
    "a layout": (
        lambda members: with_member("index.json", b"{}")(without("manifest.json")(members)),
        (
            "SourceError: FILE: it was not made by docker save or the like: manifest.json is "
            "missing; it holds an OCI image layout: name it oci-archive:FILE"
        ),
    ),
    "manifest.json that is none": (
        with_member("manifest.json", b"{}"),
        f"SourceError: FILE: the archive is broken: manifest.json: not a JSON list; {AGAIN}",
    ),
    "no config": (
        without(f"{HEX}.json"),
        f"SourceError: FILE: config '{HEX}.json' is missing from the archive; {AGAIN}",
    ),
    "another config": (
        with_member(f"{HEX}.json", b"{}"),
        f"SourceError: FILE: config '{HEX}.json' does not hash to its name; {AGAIN}",
    ),
    "huge config": (
        with_member(f"{HEX}.json", b" " * 4_194_305),
        (
            f"SourceError: FILE: '{HEX}.json' has 4194305 bytes, "
            f"and 4194304 are the most that are read; {AGAIN}"
        ),
    ),
    "malformed config": (
        with_config(rootfs=[]),
        f"SourceError: FILE: config 'config' is malformed: 'rootfs' is not an object; {AGAIN}",
    ),
    "config of more layers": (
        with_config(rootfs={"diff_ids": []}),
        (f"SourceError: FILE: config 'config' has 0 layers, and manifest.json gives 1; {AGAIN}"),
    ),
    "no layer": (
        without(LAYER),
        f"SourceError: FILE: layer '{LAYER}' is missing from the archive; {AGAIN}",
    ),
    "another layer": (with_member(LAYER, OTHER), UNPACKS),
    "another packed layer": (with_member(LAYER, gzip.compress(OTHER, mtime=0)), UNPACKS),
    "layer cut short": (
        with_member(LAYER, gzip.compress(OTHER, mtime=0)[:-9]),
        f"SourceError: FILE: it is cut short: its compressed data have no end; {AGAIN}",
    ),
    "layer of bzip2": (
        with_member(LAYER, b"BZh91AY&SY"),
        (
            f"ImageMismatch: FILE: layer '{LAYER}' is compressed with bzip2, "
            "and only gzip and zstd are read; save the image again with docker or podman"
        ),
    ),
}


@pytest.mark.parametrize(("change", "message"), BROKEN.values(), ids=BROKEN)
def test_broken(tmp_path: Path, change: Callable[[Members], Members], message: str) -> None:
    """A broken archive is told by its file and by what is wrong with it."""
    path = write_tar(tmp_path / "app.tar", change(docker_members({"app:1": ARM64})))
    told = error_of("docker-archive", path, lambda store: store.fetch_manifest(""))
    assert ": ".join(told) == message.replace("FILE", "docker-archive:FILE", 1)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
def test_a_packed_layer_with_more_behind_it(tmp_path: Path, packing: str) -> None:
    """A compressed layer that no client would unpack to its end is not sent."""
    (plain,) = plain_layers(ARM64)
    members = docker_members({"": ARM64})
    name = next(name for name in members if name.endswith("/layer.tar"))
    path = write_tar(tmp_path / "app.tar", {**members, name: packed(plain, packing) + b"more"})
    told = error_of("docker-archive", path, lambda store: store.fetch_manifest(""))
    assert told == (
        "SourceError",
        (f"docker-archive:FILE: a layer in it has other bytes behind its compressed ones; {AGAIN}"),
    )


def test_a_packed_layer_that_is_named_by_another_hash(tmp_path: Path) -> None:
    """Where the file of a compressed layer is named by its hash, it has that hash."""
    members = new_docker_members("app:1", ARM64, is_packed=True)
    name = f"blobs/sha256/{digest_of(ARM64.layers[0])[7:]}"
    members[name] = gzip.compress(plain_layers(ARM64)[0], 1, mtime=0)
    path = write_tar(tmp_path / "app.tar", members)
    told = error_of("docker-archive", path, lambda store: store.fetch_manifest(""))
    assert told == (
        "ImageMismatch",
        f"docker-archive:FILE: layer '{name}' does not hash to its name; {AGAIN}",
    )
