"""Proof by reading back: what settles late is given time, what never settles is told."""

import pytest

from mbuild.errors import Denied, NotFound, TransportError
from mbuild.oci.digest import digest_of
from mbuild.publish.write.verify import SETTLING_WAITS, verify_published
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
        "read_back app 1.0",
        "read_back app latest",
        f"read_back app {CHILD}",
    ]


@pytest.mark.parametrize(
    ("subject", "gives"),
    [("1.0", OTHER), ("1.0", None), (str(CHILD), OTHER), (str(CHILD), None)],
    ids=["other", "no tag", "other child", "no child"],
)
def test_settles(world: World, subject: str, gives: object) -> None:
    """What disagrees at first is asked for again, after waits that double."""
    world[APP].faults.append(StoreFault("read_back", subject, gives=gives, times=3))
    waits: list[float] = []
    verify(world, waits)
    assert waits == [0.25, 0.5, 1.0]
    assert len(world.calls("read_back")) == 4 + 2


NEVER = [
    (
        "1.0", OTHER,
        (f"{APP}:1.0: published, not yet readable: the tag reads back as {OTHER}, not {DIGEST}; "
        "another push may have moved it, or the registry settles late: look again"),
    ),
    (
        "1.0", None,
        (f"{APP}:1.0: published, not yet readable: the tag reads back as not found, not {DIGEST}; "
        "another push may have moved it, or the registry settles late: look again"),
    ),
    (
        str(CHILD), OTHER,
        (f"{APP}@{CHILD}: published, not yet readable: the index lists it and the registry does not "
        "give it; look again; if it stays away, push again"),
    ),
    (
        str(CHILD), None,
        (f"{APP}@{CHILD}: published, not yet readable: the index lists it and the registry does not "
        "give it; look again; if it stays away, push again"),
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("subject", "gives", "message"), NEVER, ids=["other", "no tag", "other child", "no child"]
)
def test_never_settles(world: World, subject: str, gives: object, message: str) -> None:
    """What still disagrees after 30 seconds is told, and nothing is undone."""
    world[APP].faults.append(StoreFault("read_back", subject, gives=gives, times=FOR_EVER))
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
    denied = Denied("denied", where="W", hint="log in")
    world[APP].faults.append(StoreFault("read_back", "latest", error=denied))
    world[APP].faults.append(StoreFault("read_back", str(CHILD), gives=None))
    waits: list[float] = []
    found = errors_of(lambda: verify(world, waits))
    assert found == [
        ("RegistryError", 6, "W: published, not yet readable: denied; log in"),
        ("RegistryError", 6, NEVER[-1][-1]),
    ]
    assert len(world.calls("read_back")) == 2 + 1 + len(SETTLING_WAITS)


def test_each_error_is_told_as_unproven(world: World) -> None:
    """Whatever the registry answers to the proof, the words are that it is published, and code 6."""
    for error in (Denied("no", hint=""), TransportError("gone"), NotFound("not here")):
        world[APP].faults[:] = [StoreFault("read_back", "1.0", error=error)]
        ((kind, code, message),) = errors_of(lambda: verify(world, []))
        assert (kind, code) == ("RegistryError", 6)
        assert message.startswith(f"published, not yet readable: {error.message}")
