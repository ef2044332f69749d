"""Metadata files: which image each form names, and what is said of one that names none."""

import json
from typing import Any

import pytest

from mbuild.oci.reference import parse_any_reference
from mbuild.spec.metadata import read_metadata

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
BUILD = {
    "buildx.build.provenance": {"buildType": "https://mobyproject.org/buildkit@v1"},
    "buildx.build.ref": "default/default0/abc",
    "containerimage.config.digest": B,
    "containerimage.descriptor": {"mediaType": "x", "digest": A, "size": 10},
    "containerimage.digest": A,
    "image.name": "registry.test/app:1-amd64",
}
OTHER = {"containerimage.digest": B, "image.name": "registry.test/other:1"}
BAKE = {"buildx.build.warnings": {"vertex": ""}, "app": BUILD, "other": OTHER}


def without(*keys: str) -> dict[str, Any]:
    """A build's metadata that lacks some of its keys."""
    return {key: value for key, value in BUILD.items() if key not in keys}


NAMED: dict[str, tuple[dict[str, Any], str, str]] = {
    "of a build": (BUILD, "", f"registry.test/app@{A}"),
    "several names": (
        BUILD | {"image.name": "NOT, ,docker.io/app:1,registry.test/app"},
        "",
        f"docker.io/library/app@{A}",
    ),
    "a name with a digest": (
        BUILD | {"image.name": f"app:1@{B}"},
        "",
        f"docker.io/library/app@{A}",
    ),
    "a layout": (BUILD | {"image.name": "oci:dist:1.0"}, "", f"oci:dist@{A}"),
    "digest alone": (OTHER, "", f"registry.test/other@{B}"),
    "descriptor alone": (without("containerimage.digest"), "", f"registry.test/app@{A}"),
    "bake, one of several": (BAKE, "other", f"registry.test/other@{B}"),
    "bake, the only one": ({"app": BUILD, "check": {"a": 1}}, "", f"registry.test/app@{A}"),
    "a build in a file that holds bake's too": (
        BUILD | {"other": OTHER},
        "",
        f"registry.test/app@{A}",
    ),
}


@pytest.mark.parametrize(("metadata", "target", "expected"), NAMED.values(), ids=NAMED)
def test_named(metadata: dict[str, Any], target: str, expected: str) -> None:
    """The image is named by its digest, in the first repository that can be used."""
    assert str(read_metadata(json.dumps(metadata).encode(), target, None)) == expected


def test_repository_that_is_given() -> None:
    """What the spec says of the repository goes before the names in the file, right or wrong."""
    for names in ({}, {"image.name": "registry.test/app:1"}, {"image.name": "NOT"}):
        content = json.dumps({"containerimage.digest": A, **names}).encode()
        found = read_metadata(content, "", parse_any_reference("mirror.test/app"))
        assert str(found) == f"mirror.test/app@{A}"


BROKEN: dict[str, tuple[object, str, str]] = {
    "empty": (b" \n", "", "it is empty; the build that writes it has not come to its end"),
    "no JSON": (
        b"{",
        "",
        "not JSON: Expecting property name enclosed in double quotes at line 1 column 2",
    ),
    "no text": (b"\xff\xfe", "", "not UTF-8 at byte 0"),
    "a list": ([], "", "not a JSON object"),
    "bottomless": (b"[" * 100_000, "", "nested too deeply"),
    "no digest": (
        {"image.name": "app"},
        "",
        "it has no 'containerimage.digest'; build with --push, which gives the image one",
    ),
    "digest is a number": (
        {"containerimage.digest": 1},
        "",
        "'containerimage.digest' is not a string",
    ),
    "descriptor is a text": (
        {"containerimage.descriptor": "a"},
        "",
        "'containerimage.descriptor' is not an object",
    ),
    "digest that is none": (
        BUILD | {"containerimage.digest": "sha256:abc", "containerimage.descriptor": {}},
        "",
        "'sha256:abc' is not a digest: it must look like sha256: and 64 hex digits",
    ),
    "two digests": (
        BUILD | {"containerimage.digest": B},
        "",
        f"it names two digests, '{A}' and '{B}'",
    ),
    "no name": (
        without("image.name"),
        "",
        "it has no 'image.name'; say with 'image' beside 'metadata' which repository the image is in",
    ),
    "empty names": (
        BUILD | {"image.name": ","},
        "",
        "it has no 'image.name'; say with 'image' beside 'metadata' which repository the image is in",
    ),
    "no name that is one": (
        BUILD | {"image.name": "APP,B"},
        "",
        (
            "no name of its 'image.name' can be used: 'APP' is not a reference: the repository "
            "name must be lower case"
        ),
    ),
    "name is a list": (BUILD | {"image.name": ["app"]}, "", "'image.name' is not a string"),
    "several builds": (
        BAKE,
        "",
        "it is of several builds; say which one with 'target': app, other",
    ),
    "very many builds": (
        {f"b{number:02}": OTHER for number in range(25)},
        "",
        (
            "it is of several builds; say which one with 'target': "
            f"{', '.join(f'b{number:02}' for number in range(20))} and 5 more"
        ),
    ),
    "no such build": (BAKE, "ap", "it has no build 'ap'; it has app, other"),
    "target of a single build": (
        BUILD,
        "app",
        "it has no build 'app'; it is of one build, so leave out 'target'",
    ),
    "target of nothing": ({}, "app", "it has no build 'app'; it names no image at all"),
    "build without an image": (
        BAKE | {"check": {"buildx.build.ref": "a"}},
        "check",
        "it has no 'containerimage.digest'; build with --push, which gives the image one",
    ),
}


@pytest.mark.parametrize(("content", "target", "message"), BROKEN.values(), ids=BROKEN)
def test_broken(content: object, target: str, message: str) -> None:
    """What is wrong is said, and what to do."""
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(ValueError) as caught:  # noqa: PT011  # the whole message is compared
        read_metadata(raw, target, None)
    assert str(caught.value) == message
