"""Base: an index is started from; images are put in their places, taken out, and put behind."""

from dataclasses import replace
from typing import Any

import pytest

from mbuild.errors import Denied
from mbuild.oci.index import parse_index
from mbuild.oci.platform import parse_platform
from mbuild.publish.decide.rules import TagRules
from mbuild.publish.outcome import Outcome
from mbuild.spec.spec import Entry
from tests.publish.world import (
    APP,
    BUILDS,
    MIRROR,
    World,
    changes_of,
    entry,
    publish,
    remade,
    shown,
    tags_of,
    target,
    with_config,
)
from tests.support.images import (
    DOCKER_LIST,
    OCI_INDEX,
    Image,
    Index,
    attests,
    make_attestation,
    make_image,
    make_index,
    nest,
)
from tests.support.memory_store import StoreFault

AMD64, ARM64, S390X = (make_image(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
NEW_AMD64 = make_image("linux/amd64", seed="new")
RISCV = make_image("linux/riscv64")
PROOFS = {image.digest: make_attestation(image) for image in (AMD64, ARM64, NEW_AMD64)}
SBOM = remade(make_image("linux/amd64", seed="sbom"), annotations={"kind": "sbom"})
ZSTD = {"annotations": {"io.github.containers.compression.zstd": "true"}}
UNKNOWN = {"platform": {"os": "unknown", "architecture": "unknown"}}
START = nest(
    (AMD64, {"annotations": {"of": "amd64"}}),
    (PROOFS[AMD64.digest], {"annotations": attests(AMD64.digest)}),
    (SBOM, UNKNOWN),
    (ARM64, {"annotations": {"of": "arm64"}}),
    (PROOFS[ARM64.digest], {"annotations": attests(ARM64.digest)}),
    (S390X, {}),
)
BASE = entry(f"{APP}:1.0", line=2)
AMD64_ENTRY = entry(f"{BUILDS}:amd64", "linux/amd64")
RISCV_ENTRY = entry(f"{BUILDS}:riscv64", "linux/riscv64", line=4)


def world_of(index: Index | Image = START, *, name: str = APP) -> World:
    """A world with an index at 1.0, and images to put into it."""
    world = World()
    world[name].put("1.0", index)
    world[BUILDS].put("amd64", make_index(NEW_AMD64, attestations=True))
    world[BUILDS].put("riscv64", RISCV)
    return world


def extend(
    world: World, *entries: Entry, base: Entry = BASE, remove: tuple[str, ...] = (), **more: Any
) -> Outcome:
    """Publish what starts from a base; give the first repository's outcome."""
    removed = tuple(map(parse_platform, remove))
    return publish(world, target(*entries, base=base, remove=removed, **more))[0]


def held(world: World, name: str = APP, tag: str = "1.0") -> list[tuple[str, dict[str, str]]]:
    """The digests that an index lists now, in order, each with its annotations."""
    index = parse_index(world[name].manifests[world[name].tags[tag]].raw)
    return [(str(one.digest), dict(one.annotations)) for one in index.manifests]


def test_replaced_and_added() -> None:
    """One in its place with its own attestation, one behind; all others as they were."""
    world = world_of()
    outcome = extend(world, AMD64_ENTRY, RISCV_ENTRY)
    assert outcome.errors == ()
    assert held(world) == [
        (NEW_AMD64.digest, {}),
        (PROOFS[NEW_AMD64.digest].digest, attests(NEW_AMD64.digest)),
        (SBOM.digest, {}),
        (ARM64.digest, {"of": "arm64"}),
        (PROOFS[ARM64.digest].digest, attests(ARM64.digest)),
        (S390X.digest, {}),
        (RISCV.digest, {}),
    ]
    assert changes_of(outcome) == [
        ("linux/amd64", "changed"),
        ("linux/arm64", "kept"),
        ("linux/s390x", "kept"),
        ("linux/riscv64", "added"),
    ]
    names = {one.platform: one.image for one in outcome.platforms}
    assert names["linux/arm64"] == f"{APP}:1.0"
    assert names["linux/amd64"] == f"{BUILDS}:amd64"
    assert (outcome.warnings, outcome.verified) == ((), True)


def test_nothing_but_the_index_is_fetched() -> None:
    """Of a base in the repository itself the index is fetched once; what it lists is there."""
    world = world_of()
    extend(world, RISCV_ENTRY)
    calls = [line for line in world.calls() if " app " in line]
    fetched = [line for line in calls if line.startswith("fetch_")]
    assert fetched == [f"fetch_manifest app {START.digest}"]
    asked = [line for line in calls if line.startswith("head_manifest app sha256")]
    assert len(asked) == len(set(asked)) == len(START.children) + 1


def test_another_tag() -> None:
    """A base in the repository under another tag is asked for what it lists, and not read."""
    world = world_of()
    outcome = extend(world, RISCV_ENTRY, tags=("2.0",))
    assert outcome.errors == ()
    assert [line for line in world.calls("fetch_manifest") if " app " in line] == [
        "fetch_manifest app 1.0"
    ]
    asked = [line for line in world.calls("head_manifest") if "sha256" in line and " app " in line]
    assert len(asked) == len(set(asked)) == len(START.children) + 1
    assert world[APP].tags["1.0"] == START.digest


def test_of_another_repository() -> None:
    """What the target's repository has is left where it is; the rest is brought."""
    world = world_of(name=MIRROR)
    world[APP].put("", AMD64)
    outcome = extend(world, RISCV_ENTRY, base=entry(f"{MIRROR}:1.0"))
    assert outcome.errors == ()
    fetched = {line.split()[-1] for line in world.calls("fetch_manifest") if MIRROR in line}
    assert fetched == {"1.0", *(child.digest for child in START.children)} - {AMD64.digest}
    assert {child.digest for child in START.children} <= set(world[APP].manifests)


def test_again() -> None:
    """The second time nothing is to do."""
    world = world_of()
    extend(world, AMD64_ENTRY, RISCV_ENTRY)
    world.log.clear()
    outcome = extend(world, AMD64_ENTRY, RISCV_ENTRY)
    assert (tags_of(outcome), world.writes) == ([("1.0", "kept")], [])


def test_the_same_image() -> None:
    """Where what is put in is there already, the base keeps its bytes, in whatever form."""
    index = make_index(AMD64, ARM64)
    compact = replace(index, manifest=index.manifest.replace(b"\n", b""))
    world = world_of(compact)
    world[BUILDS].put("amd64", AMD64)
    outcome = extend(world, AMD64_ENTRY)
    assert (outcome.errors, tags_of(outcome)) == ((), [("1.0", "kept")])


@pytest.mark.parametrize("more", [{}, {"tags": ("stable",)}], ids=["itself", "another tag"])
def test_base_alone(more: dict[str, Any]) -> None:
    """A base with nothing else is passed on byte for byte."""
    world = world_of()
    outcome = extend(world, **more)
    assert outcome.errors == ()
    assert set(world[APP].tags.values()) == {START.digest}


def test_removed() -> None:
    """A platform is taken out with its attestations, and that is no surprise to warn of."""
    world = world_of()
    outcome = extend(world, remove=("linux/arm64/v8",))
    assert (outcome.errors, outcome.warnings) == ((), ())
    digests = [digest for digest, _ in held(world)]
    assert digests == [child.digest for child in START.children[:3]] + [S390X.digest]
    assert changes_of(outcome)[-1] == ("linux/arm64", "removed")


def test_removed_and_put_in() -> None:
    """All versions of Windows are taken out, and one is put behind."""
    versions = [f"windows/amd64:10.0.{number}" for number in ("17763.1", "20348.1", "20348.2")]
    old, older, new = map(make_image, versions)
    world = world_of(make_index(old, AMD64, older))
    world[BUILDS].put("windows", new)
    outcome = extend(world, entry(f"{BUILDS}:windows", "windows/amd64"), remove=("windows/amd64",))
    assert outcome.errors == ()
    assert [digest for digest, _ in held(world)] == [AMD64.digest, new.digest]


def test_versions_of_windows() -> None:
    """Another os.version is another platform; one of which the base says none is of any."""
    old, new = make_image("windows/amd64:10.0.17763.1"), make_image("windows/amd64:10.0.20348.1")
    world = world_of(make_index(old))
    world[BUILDS].put("windows", new)
    given = entry(f"{BUILDS}:windows", "windows/amd64")
    extend(world, given)
    assert [digest for digest, _ in held(world)] == [old.digest, new.digest]
    bare = {"platform": {"os": "windows", "architecture": "amd64"}}
    world[APP].put("1.0", nest((old, bare)))
    extend(world, given)
    assert [digest for digest, _ in held(world)] == [new.digest]


def test_zstd_twin() -> None:
    """A twin stays where only the other one is replaced: with a warning, since it is older."""
    twin = make_image("linux/amd64", seed="zstd")
    world = world_of(nest((AMD64, {}), (twin, ZSTD)))
    outcome = extend(world, AMD64_ENTRY)
    assert [digest for digest, _ in held(world)][::2] == [NEW_AMD64.digest, twin.digest]
    assert outcome.warnings == (
        (
            f"{APP}:1.0: the zstd entry for linux/amd64 stays as the base has it, beside another "
            "image for it; publish both, or remove the platform"
        ),
    )


def test_replaces_all_of_its_kind() -> None:
    """Where the base lists a platform twice, one image takes both places."""
    world = world_of(make_index(AMD64, ARM64, make_image("linux/amd64", seed="twice")))
    outcome = extend(world, AMD64_ENTRY)
    assert (changes_of(outcome)[0], outcome.warnings) == (("linux/amd64", "changed"), ())
    digests = [digest for digest, _ in held(world)]
    assert digests == [NEW_AMD64.digest, PROOFS[NEW_AMD64.digest].digest, ARM64.digest]


def test_optional() -> None:
    """An optional image that does not exist leaves the base's in its place, and that is told."""
    world = world_of()
    missing = entry(f"{BUILDS}:absent", "linux/arm64", optional=True)
    outcome = extend(world, missing)
    assert outcome.errors == ()
    assert (ARM64.digest, {"of": "arm64"}) in held(world)
    assert outcome.warnings == (
        f"{BUILDS}:absent: not found; linux/arm64 is optional and stays as the base has it",
    )


def test_image_as_base() -> None:
    """A base that is one image and no index is one entry."""
    world = world_of(AMD64)
    outcome = extend(world, RISCV_ENTRY)
    assert outcome.errors == ()
    assert [digest for digest, _ in held(world)] == [AMD64.digest, RISCV.digest]


def test_index_within_the_base() -> None:
    """Images of an index within the base are replaced too; the result has one level."""
    world = world_of(nest((make_index(AMD64, ARM64), {}), (S390X, {})))
    outcome = extend(world, AMD64_ENTRY)
    assert outcome.errors == ()
    digests = [digest for digest, _ in held(world)]
    proof = PROOFS[NEW_AMD64.digest].digest
    assert digests == [NEW_AMD64.digest, proof, ARM64.digest, S390X.digest]


def test_entry_without_platform() -> None:
    """An image of which the base says no platform is known by its config, and stays as listed."""
    world = world_of(nest((AMD64, {"platform": None})))
    outcome = extend(world, RISCV_ENTRY)
    assert changes_of(outcome) == [("linux/amd64", "kept"), ("linux/riscv64", "added")]
    world = world_of(nest((AMD64, {"platform": None})))
    extend(world, AMD64_ENTRY)
    assert held(world)[0][0] == NEW_AMD64.digest


def test_annotations() -> None:
    """The base's annotations stay under those of the spec."""
    index = make_index(AMD64, annotations={"a": "base", "b": "base"})
    world = world_of(index)
    extend(world, RISCV_ENTRY, annotations=(("b", "spec"), ("c", "spec")))
    raw = world[APP].manifests[world[APP].tags["1.0"]].raw
    assert dict(parse_index(raw).annotations) == {"a": "base", "b": "spec", "c": "spec"}


DOCKER = make_image("linux/amd64", docker=True)
DOCKER_ARM64 = make_image("linux/arm64", docker=True)
FORMATS = [
    ("auto", True, DOCKER_ARM64, DOCKER_LIST),
    ("auto", True, ARM64, OCI_INDEX),
    ("auto", False, DOCKER_ARM64, OCI_INDEX),
    ("docker", False, DOCKER_ARM64, DOCKER_LIST),
    ("oci", True, DOCKER_ARM64, OCI_INDEX),
]


@pytest.mark.parametrize(
    ("form", "is_list", "image", "expected"),
    FORMATS,
    ids=["list of both", "an OCI image", "OCI base", "docker", "oci"],
)
def test_format(form: Any, is_list: bool, image: Image, expected: str) -> None:
    """A base that is an OCI index gives one; a list stays a list as long as it can."""
    world = world_of(make_index(DOCKER, docker=is_list))
    world[BUILDS].put("arm64", image)
    outcome = extend(world, entry(f"{BUILDS}:arm64", "linux/arm64"), format=form, convert=False)
    assert outcome.errors == ()
    assert outcome.index
    assert outcome.index.media_type == expected


def test_strip() -> None:
    """Attestations are left out of the base too."""
    world = world_of()
    outcome = extend(world, AMD64_ENTRY, attestations="strip")
    assert outcome.attestations == 0
    assert [digest for digest, _ in held(world)] == [
        NEW_AMD64.digest,
        SBOM.digest,
        ARM64.digest,
        S390X.digest,
    ]


def test_what_is_no_image_comes_once() -> None:
    """An artifact of a source stands in the base after the first push, and is not added again."""
    world = world_of(make_index(AMD64))
    world[BUILDS].put("more", nest((ARM64, {}), (SBOM, UNKNOWN)))
    outcomes = [extend(world, entry(f"{BUILDS}:more")) for _ in range(2)]
    assert [tags_of(one) for one in outcomes] == [[("1.0", "moved")], [("1.0", "kept")]]
    assert [digest for digest, _ in held(world)] == [AMD64.digest, ARM64.digest, SBOM.digest]


def test_one_image_for_two_platforms() -> None:
    """The attestation of an image that the base lists twice is listed once, as it was."""
    proof = PROOFS[AMD64.digest]
    second = {"platform": {"os": "linux", "architecture": "amd64", "variant": "v2"}}
    listed = (proof, {"annotations": attests(AMD64.digest)})
    world = world_of(nest((AMD64, {}), (AMD64, second), listed))
    outcome = extend(world, RISCV_ENTRY)
    digests = [AMD64.digest, proof.digest, AMD64.digest, RISCV.digest]
    assert [digest for digest, _ in held(world)] == digests
    assert outcome.attestations == 1
    extend(world, remove=("linux/amd64",))
    assert [digest for digest, _ in held(world)] == [AMD64.digest, proof.digest, RISCV.digest]


BROKEN: list[tuple[str, dict[str, Any], str]] = [
    (
        "not there",
        {"remove": ("windows/amd64", "linux/arm64")},
        (
            f"spec.yaml:2:5: {APP}:1.0: windows/amd64 is to be removed, and is not in it; it holds "
            "linux/amd64, linux/arm64, linux/s390x; take it out of remove"
        ),
    ),
    (
        "nothing left",
        {"remove": ("linux/amd64", "linux/arm64", "linux/s390x")},
        (
            "spec.yaml:1:1: every image of the base is removed, and nothing is put in their place; "
            "leave at least one"
        ),
    ),
    (
        "required",
        {"remove": ("linux/arm64",), "require": ("linux/arm64",)},
        (
            "spec.yaml:1:1: required platform linux/arm64 is not in the result, which holds "
            "linux/amd64, linux/s390x; publish its image, or take it out of require"
        ),
    ),
    (
        "attestation required",
        {"attestations": "require"},
        (
            f"spec.yaml:2:5: {APP}:1.0: it has no attestation, and the spec says attestations: "
            "require; build it with provenance or an SBOM, or let the spec say keep"
        ),
    ),
    (
        "no base",
        {"base": entry(f"{APP}:absent", line=2)},
        f"spec.yaml:2:5: {APP}:absent: no such manifest; check the name and the tag",
    ),
    (
        "append to nothing",
        {
            "base": replace(
                entry(f"{APP}:absent"), position=replace(BASE.position, file=APP, line=0)
            )
        },
        f"{APP}: {APP}:absent: no such manifest; leave out --append for the first push",
    ),
]


@pytest.mark.parametrize(
    ("more", "message"), [one[1:] for one in BROKEN], ids=[one[0] for one in BROKEN]
)
def test_refused(more: dict[str, Any], message: str) -> None:
    """What cannot be is told with code 4, and nothing is written."""
    world = world_of()
    outcome = extend(world, **more)
    assert [(error.exit_code, str(error)) for error in outcome.errors] == [(4, message)]
    assert world.writes == []


def test_removed_from_artifacts() -> None:
    """What is to be removed is not in a base without images, either."""
    world = world_of(nest((SBOM, UNKNOWN)))
    outcome = extend(world, RISCV_ENTRY, remove=("linux/amd64",))
    expected = (
        f"spec.yaml:2:5: {APP}:1.0: linux/amd64 is to be removed, and is not in it; it holds no "
        "image; take it out of remove"
    )
    assert [str(error) for error in outcome.errors] == [expected]


def test_without_platform_and_replaced() -> None:
    """An entry without platform that is not there any more is told as such."""
    world = world_of(nest((ARM64, {"platform": None})))
    (outcome,) = publish(world, target(RISCV_ENTRY))
    assert outcome.warnings == (
        (
            f"{APP}: an image without platform was published before and is not in the spec; the new "
            "list is without it"
        ),
    )


def test_docker_has_no_annotations() -> None:
    """A Docker list cannot hold what the base's index is annotated with."""
    world = world_of(make_index(DOCKER, annotations={"a": "1"}))
    world[BUILDS].put("arm64", DOCKER_ARM64)
    outcome = extend(world, entry(f"{BUILDS}:arm64", "linux/arm64"), format="docker")
    expected = (
        f"spec.yaml:2:5: {APP}:1.0: its index has annotations, which a Docker list cannot hold; "
        "use format: auto"
    )
    assert [shown(error) for error in outcome.errors] == [("ImageMismatch", 4, expected)]


def test_docker_has_no_artifacts() -> None:
    """A Docker list cannot hold what is no image, either."""
    world = world_of(nest((DOCKER, {}), (SBOM, UNKNOWN)))
    world[BUILDS].put("arm64", DOCKER_ARM64)
    outcome = extend(world, entry(f"{BUILDS}:arm64", "linux/arm64"), format="docker")
    expected = (
        f"spec.yaml:2:5: {APP}:1.0: {SBOM.digest} in it is no image, and format: docker makes a "
        "list of Docker images only; use format: auto"
    )
    assert [shown(error) for error in outcome.errors] == [("ImageMismatch", 4, expected)]


def test_two_entries_of_a_platform() -> None:
    """Two images for one platform are refused as without a base."""
    world = world_of()
    world[BUILDS].put("twice", NEW_AMD64)
    outcome = extend(world, entry(f"{BUILDS}:amd64"), entry(f"{BUILDS}:twice", line=4))
    assert [type(error).__name__ for error in outcome.errors] == ["ImageMismatch"]


def test_lost_child() -> None:
    """What the base lists and has lost is an error before anything is written."""
    world = world_of(name=MIRROR)
    del world[MIRROR].manifests[ARM64.digest]
    outcome = extend(world, RISCV_ENTRY, base=entry(f"{MIRROR}:1.0"))
    assert [error.exit_code for error in outcome.errors] == [4]
    assert ARM64.digest in str(outcome.errors[0])
    assert world.writes == []


def test_based_on_another_target() -> None:
    """A target that is based on another one takes its result, in a plan too."""
    world = world_of()
    first = target(AMD64_ENTRY, base=BASE, tags=("2.0",))
    second = target(RISCV_ENTRY, base=entry(f"{APP}:2.0"), images=(f"{APP}-full",), tags=("2.0",))
    planned = publish(world, second, first, dry_run=True)
    done = publish(world, second, first)
    assert [outcome.errors for outcome in (*planned, *done)] == [()] * 4
    assert [one.index for one in planned] == [one.index for one in done]
    assert held(world, f"{APP}-full", "2.0")[0][0] == NEW_AMD64.digest


def test_config_of_no_platform() -> None:
    """An image as base whose config names no platform is refused."""
    world = world_of(with_config(AMD64, b"{}"))
    outcome = extend(world, RISCV_ENTRY)
    assert [error.exit_code for error in outcome.errors] == [4]


def test_forced() -> None:
    """With --force all that the base lists is read again, and nothing comes out otherwise."""
    world = world_of()
    given = target(AMD64_ENTRY, base=BASE)
    publish(world, given)
    world.log.clear()
    (outcome,) = publish(world, given, rules=TagRules(force=True))
    assert (outcome.errors, tags_of(outcome)) == ((), [("1.0", "kept")])
    assert f"fetch_manifest app {S390X.digest}" in world.calls("fetch_manifest")


def test_not_to_be_asked() -> None:
    """Where the target may not be asked, what the base lists is read, and brought."""
    world = world_of(name=MIRROR)
    world[APP].faults.append(StoreFault("head_manifest", S390X.digest, error=Denied("no")))
    outcome = extend(world, base=entry(f"{MIRROR}:1.0"), remove=("linux/amd64",))
    assert outcome.errors == ()
    assert f"fetch_manifest {MIRROR} {S390X.digest}" in world.calls("fetch_manifest")


@pytest.mark.parametrize("index", [make_index(), nest((SBOM, UNKNOWN))], ids=["empty", "artifact"])
def test_no_image_beside_another(index: Index) -> None:
    """An index without an image in it gives nothing where another source stands beside it."""
    world = world_of()
    world[BUILDS].put("none", index)
    (outcome,) = publish(world, target(entry(f"{BUILDS}:none"), RISCV_ENTRY))
    expected = (
        f"spec.yaml:3:5: {BUILDS}:none: it is an index without an image in it; build it again"
    )
    assert [str(error) for error in outcome.errors] == [expected]


def test_loose_type_within() -> None:
    """An index that is listed as something else is told as what it is."""
    inner = make_index(ARM64)
    world = world_of(nest((AMD64, {}), (inner, {"mediaType": "application/json"})))
    outcome = extend(world, RISCV_ENTRY)
    expected = f"spec.yaml:2:5: {APP}:1.0: its type '{OCI_INDEX}' is not that of an image"
    assert [str(error) for error in outcome.errors] == [expected]
