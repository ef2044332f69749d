"""What is said of a part that is missing or wrong: each kind, each reason."""

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace

import pytest

from mbuild.errors import IntegrityError
from mbuild.oci.digest import digest_of
from mbuild.oci.manifest import Content
from mbuild.publish.audit.evidence import Evidence
from mbuild.publish.audit.findings import AGAIN, Counts
from mbuild.registry.flight import SingleFlight
from tests.publish.audit.auditing import (
    AMD64,
    ARM64,
    CONFIG,
    LAYER,
    NAME,
    PROOF,
    audit,
    lines,
    published,
    serve,
    spoilt,
)
from tests.publish.world import APP, World, index_of, remade, run, shown
from tests.support.images import (
    OCI_INDEX,
    OCI_MANIFEST,
    SCHEMA_1,
    make_index,
)
from tests.support.memory_store import StoreFault
from tests.support.values import blob_descriptor


@pytest.fixture
def world() -> World:
    """A repository with an index of two images and their attestations."""
    return published()


def other_size(world: World) -> object:
    """A layer that has lost its end."""
    return world[APP].blobs.update({LAYER: AMD64.layers[0][:10]})


def other_bytes(world: World) -> object:
    """A layer in which a byte is another one."""
    return world[APP].blobs.update({LAYER: AMD64.layers[0][:-1] + b"?"})


SIZE = len(AMD64.layers[0])
OTHER = digest_of(AMD64.layers[0][:-1] + b"?")
MISSING = [
    (
        "layer", False, lambda world: world[APP].blobs.pop(LAYER), "not-found",
        f"layer {LAYER} of linux/amd64 is missing: no such blob",
    ),
    (
        "config", False, lambda world: world[APP].blobs.pop(CONFIG), "not-found",
        f"config {CONFIG} of linux/arm64 is missing: no such blob",
    ),
    (
        "layer, deep", True, lambda world: world[APP].blobs.pop(LAYER), "not-found",
        f"layer {LAYER} of linux/amd64 is missing: no such blob",
    ),
    (
        "manifest", False, lambda world: world[APP].manifests.pop(ARM64.digest), "not-found",
        f"manifest {ARM64.digest} of linux/arm64 is missing: no such manifest",
    ),
    (
        "attestation", False, lambda world: world[APP].manifests.pop(PROOF.digest), "not-found",
        f"manifest {PROOF.digest} of attestation of linux/amd64 is missing: no such manifest",
    ),
    (
        "other size", False, other_size, "wrong-size",
        (f"layer {LAYER} of linux/amd64 has another size: its descriptor says {SIZE} bytes, "
        "and it has 10"),
    ),
    (
        "other size, deep", True, other_size, "wrong-size",
        (f"layer {LAYER} of linux/amd64 has another size: its descriptor says {SIZE} bytes, "
        "and it has 10"),
    ),
    (
        "more, deep", True,
        lambda world: world[APP].blobs.update({LAYER: AMD64.layers[0] + b"?"}), "wrong-size",
        (f"layer {LAYER} of linux/amd64 has another size: its descriptor says {SIZE} bytes, "
        "and it has more"),
    ),
    (
        "other bytes, deep", True, other_bytes, "wrong-digest",
        f"layer {LAYER} of linux/amd64 is damaged: its bytes hash to {OTHER}",
    ),
    (
        "other manifest", False,
        serve("fetch_manifest", ARM64.digest, IntegrityError("other bytes came")),
        "wrong-digest",
        f"manifest {ARM64.digest} of linux/arm64 is damaged: other bytes came",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("deep", "effect", "reason", "message"),
    [one[1:] for one in MISSING],
    ids=[one[0] for one in MISSING],
)
def test_missing_or_wrong(
    world: World, deep: bool, effect: Callable[[World], object], reason: str, message: str
) -> None:
    """A part that does not answer, or is not what its descriptor says, is named: exit code 4."""
    one = audit(spoilt(world, effect), deep=deep)
    (finding,) = one.findings
    assert (finding.flaw.reason, one.is_whole) == (reason, False)
    (error,) = one.all_errors
    assert shown(error) == ("SourceError", 4, f"{NAME}: {message}; {AGAIN}")


@pytest.mark.parametrize("effect", [other_bytes], ids=["other bytes"])
def test_only_deep_reads_bytes(world: World, effect: Callable[[World], object]) -> None:
    """Without deep a blob of the right size is taken for right."""
    assert audit(spoilt(world, effect)).is_whole


def test_size_that_is_not_told(world: World) -> None:
    """A store that does not say how large a blob is has the blob."""
    world[APP].faults.append(StoreFault("blob_size", gives=None))
    assert audit(world).is_whole


def test_all_at_once(world: World) -> None:
    """All that is wrong is told: manifests in the order of the index, then blobs."""
    world[APP].manifests.pop(ARM64.digest)
    for blob in AMD64.blobs:
        world[APP].blobs.pop(str(digest_of(blob)))
    told = lines(audit(world))
    assert [line.split()[0] for line in told] == ["manifest", "config", "layer", "layer"]


def test_shared_layer(world: World) -> None:
    """A layer of several images is asked for once, and each platform that lacks it is named."""
    twin = replace(remade(ARM64, layers=json.loads(AMD64.manifest)["layers"]), layers=AMD64.layers)
    world[APP].put("2", make_index(AMD64, twin))
    world[APP].blobs.pop(LAYER)
    one = audit(world, f"{APP}:2")
    assert lines(one) == [f"layer {LAYER} of linux/amd64, linux/arm64 is missing: no such blob"]
    assert world.calls("blob_size").count(f"blob_size app {LAYER}") == 1


def odd(raw: bytes, media_type: str = OCI_MANIFEST, listed: str = "") -> Callable[[World], object]:
    """An index whose only entry is a manifest of these bytes."""

    def put(world: World) -> None:
        digest = world[APP].put_bytes("", raw, media_type)
        entry = {"mediaType": listed or media_type, "digest": digest, "size": len(raw)}
        value = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [entry]}
        world[APP].put_bytes("1.0", json.dumps(value).encode(), OCI_INDEX)

    return put


ODD = [
    ("no manifest", odd(b'{"schemaVersion": 2}'), "malformed", "is malformed: 'config' is missing"),
    (
        "no index", odd(b'{"schemaVersion": 2}', OCI_INDEX), "malformed",
        "is malformed: 'manifests' is missing",
    ),
    (
        "another type", odd(AMD64.manifest, listed=OCI_INDEX), "wrong-type",
        f"has another type: its descriptor says {OCI_INDEX}, and it is {OCI_MANIFEST}",
    ),
    (
        "schema 1", odd(b"{}", SCHEMA_1), "wrong-type",
        "is a Docker schema 1 manifest, which no current client reads",
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("effect", "reason", "text"), [one[1:] for one in ODD], ids=[one[0] for one in ODD]
)
def test_odd_manifest(
    world: World, effect: Callable[[World], object], reason: str, text: str
) -> None:
    """A manifest that no client could read is wrong."""
    one = audit(spoilt(world, effect))
    (finding,) = one.findings
    assert (finding.flaw.reason, finding.flaw.text, finding.platforms) == (reason, text, ())


@pytest.mark.parametrize("size", [0, 10_000])
def test_manifest_of_another_size(world: World, size: int) -> None:
    """An entry that gives a manifest another size is wrong."""
    index = index_of((ARM64, {"size": size}))
    world[APP].put("1.0", index)
    assert lines(audit(world)) == [
        (
            f"manifest {ARM64.digest} of linux/arm64 has another size: its descriptor says {size} "
            f"bytes, and it has {ARM64.size}"
        )
    ]


def test_unknown_type(world: World) -> None:
    """A manifest of a type that is not known answers, and is not looked into."""
    odd(b"{}", "application/vnd.example+json")(world)
    one = audit(world)
    assert one.is_whole
    assert one.counts == Counts(manifests=1, unknown=1)
    world[APP].put_bytes("2", b"{}", "application/vnd.example+json")
    assert audit(world, f"{APP}:2").counts == Counts(manifests=1, unknown=1)


@pytest.mark.parametrize(
    ("raw", "media_type", "message"),
    [
        (b"{}", OCI_INDEX, f"it is malformed: 'schemaVersion' is not 2; {AGAIN}"),
        (
            b"{}",
            SCHEMA_1,
            (
                "it is a Docker schema 1 manifest, which no current client reads; "
                "push the image again with a current docker"
            ),
        ),
    ],
    ids=["malformed", "schema 1"],
)
def test_odd_reference(world: World, raw: bytes, media_type: str, message: str) -> None:
    """So is what the reference itself holds."""
    world[APP].put_bytes("1.0", raw, media_type)
    one = audit(world)
    assert one.found == Content(media_type, digest_of(raw), raw).descriptor()
    assert [shown(error) for error in one.all_errors] == [("SourceError", 4, f"{NAME}: {message}")]


@pytest.mark.parametrize("spacing", [1, 2, 3])
def test_nothing_is_asked_for_twice(world: World, spacing: int) -> None:
    """Whenever a question comes, before, while or after it is answered, one call answers it."""
    store = world[APP]
    descriptor = blob_descriptor(AMD64.layers[0])

    async def ask(evidence: Evidence, turn: int) -> object:
        for _ in range(turn):
            await asyncio.sleep(0)
        return await evidence.blob(descriptor)

    async def ask_at_every_moment() -> list[object]:
        evidence = Evidence(store, SingleFlight(), deep=False)
        # The last to ask are first in each of the loop's turns, before what the first ones began.
        turns = range(20 * spacing, 0, -spacing)
        return await asyncio.gather(*(ask(evidence, turn) for turn in turns))

    assert run(ask_at_every_moment) == [None] * 20
    assert world.calls() == [f"blob_size app {LAYER}"]
