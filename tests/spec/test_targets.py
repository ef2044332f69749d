"""What a target says beside its images, and what does not go together."""

import pytest

from mbuild.oci.platform import Platform
from tests.spec.reading import codes, complaints, read_target

DIGEST = f"sha256:{'0' * 64}"


def test_all_that_a_target_says() -> None:
    """Every key of a target arrives."""
    target = read_target("""\
        image: app:1
        sources: [a]
        format: oci
        convert: true
        annotations: {b: "1", a: "2"}
        attestations: strip
        referrers: copy
        require: [linux/amd64, linux/aarch64]
        base: app:0
        remove: [linux/arm/v7, "windows/amd64:10.0.1"]
        """)
    assert (target.format, target.convert) == ("oci", True)
    assert target.annotations == (("a", "2"), ("b", "1"))
    assert (target.attestations, target.referrers) == ("strip", "copy")
    assert target.require == (Platform("linux", "amd64"), Platform("linux", "arm64"))
    assert target.base
    assert (str(target.base.reference), target.base.position.line) == ("docker.io/library/app:0", 9)
    assert target.sources == (target.base, *target.entries)
    assert [str(one) for one in target.remove] == ["linux/arm/v7", "windows/amd64:10.0.1"]
    assert str(target.position) == "m.yaml:1:1"


def test_defaults() -> None:
    """What a target does not say."""
    target = read_target("image: app\nsources: [a]\nformat: docker")
    assert (target.attestations, target.annotations, target.require) == ("keep", (), ())
    assert (target.convert, target.referrers) == (None, "leave")
    assert (target.base, target.remove, target.sources) == (None, (), target.entries)


def test_annotations_have_no_place_in_a_docker_list() -> None:
    """Neither on the index nor on an entry."""
    assert complaints("""\
        image: app
        format: docker
        annotations: {a: b}
        sources: [{image: a, annotations: {a: b}}, {image: b, annotations: {}}]
        """) == [
        "m.yaml:3:15: annotations need an OCI index; leave out 'format: docker', or the annotations",
        (
            "m.yaml:4:19: this entry's annotations need an OCI index; leave out 'format: docker', "
            "or the annotations"
        ),
    ]


def test_annotations_that_are_empty_are_none() -> None:
    """An empty mapping asks for nothing."""
    assert read_target("image: app\nsources: [a]\nformat: docker\nannotations: {}").entries


@pytest.mark.parametrize(
    ("base", "expected"),
    [("app", "docker.io/library/app:latest"), ("oci:dir", "oci:folder/dir"), (f"app@{DIGEST}", "")],
    ids=["no tag", "layout", "digest"],
)
def test_base_alone(base: str, expected: str) -> None:
    """A base needs no images beside it, and is a source like any other."""
    target = read_target(f"image: app\nbase: {base}", folder="folder")
    assert target.entries == ()
    assert target.base
    assert str(target.base.reference) == (expected or f"docker.io/library/app@{DIGEST}")


WRONG_BASES = {
    "reference": (
        "base: App",
        "2:7: 'App' is not a reference: the repository name must be lower case",
    ),
    "empty": ("base: ''", "2:7: an empty text is not a reference; "),
    "platform": ("base: a\nremove: [linux/amd46]", "3:10: unknown architecture 'amd46'"),
    "remove alone": (
        "sources: [a]\nremove: [linux/amd64]",
        "3:9: 'remove' needs 'base', the index that platforms are taken out of",
    ),
}


@pytest.mark.parametrize(("text", "expected"), WRONG_BASES.values(), ids=WRONG_BASES)
def test_wrong_base(text: str, expected: str) -> None:
    """A base is a reference, and only from a base platforms can be removed."""
    [line] = complaints(f"image: app\n{text}")
    assert line.startswith(f"m.yaml:{expected}")


def test_nothing_is_removed_from_nothing() -> None:
    """An empty list, and a misspelt base, are no second problem."""
    assert read_target("image: app\nsources: [a]\nremove: []").remove == ()
    assert codes("image: app\nbsae: a\nsources: [b]\nremove: [linux/amd64]") == ["unknown-key"]


def test_required_platforms_are_platforms() -> None:
    """With the nearest known one."""
    assert complaints("image: app\nsources: [a]\nrequire: [linux/amd46]") == [
        "m.yaml:3:11: unknown architecture 'amd46' in 'linux/amd46'; did you mean 'linux/amd64'?"
    ]


def test_wrong_annotations() -> None:
    """Keys are words that stand on one line."""
    assert codes('image: app\nsources: [a]\nannotations: {"a\\nb": c, "": d}') == [
        "bad-annotation",
        "bad-annotation",
    ]


NO_FORMAT = "'convert' needs 'format: oci' or 'format: docker', to say what to convert to"
CONVERSIONS = {
    "no format": ("convert: true", f"m.yaml:3:10: {NO_FORMAT}"),
    "auto": ("convert: true\nformat: auto", f"m.yaml:3:10: {NO_FORMAT}"),
    "a wrong format": (
        "convert: true\nformat: ocii",
        "m.yaml:4:9: 'format' must be 'auto', 'oci' or 'docker', not 'ocii'; did you mean 'oci'?",
    ),
}


@pytest.mark.parametrize(("text", "expected"), CONVERSIONS.values(), ids=CONVERSIONS)
def test_conversion_to_what(text: str, expected: str) -> None:
    """A conversion must be told what to convert to."""
    assert complaints(f"image: app\nsources: [a]\n{text}") == [expected]


@pytest.mark.parametrize("text", ["format: docker\nconvert: true", "convert: false"])
def test_no_fault_in_conversion(text: str) -> None:
    """With a format there is nothing wrong, nor where nothing is converted."""
    assert read_target(f"image: app\nsources: [a]\n{text}").convert is ("true" in text)


def test_conversion_by_default() -> None:
    """A target may take the conversion from the defaults, and must have a format then."""
    spec = """\
        convert: true
        format: docker
        images:
        - {image: a, sources: [b]}
        - {image: c, sources: [d], format: auto}
        """
    assert complaints(spec) == [f"m.yaml:1:10: {NO_FORMAT}"]
