"""What only the images tell: contradictions, duplicates, what is required, what a format holds."""

from dataclasses import replace
from typing import Any

import pytest

from mbuild.publish.decide.validate import check_format, check_sources
from mbuild.spec.spec import Entry, Format, Position
from tests.publish.world import APP, World, entry, index_of, shown, sources_of, target, with_config
from tests.support import images
from tests.support.images import make_image

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
ZSTD = {"io.github.containers.compression.zstd": "true"}


def problems(world: World, *entries: Entry, **more: Any) -> list[tuple[str, int, str]]:
    """Everything that is wrong with the entries' images, and then with the format."""
    policy = more.get("attestations", "keep")
    sources = sources_of(world, *entries, attestations=policy)
    wanted = target(*entries, **more)
    found = check_sources(sources, wanted) or check_format(wanted, sources)
    return [shown(error) for error in found]


@pytest.fixture
def world() -> World:
    """A repository of images, single and in indexes."""
    world = World()
    world[APP].put("amd64", AMD64)
    world[APP].put("arm64", ARM64)
    world[APP].put(
        "arm64v8", with_config(ARM64, b'{"os":"linux","architecture":"arm64","variant":"v8"}')
    )
    world[APP].put("docker", make_image("linux/amd64", docker=True))
    world[APP].put("v3", make_image("linux/amd64/v3"))
    for number in (1, 2):
        world[APP].put(f"win{number}", make_image(f"windows/amd64:10.0.{number}"))
    world[APP].put("nothing", with_config(AMD64, b"{}"))
    world[APP].put("attested", images.make_index(AMD64, attestations=True))
    twin = make_image("linux/amd64", seed="zstd")
    world[APP].put("twins", index_of((AMD64, {}), (twin, {"annotations": ZSTD})))
    return world


NEXT = "name the right image, correct the platform, or set trust: spec on the entry"
CONTRADICTIONS = [
    (
        "amd64",
        "linux/arm64",
        ["the spec says linux/arm64, and the image's config has architecture 'amd64'"],
    ),
    (
        "amd64",
        "windows/amd64",
        ["the spec says windows/amd64, and the image's config has os 'linux'"],
    ),
    (
        "amd64",
        "windows/arm64",
        [
            "the spec says windows/arm64, and the image's config has os 'linux'",
            "the spec says windows/arm64, and the image's config has architecture 'amd64'",
        ],
    ),
    (
        "v3",
        "linux/amd64/v2",
        ["the spec says linux/amd64/v2, and the image's config has variant 'v3'"],
    ),
    (
        "win1",
        "windows/amd64:10.0.2",
        ["the spec says windows/amd64:10.0.2, and the image's config has os.version '10.0.1'"],
    ),
    ("arm64v8", "linux/arm64", []),
    ("arm64", "linux/arm64/v8", []),
    ("v3", "linux/amd64", []),
    ("nothing", "linux/riscv64", []),
    ("amd64", "", []),
]


@pytest.mark.parametrize(
    ("tag", "platform", "expected"),
    CONTRADICTIONS,
    ids=[f"{tag} as {said}" for tag, said, _ in CONTRADICTIONS],
)
def test_contradiction(world: World, tag: str, platform: str, expected: list[str]) -> None:
    """Each field in which image and spec contradict each other is told, unless the spec is trusted."""
    name = f"{APP}:{tag}"
    assert problems(world, entry(name, platform)) == [
        ("ImageMismatch", 4, f"spec.yaml:3:5: {name}: {message}; {NEXT}") for message in expected
    ]
    assert problems(world, entry(name, platform, trust="spec")) == []


def test_no_platform_anywhere(world: World) -> None:
    """An image that does not say what it is for needs a spec that does, trusted or not."""
    expected = (
        "ImageMismatch", 4,
        (f"spec.yaml:3:5: {APP}:nothing: its config names no os or no architecture; "
        "say the platform in the spec"),
    )  # fmt: skip
    assert problems(world, entry(f"{APP}:nothing")) == [expected]
    assert problems(world, entry(f"{APP}:nothing", trust="spec")) == [expected]


DUPLICATES = [
    ("amd64", "docker", "linux/amd64"),
    ("arm64", "arm64v8", "linux/arm64/v8"),
    ("amd64", "amd64", "linux/amd64"),
    ("win1", "win1", "windows/amd64:10.0.1"),
]
NO_DUPLICATES = [("win1", "win2"), ("amd64", "v3"), ("amd64", "arm64")]


@pytest.mark.parametrize(("one", "other", "platform"), DUPLICATES)
def test_duplicate(world: World, one: str, other: str, platform: str) -> None:
    """Two images that a client could not tell apart are told at the second one's place."""
    entries = entry(f"{APP}:{one}", line=3), entry(f"{APP}:{other}", line=4)
    assert problems(world, *entries) == [
        (
            "ImageMismatch",
            4,
            (
                f"spec.yaml:4:5: {APP}:{other}: it is a second image for {platform}, as {APP}:{one} at "
                "spec.yaml:3:5 is; a client could not tell them apart; take one of the two out"
            ),
        )
    ]


@pytest.mark.parametrize(("one", "other"), NO_DUPLICATES)
def test_no_duplicate(world: World, one: str, other: str) -> None:
    """Another os.version or variant makes another image."""
    assert problems(world, entry(f"{APP}:{one}"), entry(f"{APP}:{other}")) == []


def test_zstd_twin(world: World) -> None:
    """A twin compressed otherwise, and marked so, is no duplicate; two of them are."""
    assert problems(world, entry(f"{APP}:twins")) == []
    annotated = tuple(ZSTD.items())
    twin = entry(f"{APP}:amd64", annotations=annotated)
    assert problems(world, twin, entry(f"{APP}:docker")) == []
    assert len(problems(world, twin, entry(f"{APP}:docker", annotations=annotated))) == 1


def test_third_of_a_kind(world: World) -> None:
    """Of three images for one platform, two are too many, and both are told against the first."""
    entries = [entry(f"{APP}:amd64", line=line) for line in (3, 4, 5)]
    found = problems(world, *entries)
    assert [message.partition(": ")[0] for _, _, message in found] == [
        "spec.yaml:4:5",
        "spec.yaml:5:5",
    ]
    assert all(f"{APP}:amd64 at spec.yaml:3:5" in message for _, _, message in found)


def test_attestation_required(world: World) -> None:
    """Each image without an attestation is named where one is required."""
    entries = entry(f"{APP}:attested", line=3), entry(f"{APP}:arm64", line=4)
    expected = (
        "ImageMismatch",
        4,
        (
            f"spec.yaml:4:5: {APP}:arm64: it has no attestation, and the spec says attestations: "
            "require; build it with provenance or an SBOM, or let the spec say keep"
        ),
    )
    assert problems(world, *entries, attestations="require") == [expected]
    assert problems(world, *entries, attestations="strip") == []


MET = ["linux/amd64", "linux/arm64/v8", "linux/x86_64", "windows/amd64", "windows/amd64:10.0.1"]
UNMET = ["linux/s390x", "linux/amd64/v3", "windows/amd64:10.0.2"]
REQUIRED_FROM = ("amd64", "arm64", "win1")


@pytest.mark.parametrize("platform", MET)
def test_requirement(world: World, platform: str) -> None:
    """A required platform is met by its equal, of whatever os.version unless one is said."""
    entries = [entry(f"{APP}:{tag}") for tag in REQUIRED_FROM]
    assert problems(world, *entries, require=[platform]) == []


@pytest.mark.parametrize("platform", UNMET)
def test_unmet_requirement(world: World, platform: str) -> None:
    """A required platform that no image is for is told at the target's place, with what there is."""
    entries = [entry(f"{APP}:{tag}") for tag in REQUIRED_FROM]
    assert problems(world, *entries, require=[platform]) == [
        (
            "ImageMismatch",
            4,
            (
                f"spec.yaml:1:1: required platform {platform} is not in the result, which holds "
                "linux/amd64, linux/arm64, windows/amd64:10.0.1; publish its image, or take it out of "
                "require"
            ),
        )
    ]


def test_nothing_is_left(world: World) -> None:
    """Where nothing is left, that is told, and what is required besides."""
    assert problems(world, require=["linux/amd64"]) == [
        (
            "ImageMismatch",
            4,
            (
                "spec.yaml:1:1: every image of the target is optional, and none exists; build at least "
                "one of them first"
            ),
        ),
        (
            "ImageMismatch",
            4,
            (
                "spec.yaml:1:1: required platform linux/amd64 is not in the result, which holds nothing; "
                "publish its image, or take it out of require"
            ),
        ),
    ]


def test_misfits(world: World) -> None:
    """A Docker list takes no OCI image, and no attestation; without them it takes the same image."""
    entries = entry(f"{APP}:docker", line=3), entry(f"{APP}:arm64", line=4)
    assert problems(world, *entries, format="docker") == [
        (
            "ImageMismatch",
            4,
            (
                f"spec.yaml:4:5: {APP}:arm64: it is an OCI image, and format: docker makes a list of "
                "Docker images only; use format: auto, set convert: true, or push the image as a Docker image"
            ),
        )
    ]
    assert problems(world, *entries, format="auto") == []


def test_docker_images_among_oci(world: World) -> None:
    """An index of OCI images names each Docker image, unless the spec says to list it so."""
    entries = entry(f"{APP}:docker", line=3), entry(f"{APP}:arm64", line=4)
    assert problems(world, *entries, format="oci") == [
        (
            "ImageMismatch",
            4,
            (
                f"spec.yaml:3:5: {APP}:docker: it is a Docker image, and format: oci asks for OCI images; "
                "set convert: true, or convert: false to list it as it is"
            ),
        )
    ]
    for convert in (True, False):
        assert problems(world, *entries, format="oci", convert=convert) == []


OTHER_KINDS = {
    "oci": (
        "docker",
        (
            "it is a Docker image, and format: oci asks for OCI images; "
            "say --convert, or --no-convert to list it as it is"
        ),
    ),
    "docker": (
        "arm64",
        (
            "it is an OCI image, and format: docker makes a list of Docker images only; "
            "use format: auto, say --convert, or push the image as a Docker image"
        ),
    ),
}


@pytest.mark.parametrize("kind", ["oci", "docker"])
def test_other_kind_on_the_command_line(world: World, kind: Format) -> None:
    """There the hint names the options: no spec is there to write into."""
    name, message = OTHER_KINDS[kind]
    given = replace(entry(f"{APP}:{name}"), position=Position(f"{APP}:{name}"))
    assert problems(world, given, format=kind) == [("ImageMismatch", 4, f"{APP}:{name}: {message}")]


def test_attested_docker_image() -> None:
    """A Docker image's attestation has no place in a Docker list, unless it is stripped."""
    world = World()
    image = make_image("linux/amd64", docker=True)
    world[APP].put("1.0", images.make_index(image, attestations=True))
    given = entry(f"{APP}:1.0")
    expected = (
        "ImageMismatch", 4,
        (f"spec.yaml:3:5: {APP}:1.0: it has attestations, which a Docker list cannot hold; "
        "use format: auto, or set attestations: strip"),
    )  # fmt: skip
    assert problems(world, given, format="docker") == [expected]
    assert problems(world, given, format="docker", attestations="strip") == []
    assert problems(world, given) == []


def test_annotated_docker_image() -> None:
    """Annotations that the source lists have no place in a Docker list; an OCI index keeps them."""
    world = World()
    image = make_image("linux/amd64", docker=True)
    world[APP].put("1.0", index_of((image, {"annotations": {"a": "1"}})))
    given = entry(f"{APP}:1.0", "linux/amd64")
    expected = (
        "ImageMismatch", 4,
        (f"spec.yaml:3:5: {APP}:1.0: its entry has annotations, which a Docker list cannot hold; "
        "use format: auto"),
    )  # fmt: skip
    assert problems(world, given, format="docker") == [expected]
    assert problems(world, given, format="oci", convert=False) == problems(world, given) == []


def test_all_at_once(world: World) -> None:
    """Problems of all kinds are told together."""
    entries = (
        entry(f"{APP}:amd64", "linux/arm64", line=3),
        entry(f"{APP}:arm64", "linux/arm64", line=4),
    )
    found = problems(world, *entries, attestations="require", require=["linux/amd64"])
    assert [message.partition(": ")[0] for _, _, message in found] == [
        "spec.yaml:3:5", "spec.yaml:4:5", "spec.yaml:3:5", "spec.yaml:4:5", "spec.yaml:1:1",
    ]  # fmt: skip
