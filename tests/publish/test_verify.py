"""Proof by reading back: what settles late is given time, what never settles is told."""

import pytest

from mbuild.errors import Denied
from mbuild.oci.digest import digest_of
from mbuild.publish.verify import SETTLING_WAITS, verify_published
from tests.publish.world import APP, World, errors_of, run
from tests.support.images import make_image, make_index
from tests.support.memory_store import FOR_EVER, StoreFault
from tests.support.values import content_of

AMD64 = make_image("linux/amd64")
INDEX = make_index(AMD64)
DIGEST, CHILD = content_of(INDEX).digest, content_of(AMD64).digest
OTHER = digest_of(b"other")


@pytest.fixture
def world() -> World:
    """A repository with an index at two tags."""
    world = World()
    world[APP].put("1.0", INDEX)
    world[APP].put("latest", INDEX)
    return world


def verify(world: World, waits: list[float]) -> None:
    """Prove both tags and the child, and write down every wait."""

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    run(
        lambda: verify_published(
            world[APP], ("1.0", "latest"), DIGEST, children=(CHILD,), sleep=sleep
        )
    )


def test_at_once(world: World) -> None:
    """What agrees is asked for once."""
    waits: list[float] = []
    verify(world, waits)
    assert waits == []
    assert sorted(world.calls()) == [
        f"head_manifest app {CHILD}",
        "read_back app 1.0",
        "read_back app latest",
    ]


@pytest.mark.parametrize(
    ("call", "gives"),
    [("read_back", OTHER), ("read_back", None), ("head_manifest", None)],
    ids=["other", "no tag", "no child"],
)
def test_settles(world: World, call: str, gives: object) -> None:
    """What disagrees at first is asked for again, after waits that double."""
    subject = "1.0" if call == "read_back" else str(CHILD)
    world[APP].faults.append(StoreFault(call, subject, gives=gives, times=3))
    waits: list[float] = []
    verify(world, waits)
    assert waits == [0.25, 0.5, 1.0]
    assert len(world.calls(call)) == 4 + (call == "read_back")


NEVER = [
    (
        "read_back", "1.0", OTHER,
        (f"{APP}:1.0: published, not yet readable: the tag reads back as {OTHER}, not {DIGEST}; "
        "another push may have moved it, or the registry settles late: look again"),
    ),
    (
        "read_back", "1.0", None,
        (f"{APP}:1.0: published, not yet readable: the tag reads back as not found, not {DIGEST}; "
        "another push may have moved it, or the registry settles late: look again"),
    ),
    (
        "head_manifest", str(CHILD), None,
        (f"{APP}@{CHILD}: published, not yet readable: the index lists it and the registry does not "
        "find it; look again; if it stays away, push again"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("call", "subject", "gives", "message"), NEVER, ids=["other", "no tag", "no child"]
)
def test_never_settles(world: World, call: str, subject: str, gives: object, message: str) -> None:
    """What still disagrees after 30 seconds is told, and nothing is undone."""
    world[APP].faults.append(StoreFault(call, subject, gives=gives, times=FOR_EVER))
    waits: list[float] = []
    before = dict(world[APP].tags)
    assert errors_of(lambda: verify(world, waits)) == [("RegistryError", 6, message)]
    assert waits == list(SETTLING_WAITS)
    assert sum(waits) == 30
    assert world[APP].tags == before
    assert world.writes == []


def test_last_look(world: World) -> None:
    """What agrees at the very last look is well."""
    world[APP].faults.append(StoreFault("read_back", "1.0", gives=OTHER, times=len(SETTLING_WAITS)))
    verify(world, [])


def test_every_failure(world: World) -> None:
    """All that cannot be proven is told, and an error of the registry is not waited for."""
    world[APP].faults.append(StoreFault("read_back", "latest", error=Denied("denied", where="W")))
    world[APP].faults.append(StoreFault("head_manifest", gives=None))
    waits: list[float] = []
    found = errors_of(lambda: verify(world, waits))
    assert [kind for kind, _, _ in found] == ["Denied", "RegistryError"]
    assert len(world.calls("read_back")) == 2
