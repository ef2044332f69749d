"""Several targets: each blob is read once for all of them, and sent to each place once."""

import asyncio
from collections import Counter

import pytest

from mbuild.errors import Denied, StorageFull, StoreError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.publish.outcome import Copied, Outcome
from mbuild.publish.read.source import Child
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.transfer import Transfer
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    entry,
    publish,
    publishing,
    remade,
    run,
    shown,
    target,
)
from tests.support.images import Image, Index, digest_of, make_image, make_index
from tests.support.memory_store import Gate, StoreFault
from tests.support.values import blob_descriptor, stream_of

AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64")
SOURCE = "source.test/builds"
FREE = "free some space in the registry's storage, then run again"
ENTRIES = (entry(f"{SOURCE}:amd64", "linux/amd64"), entry(f"{SOURCE}:arm64", "linux/arm64"))


@pytest.fixture
def world() -> World:
    """A repository of builds in a registry of its own."""
    world = World()
    world[SOURCE].put("amd64", AMD64)
    world[SOURCE].put("arm64", ARM64)
    return world


def copied(outcomes: tuple[Outcome, ...]) -> list[Copied]:
    """What was copied to each."""
    return [outcome.copied for outcome in outcomes]


def test_two_targets_one_reading(world: World) -> None:
    """Two registries are given every blob, and the source reads each once, configs included."""
    outcomes = publish(world, target(*ENTRIES, images=(APP, MIRROR)))
    blobs = (*AMD64.blobs, *ARM64.blobs)
    assert copied(outcomes) == [Copied(len(blobs), 0, sum(map(len, blobs)))] * 2
    assert all(outcome.is_published for outcome in outcomes)
    read = Counter(
        line.split()[-1] for line in (*world.calls("open_blob"), *world.calls("fetch_blob"))
    )
    assert read == Counter(map(digest_of, blobs))
    assert len([line for line in world.calls("fetch_manifest") if SOURCE in line]) == 2


def test_one_target_fails(world: World) -> None:
    """A target that fails has its own error, and the other all its blobs."""
    world[MIRROR].faults.append(StoreFault("upload_blob", error=Denied("denied", where=MIRROR)))
    outcomes = publish(world, target(*ENTRIES, images=(APP, MIRROR)))
    assert [set(map(shown, outcome.errors)) for outcome in outcomes] == [
        set(), {("Denied", 5, f"{MIRROR}: denied")},
    ]  # fmt: skip
    assert set(world[APP].manifests) >= {AMD64.digest, ARM64.digest}
    assert world[MIRROR].manifests == {}
    assert (world[APP].tags, world[MIRROR].tags) == ({}, {})


def test_full_target(world: World) -> None:
    """A target that has run full is sent nothing more, and tells it once; the other goes on."""
    full = StorageFull("its storage is full", where=APP)
    world[APP].faults.append(StoreFault("upload_blob", error=full))
    large = make_image("linux/amd64", layers=20, size=70_000)
    world[SOURCE].put("large", large)
    outcomes = publish(world, target(entry(f"{SOURCE}:large", "linux/amd64"), images=(APP, MIRROR)))
    assert [list(map(shown, outcome.errors)) for outcome in outcomes] == [
        [("StorageFull", 6, f"{APP}: its storage is full; {FREE}")], [],
    ]  # fmt: skip
    assert len(world[MIRROR].blobs) == 21


def test_nothing_more_to_a_full_target(world: World) -> None:
    """What comes later is not even offered."""
    blob = blob_descriptor(AMD64.config)

    async def work() -> Receiver:
        receiver = Receiver(world[APP], trusts=True)
        receiver.errors.append(StorageFull("full"))
        assert await receiver.upload(blob, stream_of(AMD64.config)) is None
        return receiver

    assert len(run(work).errors) == 1
    assert world.calls("upload_blob") == []


def test_source_fails(world: World) -> None:
    """A blob that cannot be read is an error in each target that lacks it."""
    (layer, *_) = AMD64.layers
    fault = StoreFault("open_blob", digest_of(layer), error=StoreError("gone", where=SOURCE))
    world[SOURCE].faults.append(fault)
    world[MIRROR].put("", AMD64)
    outcomes = publish(world, target(*ENTRIES, images=(APP, MIRROR)))
    assert [list(map(shown, outcome.errors)) for outcome in outcomes] == [
        [("StoreError", 6, f"{SOURCE}: gone")], [],
    ]  # fmt: skip


def child(world: World, made: Image | Index) -> Child:
    """A child that was not read up to now."""
    digest = parse_digest(made.digest)
    return Child(Descriptor(made.media_type, digest, len(made.manifest)), world[SOURCE])


def bring(world: World, *made: Image | Index, to: tuple[str, ...] = (APP,)) -> list[Receiver]:
    """Bring children into repositories, and give what became of it."""

    async def work() -> list[Receiver]:
        receivers = [Receiver(world[name], trusts=True) for name in to]
        await Transfer(receivers, Copies()).bring([child(world, one) for one in made])
        return receivers

    return run(work)


def test_manifest_that_is_lost(world: World) -> None:
    """A child that is not there any more is an error only where it is lacking."""
    world[MIRROR].put("", AMD64)
    del world[SOURCE].manifests[AMD64.digest]
    app, mirror = bring(world, AMD64, ARM64, to=(APP, MIRROR))
    assert [shown(error) for error in app.errors] == [
        (
            "SourceError",
            4,
            (
                f"{SOURCE}@{AMD64.digest}: the image is listed already, and does not exist any"
                " more: no such manifest; build and push the image again"
            ),
        )
    ]
    assert (mirror.errors, ARM64.digest in world[MIRROR].manifests) == ([], True)
    assert world[APP].manifests == {}


def test_mounted_where_it_can_be(world: World) -> None:
    """A blob that two children have is mounted from the one beside the target."""
    twin = remade(AMD64, annotations={"twin": "yes"})
    world[BUILDS].put("twin", twin)
    there = Child(child(world, twin).descriptor, world[BUILDS])

    async def work() -> Receiver:
        receiver = Receiver(world[APP], trusts=True)
        await Transfer([receiver], Copies()).bring([child(world, AMD64), there])
        return receiver

    assert run(work).copied == Copied(0, 3, 0)


def test_targets_side_by_side(world: World) -> None:
    """Two targets of a run into one repository ask for a shared blob once, and send it once."""
    gate = Gate()
    world[APP].faults.append(StoreFault("upload_blob", gate=gate))

    async def work() -> tuple[Outcome, ...]:
        targets = [target(*ENTRIES, tags=[tag]) for tag in ("1.0", "2.0")]
        task = asyncio.create_task(publishing(world, *targets))
        await gate.reached.wait()
        for _ in range(100):
            await asyncio.sleep(0)
        gate.open.set()
        return await task

    outcomes = run(work)
    assert all(outcome.is_published for outcome in outcomes)
    assert sum(outcome.copied.blobs for outcome in outcomes) == 5
    for call in ("has_blob", "open_blob", "upload_blob"):
        assert set(Counter(world.calls(call)).values()) == {1}, call


def test_the_others_copy_fails(world: World) -> None:
    """Where the copy that was waited for fails, the next one tries for itself."""
    world[APP].faults.append(StoreFault("upload_blob", error=Denied("denied"), times=5))
    targets = [target(*ENTRIES, tags=[tag]) for tag in ("1.0", "2.0")]
    first, second = publish(world, *targets)
    assert {first.is_published, second.is_published} == {True, False}


def test_repositories_of_one_registry(world: World) -> None:
    """What one repository is sent, the others of its registry mount from there."""
    names = [f"registry.test/team/app{number}" for number in range(4)]
    targets = [
        target(*ENTRIES, images=names[:2]),
        *(target(*ENTRIES, images=[name]) for name in names[2:]),
    ]
    outcomes = publish(world, *targets)
    assert all(outcome.is_published for outcome in outcomes)
    assert sum(outcome.copied.blobs for outcome in outcomes) == 5
    assert sum(outcome.copied.mounted for outcome in outcomes) == 15
    assert set(Counter(world.calls("open_blob")).values()) == {1}


def test_repositories_that_do_not_mount(world: World) -> None:
    """Where the registry does not mount, each repository gets a copy of its own."""
    names = [f"registry.test/team/app{number}" for number in range(3)]
    for name in names:
        world[name].faults.append(StoreFault("mount_blob", gives=False))
    outcomes = publish(world, target(*ENTRIES, images=names))
    assert all(outcome.is_published for outcome in outcomes)
    assert [outcome.copied.blobs for outcome in outcomes] == [5, 5, 5]


def test_index_after_what_it_lists(world: World) -> None:
    """A child that is an index is put after its own children."""
    index = make_index(AMD64, ARM64)
    world[SOURCE].put("both", index)
    (receiver,) = bring(world, AMD64, ARM64, index)
    assert receiver.errors == []
    puts = [line.split()[-1] for line in world.calls("put_manifest")]
    assert set(puts[:2]) == {AMD64.digest, ARM64.digest}
    assert puts[2:] == [index.digest]


def test_no_index_without_its_children(world: World) -> None:
    """Where a child cannot be put, the index that lists it is not."""
    index = make_index(AMD64, ARM64)
    world[SOURCE].put("both", index)
    world[APP].faults.append(StoreFault("put_manifest", ARM64.digest, error=Denied("denied")))
    (receiver,) = bring(world, AMD64, ARM64, index)
    assert [shown(error) for error in receiver.errors] == [("Denied", 5, "denied")]
    assert set(world[APP].manifests) == {AMD64.digest}
