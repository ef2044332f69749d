"""Transfer: what is copied into a target, in which order, and what is left alone."""

import json
from collections.abc import Callable

import pytest

from mbuild.errors import Denied
from mbuild.publish.outcome import Copied
from mbuild.publish.read.source import Child
from mbuild.publish.together import raise_any
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.transfer import Transfer
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    entry,
    errors_of,
    remade,
    run,
    sources_of,
)
from tests.support.images import Image, digest_of, make_image
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64")


def children(world: World, *names: str) -> tuple[Child, ...]:
    """The images of some references."""
    return tuple(source.child for source in sources_of(world, *map(entry, names)))


def bring(world: World, *names: str, before: Callable[[], None] = lambda: None) -> Receiver:
    """Bring images into APP, and give what became of it; the log is only of that."""
    wanted = children(world, *names)
    world.log.clear()
    before()

    async def work() -> Receiver:
        receiver = Receiver(world[APP], trusts=world[APP].keeps_whole)
        await Transfer([receiver], Copies()).bring(wanted)
        raise_any(receiver.errors)
        return receiver

    return run(work)


@pytest.fixture
def world() -> World:
    """A repository of builds beside the target, and one elsewhere."""
    world = World()
    for name in (BUILDS, MIRROR):
        world[name].put("amd64", AMD64)
        world[name].put("arm64", ARM64)
    return world


def check_whole(world: World, *images: Image) -> None:
    """Hold the target to having every image with all its blobs, under the right bytes."""
    for image in images:
        assert world[APP].manifests[image.digest].raw == image.manifest
        for blob in image.blobs:
            assert world[APP].blobs[digest_of(blob)] == blob


def test_copied(world: World) -> None:
    """From another registry every blob is copied, then the manifests are put."""
    transfer = bring(world, f"{MIRROR}:amd64", f"{MIRROR}:arm64")
    check_whole(world, AMD64, ARM64)
    blobs = (*AMD64.blobs, *ARM64.blobs)
    assert transfer.copied == Copied(len(blobs), 0, sum(map(len, blobs)))
    writes = [line.split()[0] for line in world.writes]
    assert writes == ["upload_blob"] * len(blobs) + ["put_manifest"] * 2
    assert [str(digest) for digest in transfer.placed] == [AMD64.digest, ARM64.digest]


def test_mounted(world: World) -> None:
    """From another repository of the registry every blob is mounted, and no byte is read."""
    transfer = bring(world, f"{BUILDS}:amd64")
    check_whole(world, AMD64)
    assert transfer.copied == Copied(0, 3, 0)
    assert world.calls("open_blob", "upload_blob") == []


def test_mount_declined(world: World) -> None:
    """What the registry does not mount is copied."""
    declined = StoreFault("mount_blob", gives=False, times=1)
    transfer = bring(world, f"{BUILDS}:amd64", before=lambda: world[APP].faults.append(declined))
    check_whole(world, AMD64)
    assert (transfer.copied.blobs, transfer.copied.mounted) == (1, 2)


def test_nothing_to_bring(world: World) -> None:
    """A child that was fetched from the target itself is not even asked for."""
    world[APP].put("amd64", AMD64)
    transfer = bring(world, f"{APP}:amd64")
    assert (world.log, transfer.copied, transfer.placed) == ([], Copied(), [])


def test_there_already(world: World) -> None:
    """A child that the target has already is asked for, and left alone with its blobs."""
    world[APP].put("", AMD64)
    transfer = bring(world, f"{MIRROR}:amd64")
    assert world.calls() == [f"head_manifest app {AMD64.digest}"]
    assert [str(digest) for digest in transfer.placed] == [AMD64.digest]


def test_looks_are_denied(world: World) -> None:
    """Where the target lets nothing be asked before a first push, everything is written."""
    for call in ("head_manifest", "has_blob"):
        world[APP].faults.append(StoreFault(call, error=Denied("denied")))
    assert bring(world, f"{MIRROR}:amd64").copied.blobs == 3
    check_whole(world, AMD64)


def test_looks_and_writes_are_denied(world: World) -> None:
    """Where the write is denied as well, that is the error."""
    world[APP].faults.append(StoreFault("has_blob", error=Denied("not to be read")))
    world[APP].faults.append(StoreFault("head_manifest", error=Denied("not to be read")))
    world[APP].faults.append(
        StoreFault("upload_blob", error=Denied("not to be written", where="W"))
    )
    found = errors_of(lambda: bring(world, f"{MIRROR}:amd64"))
    assert set(found) == {("Denied", 5, "W: not to be written")}


def test_blobs_there_already(world: World) -> None:
    """Only what is missing is copied."""
    (layer, *_) = AMD64.layers
    world[APP].blobs[digest_of(layer)] = layer
    assert bring(world, f"{MIRROR}:amd64").copied.blobs == 2


def test_each_once(world: World) -> None:
    """A child that stands twice, and a blob that two children share, are brought once."""
    layers = json.loads(AMD64.manifest)["layers"]
    twin = remade(AMD64, layers=[layers[0], layers[0]])
    world[MIRROR].put("twin", twin)
    names = [f"{MIRROR}:{tag}" for tag in ("amd64", "amd64", "twin")]
    assert bring(world, *names).copied.blobs == 3
    assert len(world.writes) == len(set(world.writes)) == 5


@pytest.mark.parametrize(
    "media_type",
    [
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
    ],
    ids=["docker", "oci"],
)
def test_foreign_layers(media_type: str) -> None:
    """A layer that registries do not hand on is not copied; its manifest is, unchanged."""
    foreign = {"mediaType": media_type, "digest": digest_of(b"foreign"), "size": 7}
    image = remade(AMD64, layers=[foreign])
    world = World()
    world[MIRROR].put("windows", image)
    assert bring(world, f"{MIRROR}:windows").copied.blobs == 1
    assert world[APP].manifests[image.digest].raw == image.manifest


def test_no_manifest_without_its_blobs(world: World) -> None:
    """When a blob cannot be written, all the others are, and no manifest is put."""
    (layer, *_) = AMD64.layers
    fault = StoreFault("upload_blob", digest_of(layer), error=Denied("denied", where="W"))
    world[APP].faults.append(fault)
    found = errors_of(lambda: bring(world, f"{MIRROR}:amd64", f"{MIRROR}:arm64"))
    assert found == [("Denied", 5, "W: denied")]
    assert len(world.calls("upload_blob")) == 5
    assert world.calls("put_manifest") == []


def test_wrong_bytes(world: World) -> None:
    """Bytes that are not the blob's never become a blob."""
    (layer, *_) = AMD64.layers
    world[MIRROR].blobs[digest_of(layer)] = bytes(len(layer))
    ((kind, code, _),) = errors_of(lambda: bring(world, f"{MIRROR}:amd64"))
    assert (kind, code) == ("IntegrityError", 6)
    assert digest_of(layer) not in world[APP].blobs
    assert AMD64.digest not in world[APP].manifests


def test_lost_blob(world: World) -> None:
    """A source that lacks a blob of its own image is an error that names the blob."""
    (layer, *_) = AMD64.layers
    del world[MIRROR].blobs[digest_of(layer)]
    found = errors_of(lambda: bring(world, f"{MIRROR}:amd64"))
    message = "a blob of the image does not exist: no such blob; build and push the image again"
    assert found == [("SourceError", 4, f"{MIRROR}@{digest_of(layer)}: {message}")]
