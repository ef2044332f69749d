"""What a target says beside its images, and what does not go together."""

import pytest

from mbuild.oci.platform import Platform
from tests.spec.reading import codes, complaints, read_target


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
        """)
    assert (target.format, target.convert) == ("oci", True)
    assert target.annotations == (("a", "2"), ("b", "1"))
    assert (target.attestations, target.referrers) == ("strip", "copy")
    assert target.require == (Platform("linux", "amd64"), Platform("linux", "arm64"))
    assert str(target.position) == "m.yaml:1:1"


def test_defaults() -> None:
    """What a target does not say."""
    target = read_target("image: app\nsources: [a]\nformat: docker")
    assert (target.attestations, target.annotations, target.require) == ("keep", (), ())
    assert (target.convert, target.referrers) == (False, "leave")


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
