"""The index that sources make: its kind, its entries, their order."""

import json
from typing import Any

import pytest

from mbuild.oci.index import to_content
from mbuild.publish.decide.assemble import make_index
from mbuild.spec.spec import Entry
from tests.publish.world import APP, World, entry, index_of, sources_of, target, with_config
from tests.support.images import (
    DOCKER_LIST,
    OCI_INDEX,
    attests,
    make_attestation,
    make_image,
)
from tests.support.images import (
    make_index as make_source_index,
)

OCI = make_image("linux/amd64")
DOCKER = make_image("linux/arm64", docker=True)
ATTESTED = make_source_index(OCI, make_image("linux/arm64"), attestations=True)
ANNOTATIONS = (("a", "1"),)


def assembled(world: World, *entries: Entry, **more: Any) -> dict[str, Any]:
    """The index of the entries, as JSON."""
    sources = sources_of(world, *entries)
    return dict(json.loads(to_content(make_index(target(*entries, **more), sources)).raw))


@pytest.fixture
def world() -> World:
    """A repository with images of both kinds, and an index."""
    world = World()
    world[APP].put("oci", OCI)
    world[APP].put("docker", DOCKER)
    world[APP].put("attested", ATTESTED)
    return world


FORMATS = [
    ("auto", ("docker",), {}, {}, DOCKER_LIST),
    ("auto", ("oci",), {}, {}, OCI_INDEX),
    ("auto", ("docker", "oci"), {}, {}, OCI_INDEX),
    ("auto", ("docker",), {"annotations": ANNOTATIONS}, {}, OCI_INDEX),
    ("auto", ("docker",), {}, {"annotations": ANNOTATIONS}, OCI_INDEX),
    ("auto", ("attested",), {}, {}, OCI_INDEX),
    ("oci", ("docker",), {}, {}, OCI_INDEX),
    ("docker", ("docker",), {}, {}, DOCKER_LIST),
    ("docker", ("oci",), {}, {}, DOCKER_LIST),
]


@pytest.mark.parametrize(
    ("form", "tags", "of_index", "of_entry", "expected"),
    FORMATS,
    ids=[
        f"{form} {'+'.join(tags)}{' annotated' * bool(more)}{' entry annotated' * bool(own)}"
        for form, tags, more, own, _ in FORMATS
    ],
)
def test_format(
    world: World,
    form: str,
    tags: tuple[str, ...],
    of_index: dict[str, Any],
    of_entry: dict[str, Any],
    expected: str,
) -> None:
    """Auto is a Docker list where every child is Docker's and nothing is annotated."""
    entries = [entry(f"{APP}:{tag}", **of_entry) for tag in tags]
    assert assembled(world, *entries, format=form, **of_index)["mediaType"] == expected


@pytest.mark.parametrize("place", ["oci:out", "oci-archive:out.tar"])
@pytest.mark.parametrize(("form", "expected"), [("auto", OCI_INDEX), ("docker", DOCKER_LIST)])
def test_format_in_a_layout(world: World, place: str, form: str, expected: str) -> None:
    """Tools find no Docker list in a layout or archive by its tag: auto makes an OCI index."""
    index = assembled(world, entry(f"{APP}:docker"), format=form, images=[APP, place])
    assert index["mediaType"] == expected


def test_order(world: World) -> None:
    """Entries come in the order of the spec, each attestation after its image."""
    index = assembled(world, entry(f"{APP}:docker"), entry(f"{APP}:attested"))
    one, two = ATTESTED.children[0], ATTESTED.children[2]
    expected = [DOCKER, one, make_attestation(one), two, make_attestation(two)]
    assert [held["digest"] for held in index["manifests"]] == [image.digest for image in expected]


def test_attestation_as_it_was(world: World) -> None:
    """An attestation's entry is the one of the source index."""
    index = assembled(world, entry(f"{APP}:attested", "linux/amd64", annotations=ANNOTATIONS))
    proof = make_attestation(OCI)
    assert index["manifests"][1] == proof.descriptor(annotations=attests(OCI.digest))


def test_annotations(world: World) -> None:
    """The spec's annotations of index and entry stand in the index, sorted."""
    annotated = entry(f"{APP}:oci", annotations=(("a", "1"), ("b", "2")))
    index = assembled(world, annotated, annotations=(("c", "3"),))
    assert index["annotations"] == {"c": "3"}
    assert list(index["manifests"][0]["annotations"].items()) == [("a", "1"), ("b", "2")]


def test_annotations_are_merged() -> None:
    """Annotations of the source's entry are kept, and the spec's go before them."""
    world = World()
    says = {"annotations": {"kept": "source", "both": "source"}, "artifactType": "text/plain"}
    world[APP].put("1.0", index_of((OCI, says)))
    given = entry(f"{APP}:1.0", "linux/amd64", annotations=(("both", "spec"), ("new", "spec")))
    (held,) = assembled(world, given)["manifests"]
    assert held["annotations"] == {"both": "spec", "kept": "source", "new": "spec"}
    assert held["artifactType"] == "text/plain"


def test_type_is_the_childs() -> None:
    """A source index that lists an image under another type is not copied in that."""
    world = World()
    world[APP].put("1.0", index_of((DOCKER, {"mediaType": "application/json"})))
    (held,) = assembled(world, entry(f"{APP}:1.0"))["manifests"]
    assert held["mediaType"] == DOCKER.media_type


WINDOWS = (
    b'{"os": "windows", "architecture": "amd64", "os.version": "10.0.1", "os.features": ["win32k"]}'
)
PLATFORMS = [
    ("linux/arm64", b'{"os": "linux", "architecture": "arm64", "variant": "v8"}',
     {"architecture": "arm64", "os": "linux", "variant": "v8"}),
    ("linux/arm64/v8", b'{"os": "linux", "architecture": "arm64"}',
     {"architecture": "arm64", "os": "linux", "variant": "v8"}),
    ("linux/arm", b'{"os": "linux", "architecture": "arm", "variant": "v6"}',
     {"architecture": "arm", "os": "linux", "variant": "v6"}),
    ("windows/amd64", WINDOWS,
     {"architecture": "amd64", "os": "windows", "os.version": "10.0.1", "os.features": ["win32k"]}),
    ("linux/amd64", b'{"os": "linux", "architecture": "x86_64"}',
     {"architecture": "amd64", "os": "linux"}),
    ("", b'{"os": "Linux", "architecture": "aarch64", "variant": "v8"}',
     {"architecture": "arm64", "os": "linux", "variant": "v8"}),
    ("linux/arm/v7", b"{}", {"architecture": "arm", "os": "linux", "variant": "v7"}),
    ("linux/arm", b'{"os": "linux", "architecture": "amd64", "variant": "v3"}',
     {"architecture": "arm", "os": "linux"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("said", "config", "expected"),
    PLATFORMS,
    ids=[
        "variant of the config", "variant of the spec", "arm is completed", "windows",
        "alias in the config", "config alone", "empty config", "another architecture",
    ],
)  # fmt: skip
def test_platform(said: str, config: bytes, expected: dict[str, Any]) -> None:
    """The platform is the spec's, completed from the config; one that is contradicted is not."""
    world = World()
    world[APP].put("x", with_config(OCI, config))
    (held,) = assembled(world, entry(f"{APP}:x", said))["manifests"]
    assert held["platform"] == expected
