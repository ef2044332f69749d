"""Archives as stores: what is in them is read by tag and digest, however they are packed."""

import asyncio
import gzip
import json
from pathlib import Path

import pytest

from mbuild.errors import StoreError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of as to_digest
from mbuild.oci.manifest import parse_image_manifest
from mbuild.oci.reference import ArchiveReference
from mbuild.store.archive.archive import ArchiveStore
from tests.store.archive.world import (
    AGAIN,
    AMD64,
    ARM64,
    INDEX,
    ask,
    error_of,
    fetch,
    read_blob,
)
from tests.support.archives import (
    PACKINGS,
    docker_members,
    made_config,
    new_docker_members,
    oci_members,
    plain_layers,
    write_tar,
)
from tests.support.artifacts import make_referrer
from tests.support.images import DOCKER_MANIFEST, Image, digest_of, make_image
from tests.support.values import blob_descriptor, content_of, stream_of

ABSENT = digest_of(b"absent")
LAYER = blob_descriptor(AMD64.layers[0])


@pytest.fixture(params=PACKINGS)
def oci(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """An OCI archive with an index at 1.0 and an image at `team/app:2`, packed each way."""
    members = oci_members({"1.0": INDEX, "team/app:2": ARM64})
    return write_tar(tmp_path / "app.tar", members, request.param)


@pytest.mark.parametrize(
    ("reference", "expected"),
    [("1.0", INDEX), ("team/app:2", ARM64), (AMD64.digest, AMD64), (INDEX.digest, INDEX)],
    ids=["tag", "whole reference", "child", "digest"],
)
def test_manifests(oci: Path, reference: str, expected: Image) -> None:
    """A manifest is given byte for byte, by its tag or its digest."""
    assert fetch("oci-archive", oci, reference) == content_of(expected)


def test_blobs(oci: Path) -> None:
    """A blob is read whole or from any byte on, measured and hashed."""
    layer = AMD64.layers[0]

    async def use(store: ArchiveStore) -> list[object]:
        return [
            await read_blob(store, LAYER),
            await read_blob(store, LAYER, 100),
            await read_blob(store, LAYER, len(layer)),
            await store.fetch_blob(LAYER),
            await store.blob_size(LAYER.digest),
            await store.hash_blob(LAYER),
            await store.has_blob(LAYER),
            await store.has_blob(blob_descriptor(b"absent")),
        ]

    hashed = (len(layer), LAYER.digest)
    expected = [layer, layer[100:], b"", layer, len(layer), hashed, True, False]
    assert ask("oci-archive", oci, use) == expected


def test_many_at_once(oci: Path) -> None:
    """Blobs may be read side by side, each from where it lies."""
    blobs = [blob for image in (AMD64, ARM64) for blob in image.blobs] * 5

    async def use(store: ArchiveStore) -> list[bytes]:
        return await asyncio.gather(*(read_blob(store, blob_descriptor(one)) for one in blobs))

    assert ask("oci-archive", oci, use) == blobs


def test_what_it_says_of_itself(oci: Path) -> None:
    """It lists its tags, is in no cache, and can be mounted nowhere."""

    async def use(store: ArchiveStore) -> list[object]:
        return [
            await store.list_tags(),
            str(await store.read_back("1.0")),
            await store.read_back("absent"),
            await store.mount_blob(LAYER.digest, "team/app"),
            (store.saw(LAYER.digest), store.knows("1.0"), store.keeps_whole, store.takes_tags),
            (store.name, store.place, store.path),
            await store.delete_tag("1.0"),
        ]

    name = f"oci-archive:{oci}"
    assert ask("oci-archive", oci, use) == [
        ("1.0", "team/app:2"),
        INDEX.digest,
        None,
        False,
        (False, False, False, False),
        (name, name, str(oci)),
        False,
    ]


def test_it_is_not_written_to(oci: Path) -> None:
    """Whatever would change it is refused."""

    async def use(store: ArchiveStore) -> None:
        works = [
            store.put_manifest("1", content_of(ARM64)),
            store.put_tagged(content_of(ARM64), ("1",)),
            store.upload_blob(LAYER, stream_of(b"")),
            store.put_referrer(LAYER.digest, content_of(ARM64)),
            store.add_referrers(LAYER.digest, ()),
        ]
        for work in works:
            with pytest.raises(StoreError, match="it is only read, and cannot be written to"):
                await work

    before = oci.read_bytes()
    ask("oci-archive", oci, use)
    assert oci.read_bytes() == before


def test_candidates(oci: Path) -> None:
    """Without a tag all images may be meant, with a digest there is nothing to choose."""

    async def use(store: ArchiveStore) -> list[list[str]]:
        asked = [await store.candidates(one) for one in ("", "1.0", ABSENT)]
        return [[str(one.digest) for one in found] for found in asked]

    assert ask("oci-archive", oci, use) == [[INDEX.digest, ARM64.digest], [INDEX.digest], []]


def test_referrers(tmp_path: Path) -> None:
    """What index.json names, and has an image as its subject, is found; docker has no place for it."""
    sbom = make_referrer(AMD64)
    path = write_tar(tmp_path / "app.tar", oci_members({"1.0": AMD64, "sbom": sbom}))
    subject = content_of(AMD64).digest

    async def use(store: ArchiveStore) -> list[str]:
        return [str(one.digest) for one in await store.list_referrers(subject)]

    assert ask("oci-archive", path, use) == [sbom.digest]
    assert ask("oci-archive", tmp_path / "absent", use) == []
    path = write_tar(tmp_path / "docker.tar", docker_members({"app:1": AMD64}))
    assert ask("docker-archive", path, use) == []


def test_dangling_referrer(tmp_path: Path) -> None:
    """An entry whose manifest is not there refers to nothing."""
    members = oci_members({"1.0": AMD64, "2.0": ARM64})
    del members[f"blobs/sha256/{ARM64.digest[7:]}"]
    path = write_tar(tmp_path / "app.tar", members)
    subject = content_of(AMD64).digest
    assert ask("oci-archive", path, lambda store: store.list_referrers(subject)) == ()


ABSENCES = {
    "tag": ("3.0", "FILE:3.0: no such tag in the archive; it holds 1.0, team/app:2"),
    "digest": (ABSENT, f"FILE@{ABSENT}: no such manifest in the archive"),
}


@pytest.mark.parametrize(("reference", "message"), ABSENCES.values(), ids=ABSENCES)
def test_absent(oci: Path, reference: str, message: str) -> None:
    """What is not there is not found, and the message says what is."""
    told = error_of("oci-archive", oci, lambda store: store.fetch_manifest(reference))
    assert told == ("NotFound", f"oci-archive:{message}")


def test_several_images(oci: Path) -> None:
    """Without a tag several images are an error that lists them."""
    told = error_of("oci-archive", oci, lambda store: store.fetch_manifest(""))
    assert told == (
        "StoreError",
        "oci-archive:FILE: the archive stands for several images; say which one: 1.0, team/app:2",
    )


def test_no_file(tmp_path: Path) -> None:
    """A file that does not exist holds nothing, and can appear later."""
    path = tmp_path / "app.tar"

    async def use(store: ArchiveStore) -> list[object]:
        before = [
            await store.head_manifest("1.0"),
            await store.list_tags(),
            await store.candidates(""),
            await store.has_blob(LAYER),
        ]
        write_tar(path, oci_members({"1.0": ARM64}))
        return [*before, await store.head_manifest("1.0")]

    found = [None, (), (), False, content_of(ARM64).descriptor()]
    assert ask("oci-archive", path, use) == found
    path.unlink()
    told = error_of("oci-archive", path, lambda store: store.fetch_manifest("1.0"))
    assert told == ("NotFound", "oci-archive:FILE: no such file")


def test_no_image(tmp_path: Path) -> None:
    """An archive without any image is told as such."""
    path = write_tar(tmp_path / "app.tar", oci_members({}))
    told = error_of("oci-archive", path, lambda store: store.fetch_manifest(""))
    assert told == ("NotFound", "oci-archive:FILE: the archive holds no image")
    path = write_tar(tmp_path / "app.tar", {"manifest.json": b"[]"})
    told = error_of("docker-archive", path, lambda store: store.fetch_manifest(""))
    assert told == ("NotFound", "docker-archive:FILE: the archive holds no image")


def test_replaced_file(tmp_path: Path) -> None:
    """A file that is replaced during the run is not read as if it were the old one."""
    path = write_tar(tmp_path / "app.tar", oci_members({"1.0": AMD64}))

    async def use(store: ArchiveStore) -> None:
        await store.fetch_manifest("1.0")
        write_tar(path, oci_members({"1.0": ARM64}), "gzip")
        await read_blob(store, LAYER)

    assert error_of("oci-archive", path, use) == (
        "SourceError",
        (
            "oci-archive:FILE: the file was changed while it was being read; "
            "run again once it is written"
        ),
    )


def name_of(blob: bytes) -> str:
    """The member that holds a blob."""
    return f"blobs/sha256/{digest_of(blob)[7:]}"


HASH = digest_of(AMD64.manifest)
DAMAGES = {
    "manifest of other bytes": (
        {name_of(AMD64.manifest): b"{}"},
        f"FILE: blob {HASH} does not hash to its name; {AGAIN}",
    ),
    "no manifest": (
        {name_of(AMD64.manifest): None},
        f"FILE: blob {HASH} is missing from the archive; {AGAIN}",
    ),
    "no index": (
        {"index.json": None},
        f"FILE: it holds no OCI image layout: index.json is missing; {AGAIN}",
    ),
    "of docker": (
        {"index.json": None, "manifest.json": b"[]"},
        (
            "FILE: it holds no OCI image layout: index.json is missing; "
            "it was made by docker save or the like: name it docker-archive:FILE"
        ),
    ),
    "no marker": (
        {"oci-layout": None},
        f"FILE: the archive is broken: its oci-layout file is missing; {AGAIN}",
    ),
    "another version": (
        {"oci-layout": b'{"imageLayoutVersion": "2.0.0"}'},
        (
            "FILE: the archive is broken: its version is '2.0.0', and only '1.0.0' is known; "
            f"{AGAIN}"
        ),
    ),
    "index that is none": (
        {"index.json": b"[]"},
        f"FILE: the archive is broken: not a JSON object; {AGAIN}",
    ),
    "huge index": (
        {"index.json": b" " * (4 * 1024 * 1024 + 1)},
        f"FILE: 'index.json' has 4194305 bytes, and 4194304 are the most that are read; {AGAIN}",
    ),
    "huge manifest": (
        {name_of(AMD64.manifest): b" " * (4 * 1024 * 1024 + 1)},
        (
            f"FILE: '{name_of(AMD64.manifest)}' has 4194305 bytes, "
            f"and 4194304 are the most that are read; {AGAIN}"
        ),
    ),
}


@pytest.mark.parametrize("packing", PACKINGS)
@pytest.mark.parametrize(("changes", "message"), DAMAGES.values(), ids=DAMAGES)
def test_broken(
    tmp_path: Path, packing: str, changes: dict[str, bytes | None], message: str
) -> None:
    """A broken archive is told by its file and by what is wrong with it, and is no absence."""
    members = {**oci_members({"1.0": AMD64}), **changes}
    whole = {name: raw for name, raw in members.items() if raw is not None}
    path = write_tar(tmp_path / "app.tar", whole, packing)
    told = error_of("oci-archive", path, lambda store: store.fetch_manifest("1.0"))
    assert told == ("SourceError", f"oci-archive:{message}")


def test_a_manifest_that_is_none(tmp_path: Path) -> None:
    """Bytes that are no manifest are told with the name of the image."""
    raw = b'{"schemaVersion": 2}'
    entry = {"mediaType": "", "digest": digest_of(raw), "size": len(raw)}
    index = json.dumps({"manifests": [{**entry, "mediaType": "text/plain"}]}).encode()
    members = {"oci-layout": oci_members({})["oci-layout"], "index.json": index, name_of(raw): raw}
    path = write_tar(tmp_path / "app.tar", members)
    told = error_of("oci-archive", path, lambda store: store.fetch_manifest(""))
    assert told == (
        "SourceError",
        "oci-archive:FILE: the archive is broken: it is neither an image manifest nor an index; "
        + AGAIN,
    )


@pytest.mark.parametrize("packing", PACKINGS)
def test_damaged_layer(tmp_path: Path, packing: str) -> None:
    """A blob of other bytes is not taken for what it is named by, and one of another size not read."""
    members = oci_members({"1.0": AMD64})
    layer = AMD64.layers[0]
    members[name_of(layer)] = layer[:-1] + b"?"
    path = write_tar(tmp_path / "app.tar", members, packing)
    wrong = f"oci-archive:FILE: blob {LAYER.digest} does not hash to its name; {AGAIN}"
    told = error_of("oci-archive", path, lambda store: store.fetch_blob(LAYER))
    assert told == ("SourceError", wrong)
    size, digest = ask("oci-archive", path, lambda store: store.hash_blob(LAYER))
    assert size == len(layer)
    assert digest != LAYER.digest
    told = error_of(
        "oci-archive", path, lambda store: read_blob(store, blob_descriptor(layer, size=7))
    )
    assert told == (
        "SourceError",
        (
            f"oci-archive:FILE: blob {LAYER.digest} has {len(layer)} bytes, "
            f"and its manifest says 7; {AGAIN}"
        ),
    )


def test_blobs_that_are_not_given(oci: Path) -> None:
    """A blob that is absent is not found, and one that is too large not read into memory."""
    absent = blob_descriptor(b"absent")
    assert error_of("oci-archive", oci, lambda store: store.fetch_blob(absent)) == (
        "NotFound",
        f"oci-archive:FILE: blob {ABSENT} is missing from the archive",
    )
    huge = Descriptor("text/plain", to_digest(b"x"), 5_000_000_000)
    assert error_of("oci-archive", oci, lambda store: store.fetch_blob(huge)) == (
        "SourceError",
        (
            f"oci-archive:FILE: blob {huge.digest} has 5000000000 bytes, "
            f"and 4194304 are the most that are read here; {AGAIN}"
        ),
    )


def test_an_index_that_lies(tmp_path: Path) -> None:
    """A manifest of another size than index.json says is told."""
    members = oci_members({"1.0": AMD64})
    size = len(AMD64.manifest)
    members["index.json"] = members["index.json"].replace(f": {size}".encode(), b": 7")
    path = write_tar(tmp_path / "app.tar", members)
    told = error_of("oci-archive", path, lambda store: store.fetch_manifest("1.0"))
    assert told == (
        "SourceError",
        (
            "oci-archive:FILE:1.0: the archive is broken: "
            f"index.json gives {AMD64.digest} 7 bytes, and it has {size}; {AGAIN}"
        ),
    )


@pytest.fixture(params=PACKINGS)
def packing(request: pytest.FixtureRequest) -> str:
    """Each packing in turn."""
    return str(request.param)


FORMS = {
    "old": docker_members({"app:1": AMD64}),
    "new": new_docker_members("app:1", AMD64),
    "containerd": new_docker_members("app:1", AMD64, is_packed=True),
}


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("ref", ["", "app:1", "docker.io/library/app:1", "@0"])
def test_docker_archive(tmp_path: Path, packing: str, form: str, ref: str) -> None:
    """What docker saved is a Docker image with the config as it is and the layers packed."""
    path = write_tar(tmp_path / "app.tar", FORMS[form], packing)

    async def use(store: ArchiveStore) -> tuple[bytes, bytes, list[bytes]]:
        content = await store.fetch_manifest(ref)
        assert content == await store.fetch_manifest(str(content.digest))
        manifest = parse_image_manifest(content.raw)
        layers = [await read_blob(store, layer) for layer in manifest.layers]
        assert [digest_of(raw) for raw in layers] == [str(one.digest) for one in manifest.layers]
        return content.raw, await store.fetch_blob(manifest.config), layers

    raw, config, layers = ask("docker-archive", path, use)
    said = json.loads(raw)
    assert (said["schemaVersion"], said["mediaType"]) == (2, DOCKER_MANIFEST)
    assert said["config"] == made_config(AMD64)
    assert config == AMD64.config
    assert [gzip.decompress(layer) for layer in layers] == plain_layers(AMD64)
    if form == "containerd":
        assert layers == list(AMD64.layers)


def test_docker_archive_is_always_the_same(tmp_path: Path) -> None:
    """However it is packed, the image of an archive has one digest, which is known here too."""
    digests = set()
    for packing in PACKINGS:
        path = write_tar(tmp_path / packing, docker_members({"": AMD64}), packing)
        digests.add(str(fetch("docker-archive", path).digest))
    assert len(digests) == 1


@pytest.mark.parametrize("form", ["oci-archive", "docker-archive"])
def test_new_docker_archives_are_both(tmp_path: Path, form: str) -> None:
    """What docker saves today holds a layout too: it is read under either name."""
    path = write_tar(tmp_path / "app.tar", new_docker_members("app:1", AMD64))
    assert ask(form, path, lambda store: store.list_tags()) == (
        ("1",) if form == "oci-archive" else ("app:1",)
    )


def test_stores_are_named_by_their_kind(tmp_path: Path) -> None:
    """The same file read as another kind of archive is another store."""
    store = ArchiveStore(ArchiveReference("docker-archive", str(tmp_path / "a.tar"), "app:1"))
    assert store.name == f"docker-archive:{tmp_path / 'a.tar'}"


def test_large_image(tmp_path: Path) -> None:
    """A layer that is not kept in memory is compressed again, from any byte on."""
    image = make_image(layers=2, size=5 * 1024 * 1024)
    path = write_tar(tmp_path / "app.tar", docker_members({"": image}))

    async def use(store: ArchiveStore) -> None:
        manifest = parse_image_manifest((await store.fetch_manifest("")).raw)
        for layer, plain in zip(manifest.layers, plain_layers(image), strict=True):
            whole = await read_blob(store, layer)
            assert digest_of(whole) == str(layer.digest)
            assert gzip.decompress(whole) == plain
            assert await read_blob(store, layer, 3_000_000) == whole[3_000_000:]

    ask("docker-archive", path, use)
