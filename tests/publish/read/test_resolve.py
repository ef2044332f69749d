"""Resolving entries: what is fetched, what is forgiven, and where every error is placed."""

import pytest

from mbuild.errors import Denied, IntegrityError, MbuildError, NotFound, TransportError
from mbuild.oci.platform import parse_platform
from mbuild.oci.reference import parse_any_reference
from mbuild.publish.read.source import Skipped, Source
from mbuild.spec.spec import Entry, Position
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    entry,
    errors_of,
    remade,
    resolve,
    sources_of,
    with_config,
)
from tests.support.images import (
    DOCKER_MANIFEST,
    OCI_CONFIG,
    SCHEMA_1,
    Image,
    digest_of,
    make_image,
)
from tests.support.memory_store import StoreFault
from tests.support.values import content_of

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
CONFIG = "sha256:" + "0" * 64


@pytest.fixture
def world() -> World:
    """A repository with an image a tag."""
    world = World()
    world[APP].put("amd64", AMD64)
    world[APP].put("arm64", ARM64)
    return world


def test_sources(world: World) -> None:
    """Each entry becomes a source: its bytes, its platform, the store it came from."""
    entries = entry(f"{APP}:arm64", "linux/arm64"), entry(f"{APP}:amd64")
    first, second = sources_of(world, *entries)
    assert (first.child.content, first.found) == (content_of(ARM64), parse_platform("linux/arm64"))
    assert (second.child.content, second.found) == (
        content_of(AMD64),
        parse_platform("linux/amd64"),
    )
    assert (first.entry, second.entry) == entries
    assert (first.child.store, first.listed, first.attestations) == (world[APP], None, ())
    assert (first.where, first.name) == ("spec.yaml:3:5", f"{APP}:arm64")


def test_side_by_side(world: World) -> None:
    """All manifests are asked for before the first config is."""
    resolve(world, entry(f"{APP}:amd64"), entry(f"{APP}:arm64"))
    calls = [line.split()[0] for line in world.calls("fetch_manifest", "fetch_blob")]
    assert calls == ["fetch_manifest"] * 2 + ["fetch_blob"] * 2


@pytest.mark.parametrize(
    ("tail", "reference"),
    [
        ("", "latest"),
        (":1.0", "1.0"),
        (f"@{AMD64.digest}", AMD64.digest),
        (f":1.0@{AMD64.digest}", AMD64.digest),
    ],
    ids=["nothing", "tag", "digest", "tag and digest"],
)
def test_asked_for(world: World, tail: str, reference: str) -> None:
    """A digest goes before a tag; with neither, latest is asked for."""
    world[APP].put("latest", AMD64)
    world[APP].put("1.0", AMD64)
    sources_of(world, entry(f"{APP}{tail}"))
    assert world.calls("fetch_manifest") == [f"fetch_manifest app {reference}"]


def test_fetched_once(world: World) -> None:
    """A manifest and a config that several entries share are fetched once."""
    entries = [entry(f"{APP}:amd64", "linux/amd64", line=line) for line in (3, 4, 5)]
    assert len(sources_of(world, *entries)) == 3
    assert len(world.calls("fetch_manifest")) == 1
    assert len(world.calls("fetch_blob")) == 1


def test_failure_is_shared(world: World) -> None:
    """What fails once is not asked for again, and is told at the place of every entry."""
    entries = [entry(f"{APP}:absent", line=line) for line in (3, 4)]
    assert [
        message.partition(": ")[0] for _, _, message in errors_of(lambda: resolve(world, *entries))
    ] == [
        "spec.yaml:3:5",
        "spec.yaml:4:5",
    ]
    assert len(world.calls("fetch_manifest")) == 1


def test_hub_name(world: World) -> None:
    """An image of Docker Hub is named the way people write it."""
    world["docker.io/library/app"].put("1.0", AMD64)
    (source,) = sources_of(world, entry("app:1.0"))
    assert source.name == "app:1.0"


def test_optional(world: World) -> None:
    """An optional image that does not exist is left out, in its place."""
    entries = (
        entry(f"{APP}:absent", "linux/s390x", optional=True),
        entry(f"{APP}:amd64", "linux/amd64", optional=True),
    )
    first, second = resolve(world, *entries)
    assert first == Skipped(entries[0])
    assert first.name == f"{APP}:absent"
    assert isinstance(second, Source)


FAILURES: list[tuple[MbuildError, str, int, str]] = [
    (Denied("denied", where="W", hint="log in"), "Denied", 5, "W: denied; log in"),
    (TransportError("no answer", where="W"), "TransportError", 6, "W: no answer"),
    (
        IntegrityError("other bytes", hint="look"),
        "IntegrityError",
        6,
        f"{APP}:amd64: other bytes; look",
    ),
]


@pytest.mark.parametrize("optional", [True, False], ids=["optional", "required"])
@pytest.mark.parametrize(
    ("error", "kind", "code", "message"), FAILURES, ids=[kind for _, kind, _, _ in FAILURES]
)
def test_not_forgiven(
    world: World, error: MbuildError, kind: str, code: int, message: str, optional: bool
) -> None:
    """Optional forgives nothing but a true 404; the error gets its place in the spec."""
    world[APP].faults.append(StoreFault("fetch_manifest", error=error))
    given = entry(f"{APP}:amd64", optional=optional)
    assert errors_of(lambda: resolve(world, given)) == [(kind, code, f"spec.yaml:3:5: {message}")]


def test_missing(world: World) -> None:
    """A required image that does not exist says what to look at."""
    assert errors_of(lambda: resolve(world, entry(f"{APP}:absent"))) == [
        (
            "SourceNotFound",
            4,
            (
                f"spec.yaml:3:5: {APP}:absent: no such manifest; check the name and the tag, or mark "
                "the entry optional"
            ),
        )
    ]


def test_missing_with_a_hint(world: World) -> None:
    """Where the store knows better what to do, its words stand."""
    world[APP].faults.append(StoreFault("fetch_manifest", error=NotFound("no", hint="create it")))
    assert errors_of(lambda: resolve(world, entry(f"{APP}:absent"))) == [
        ("SourceNotFound", 4, f"spec.yaml:3:5: {APP}:absent: no; create it")
    ]


def test_all_at_once(world: World) -> None:
    """Every entry that cannot be had is told, in the order of the spec."""
    world[MIRROR].faults.append(StoreFault("fetch_manifest", error=Denied("denied", where="M")))
    entries = (
        entry(f"{APP}:absent", line=3),
        entry(f"{MIRROR}:1.0", line=4),
        entry(f"{APP}:amd64", line=5),
        entry(f"{BUILDS}:absent", line=6),
    )
    found = errors_of(lambda: resolve(world, *entries))
    assert [(kind, message.partition(": ")[0]) for kind, _, message in found] == [
        ("SourceNotFound", "spec.yaml:3:5"),
        ("Denied", "spec.yaml:4:5"),
        ("SourceNotFound", "spec.yaml:6:5"),
    ]


ARTIFACT = remade(AMD64, config={"mediaType": "application/vnd.wasm", "size": 2, "digest": CONFIG})
NO_CONFIG = remade(AMD64, config=None)
OTHER_TYPE = remade(AMD64, mediaType="application/vnd.example+json")
BROKEN_CONFIG = with_config(AMD64, b"[]")
WRONG_CONFIG = with_config(AMD64, b'{"os": 1}')
LOST_CONFIG = remade(AMD64, config={"mediaType": OCI_CONFIG, "size": 2, "digest": CONFIG})

UNUSABLE: list[tuple[str, Image, str, str]] = [
    (
        "schema 1",
        remade(AMD64, mediaType=SCHEMA_1),
        "ImageMismatch",
        (
            "it is a Docker schema 1 manifest, which no current client reads; push the image again "
            "with a current docker"
        ),
    ),
    (
        "other type",
        OTHER_TYPE,
        "ImageMismatch",
        "its type 'application/vnd.example+json' is not that of an image",
    ),
    (
        "artifact",
        ARTIFACT,
        "ImageMismatch",
        "it is no image: its config has type 'application/vnd.wasm'",
    ),
    (
        "no config",
        NO_CONFIG,
        "ImageMismatch",
        f"its {AMD64.media_type} is malformed: 'config' is missing; push it again",
    ),
    (
        "config no object",
        BROKEN_CONFIG,
        "ImageMismatch",
        "its config is malformed: not a JSON object; push it again",
    ),
    (
        "config of other types",
        WRONG_CONFIG,
        "ImageMismatch",
        "its config is malformed: 'os' is not a string; push it again",
    ),
    (
        "config lost",
        LOST_CONFIG,
        "SourceError",
        f"its config {CONFIG} does not exist; push it again",
    ),
]


@pytest.mark.parametrize(
    ("image", "kind", "message"), [one[1:] for one in UNUSABLE], ids=[one[0] for one in UNUSABLE]
)
def test_unusable(image: Image, kind: str, message: str) -> None:
    """What is no image that an index could name is refused, optional or not, with code 4."""
    world = World()
    world[APP].put("x", image)
    given = entry(f"{APP}:x", optional=True)
    expected = (kind, 4, f"spec.yaml:3:5: {APP}:x: {message}")
    assert errors_of(lambda: resolve(world, given)) == [expected]


def test_config_of_another_size(world: World) -> None:
    """A manifest that gives its config another size is refused, though another one is right."""
    digest = digest_of(AMD64.config)
    size = len(AMD64.config) + 1
    wrong = remade(AMD64, config={"mediaType": OCI_CONFIG, "digest": digest, "size": size})
    world[APP].put("wrong", wrong)
    entries = entry(f"{APP}:amd64", line=3), entry(f"{APP}:wrong", line=4)
    message = f"spec.yaml:4:5: {APP}:wrong: other bytes than those of {digest}; look"
    assert errors_of(lambda: resolve(world, *entries)) == [("IntegrityError", 6, message)]


def test_docker_image() -> None:
    """An image of Docker's kind is as good as one of OCI's."""
    world = World()
    world[APP].put("x", make_image(docker=True))
    (source,) = sources_of(world, entry(f"{APP}:x"))
    assert source.child.descriptor.media_type == DOCKER_MANIFEST


def test_missing_on_the_command_line(world: World) -> None:
    """An image that was named on the command line cannot be marked optional there."""
    given = Entry(parse_any_reference(f"{APP}:absent"), Position(f"{APP}:absent"))
    message = f"{APP}:absent: no such manifest; check the name and the tag"
    assert errors_of(lambda: resolve(world, given)) == [("SourceNotFound", 4, message)]
