"""Verifying references: what is asked for, and what is said where nothing can be found out."""

import asyncio
from pathlib import Path

import pytest

from mbuild.errors import Denied, IntegrityError, MbuildError, NotFound, TransportError
from mbuild.oci.digest import digest_of
from mbuild.oci.reference import parse_any_reference
from mbuild.publish.audit.auditor import REFERENCES_UNDER_WAY, Auditor
from mbuild.publish.audit.findings import AGAIN, Audit, Counts
from tests.publish.audit.auditing import (
    AMD64,
    ARM64,
    INDEX,
    LAYER,
    NAME,
    audit,
    audits,
    lines,
    published,
    serve,
    spoilt,
)
from tests.publish.world import APP, World, run, shown
from tests.support.images import (
    write_layout,
)
from tests.support.memory_store import Gate, StoreFault
from tests.support.values import content_of


@pytest.fixture
def world() -> World:
    """A repository with an index of two images and their attestations."""
    return published()


@pytest.mark.parametrize(("deep", "call"), [(False, "blob_size"), (True, "hash_blob")])
def test_whole(world: World, deep: bool, call: str) -> None:
    """Index, each manifest and each blob are asked for once; they are counted and measured."""
    one = audit(world, deep=deep)
    blobs = [blob for image in INDEX.children for blob in image.blobs]
    size = sum(map(len, blobs))
    assert one == Audit(
        NAME, APP, "1.0", content_of(INDEX).descriptor(), images=2, attestations=2,
        counts=Counts(manifests=4, configs=4, layers=5, bytes=size),
    )  # fmt: skip
    assert one.is_whole
    assert sorted(world.calls()) == sorted(
        [
            "fetch_manifest app 1.0",
            *(f"fetch_manifest app {image.digest}" for image in INDEX.children),
            *(f"{call} app {digest_of(blob)}" for blob in blobs),
        ]
    )


@pytest.mark.parametrize(
    ("tail", "asked"),
    [
        ("", "latest"),
        (":2", "2"),
        (f"@{AMD64.digest}", AMD64.digest),
        (f":1.0@{AMD64.digest}", AMD64.digest),
    ],
    ids=["nothing", "tag", "digest", "both"],
)
def test_what_is_asked_for(world: World, tail: str, asked: str) -> None:
    """A digest goes before a tag, and without either it is latest."""
    for tag in ("latest", "2"):
        world[APP].put(tag, AMD64)
    one = audit(world, f"{APP}{tail}")
    assert world.calls()[0] == f"fetch_manifest app {asked}"
    assert (one.name, one.images, one.counts.manifests, one.counts.layers) == (
        f"{APP}{tail}", 1, 1, 2,
    )  # fmt: skip


def test_a_layout_without_a_tag(world: World, tmp_path: Path) -> None:
    """Of a layout the only image is meant."""
    folder = write_layout(tmp_path / "app", {"1.0": INDEX})
    assert audit(world, f"oci:{folder}").counts == audit(world).counts


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            NotFound("HOST answered 404 Not Found", where="x"),
            ("SourceNotFound", 4, "HOST answered 404 Not Found; check the name and the tag"),
        ),
        (
            NotFound("gone", hint="look"),
            ("SourceNotFound", 4, "gone; look"),
        ),
        (
            IntegrityError("other bytes"),
            ("SourceError", 4, f"it is damaged: other bytes; {AGAIN}"),
        ),
        (Denied("403", hint="log in"), ("Denied", 5, "403; log in")),
        (TransportError("no answer", where="x"), ("TransportError", 6, "no answer")),
    ],
    ids=["404", "404 with a hint", "other bytes", "403", "no answer"],
)
def test_reference_cannot_be_had(
    world: World, error: MbuildError, expected: tuple[str, int, str]
) -> None:
    """A reference that holds nothing is 4; denied is 5, and a failure 6."""
    one = audit(spoilt(world, serve("fetch_manifest", "1.0", error)))
    assert one.found is None
    assert [shown(error) for error in one.all_errors] == [
        (expected[0], expected[1], f"{NAME}: {expected[2]}")
    ]


@pytest.mark.parametrize(
    ("call", "subject", "part"),
    [
        ("blob_size", LAYER, f"layer {LAYER} of linux/amd64"),
        ("fetch_manifest", ARM64.digest, f"manifest {ARM64.digest} of linux/arm64"),
    ],
    ids=["layer", "manifest"],
)
@pytest.mark.parametrize(
    ("error", "code"),
    [(Denied("403", hint="log in"), 5), (TransportError("no answer", hint="log in"), 6)],
    ids=["denied", "no answer"],
)
def test_part_cannot_be_asked_for(
    world: World, call: str, subject: str, part: str, error: MbuildError, code: int
) -> None:
    """Where nothing can be found out of a part, that is no finding, and no success either."""
    one = audit(spoilt(world, serve(call, subject, error)))
    assert (one.findings, one.is_whole) == ((), False)
    assert [shown(told) for told in one.all_errors] == [
        (type(error).__name__, code, f"{NAME}: {part}: {error.message}; log in")
    ]


def test_broken_layout(world: World, tmp_path: Path) -> None:
    """A layout that is broken is a matter of the image: 4, wherever it breaks."""
    folder = write_layout(tmp_path / "app", {"1.0": INDEX})
    blobs = folder / "blobs" / "sha256"
    (blobs / str(LAYER).partition(":")[2]).unlink()
    (blobs / ARM64.digest.partition(":")[2]).write_bytes(b"{}")
    one = audit(world, f"oci:{folder}:1.0")
    assert lines(one) == [
        (
            f"manifest {ARM64.digest} of linux/arm64 is damaged: "
            f"blob {ARM64.digest} does not hash to its name"
        ),
        f"layer {LAYER} of linux/amd64 is missing from the layout",
    ]
    (blobs / INDEX.digest.partition(":")[2]).unlink()
    gone = audit(world, f"oci:{folder}:1.0")
    assert [(error.exit_code, *lines(gone)) for error in gone.all_errors] == [
        (4, f"blob {INDEX.digest} is missing from the layout")
    ]


def test_blobs_are_shared_by_references(world: World) -> None:
    """What several references lead to is asked of their repository once."""
    world[APP].put("2", INDEX)
    world[APP].put("3", AMD64)
    one, two, three = audits(world, NAME, f"{APP}:2", f"{APP}:3")
    assert one.counts == two.counts
    assert three.counts == Counts(1, 1, 2, sum(map(len, AMD64.blobs)))
    assert len(world.calls("blob_size")) == 9
    assert sorted(world.calls("fetch_manifest")) == sorted(
        ["fetch_manifest app 1.0", "fetch_manifest app 2", "fetch_manifest app 3"]
        + [f"fetch_manifest app {image.digest}" for image in INDEX.children]
    )


def test_a_slow_registry_holds_up_no_other(world: World) -> None:
    """References of another registry are verified while one does not answer."""
    slow = [f"{APP}:{number}" for number in range(REFERENCES_UNDER_WAY + 1)]
    gate = Gate()
    world[APP].faults.append(StoreFault("fetch_manifest", gate=gate))
    world["other.test/app"].put("1.0", INDEX)

    def announce(text: str) -> None:
        if text.startswith("verifying other.test/app:2 "):
            gate.open.set()

    found = audits(world, *slow, "other.test/app:1.0", "other.test/app:2", announce=announce)
    assert [one.name for one in found][-2:] == ["other.test/app:1.0", "other.test/app:2"]


def test_repositories_are_apart(world: World) -> None:
    """A blob of another repository proves nothing."""
    world["other.test/app"].put("1.0", INDEX)
    world["other.test/app"].blobs.pop(LAYER)
    assert [one.is_whole for one in audits(world, NAME, "other.test/app:1.0")] == [True, False]


def test_order_and_progress(world: World) -> None:
    """However they end, audits come in the order of the references; each beginning is told."""
    told: list[str] = []
    world[APP].put("2", AMD64)
    gate = Gate()
    world[APP].faults.append(StoreFault("fetch_manifest", "2", gate=gate))

    def announce(text: str) -> None:
        told.append(text)
        gate.open.set()

    first, second = audits(world, f"{APP}:2", NAME, announce=announce)
    assert (first.name, second.name) == (f"{APP}:2", NAME)
    assert told == [f"verifying {APP}:2 (0 of 2 done)", f"verifying {NAME} (0 of 2 done)"]


def test_what_was_given_is_forgotten(world: World) -> None:
    """Two runs of one auditor ask anew."""
    auditor = Auditor(stores=world)
    for _ in range(2):
        run(lambda: auditor.verify([parse_any_reference(NAME)]))
    assert len(world.calls("blob_size")) == 18


def test_interrupted(world: World) -> None:
    """When it is stopped, what is done is told, and of the rest that it was not verified."""
    world[APP].put("2", INDEX)
    gate = Gate()
    world[APP].faults.append(StoreFault("fetch_manifest", "2", gate=gate))
    names = (NAME, f"{APP}:2")

    async def work() -> tuple[Audit, ...]:
        references = [parse_any_reference(name) for name in names]
        verifying = asyncio.create_task(Auditor(stores=world).verify(references))
        await gate.reached.wait()
        for _ in range(200):  # turns of the loop, of which the other reference needs fewer
            await asyncio.sleep(0)
        verifying.cancel()
        return await verifying

    done, stopped = run(work)
    assert (done.is_whole, stopped.found) == (True, None)
    assert [shown(error) for error in stopped.all_errors] == [
        (
            "Interrupted",
            130,
            f"{APP}:2: interrupted before it was verified; run the same command again",
        )
    ]
