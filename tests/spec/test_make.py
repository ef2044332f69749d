"""A Spec from the arguments of `mbuild create`."""

from typing import Any

import pytest

from mbuild.errors import Failures, MbuildError, UsageError
from mbuild.oci.platform import Platform
from mbuild.spec.make import append_to, make_target
from mbuild.spec.references import read_source
from tests.spec.reading import read

AMD, ARM = Platform("linux", "amd64"), Platform("linux", "arm64")
HUB = "docker.io/library"


def make(*sources: str, target: str = "app:1", **options: Any) -> list[tuple[str, Platform | None]]:
    """The images and platforms of the target that is made."""
    [made] = make_target(target=target, sources=sources, **options).targets
    return [(str(entry.reference), entry.platform) for entry in made.entries]


def test_sources_alone() -> None:
    """Their platforms are left to their configs."""
    assert make("app:a", "oci:b") == [(f"{HUB}/app:a", None), ("oci:b", None)]


def test_as_many_platforms_as_sources() -> None:
    """Each belongs to the source in its place, in that order."""
    platforms = ["linux/amd64", "linux/aarch64"]
    assert make("a", "b", platforms=platforms) == [
        (f"{HUB}/a:latest", AMD),
        (f"{HUB}/b:latest", ARM),
    ]


@pytest.mark.parametrize("source", ["app:{tag}-{arch}", "app:1-ARCH"])
def test_a_template_for_several_platforms(source: str) -> None:
    """One source with words is filled in for each platform."""
    expected = [(f"{HUB}/app:1-amd64", AMD), (f"{HUB}/app:1-arm64", ARM)]
    assert make(source, platforms=["linux/amd64", "linux/arm64"]) == expected
    assert make(source, platforms=["linux/amd64"]) == expected[:1]


def test_the_same_as_with_a_spec() -> None:
    """Tags, annotations and single words become what a spec would say."""
    made = make_target(
        target="team/app:1",
        sources=["a"],
        tags=["2", "latest"],
        annotations=["b=$1", "a=x=y"],
        words={"format": "oci", "referrers": "copy"},
    ).targets[0]
    [told] = read(
        "image: team/app:1\nsources: [a]\ntags: ['2', latest]\n"
        "annotations: {b: $1, a: x=y}\nformat: oci\nreferrers: copy"
    ).targets
    assert made.destinations == told.destinations
    assert (made.annotations, made.format) == (told.annotations, told.format)
    assert made.referrers == told.referrers == "copy"
    assert made.entries[0].reference == told.entries[0].reference


ONE_EACH = "give one --platform for each source, in the same order, or one source with {arch} in it"
WRONG: dict[str, tuple[list[str], dict[str, Any], str]] = {
    "no source": ([], {}, "no source is given; name at least one image"),
    "fewer platforms": (
        ["a", "b"],
        {"platforms": ["linux/amd64"]},
        f"1 platform for 2 sources; {ONE_EACH}",
    ),
    "more platforms": (
        ["a"],
        {"platforms": ["linux/amd64", "linux/arm64"]},
        f"2 platforms for 1 source; {ONE_EACH}",
    ),
    "annotation": (
        ["a"],
        {"annotations": ["b"]},
        "b: 'b' is not an annotation; write it KEY=VALUE",
    ),
    "annotation twice": (
        ["a"],
        {"annotations": ["b=1", "b=2"]},
        "b=2: annotation 'b' is given twice; keep one",
    ),
    "empty annotation key": (
        ["a"],
        {"annotations": ["=1"]},
        "=1: '' cannot be an annotation's key; write it like org.example.key",
    ),
    "conversion to nothing": (
        ["a"],
        {"words": {"convert": "true"}},
        "--convert: 'convert' needs 'format: oci' or 'format: docker', to say what to convert to",
    ),
    "source": (["A"], {}, "A: 'A' is not a reference: the repository name must be lower case"),
    "template alone": (
        ["app:1-{arch}"],
        {},
        "app:1-{arch}: 'app:1-{arch}' is a template; say its platforms with --platform",
    ),
    "word": (
        ["app:{arc}"],
        {"platforms": ["linux/amd64"]},
        "app:{arc}: unknown word '{arc}' in the template; did you mean 'arch'?",
    ),
    "platform": (
        ["a"],
        {"platforms": ["linux/amd46"]},
        ("linux/amd46: unknown architecture 'amd46' in 'linux/amd46'; did you mean 'linux/amd64'?"),
    ),
    "platform twice": (
        ["a", "b"],
        {"platforms": ["linux/arm64", "linux/arm64/v8"]},
        "b: platform 'linux/arm64/v8' is the same as 'linux/arm64', first at a; take one out",
    ),
}


@pytest.mark.parametrize(("sources", "options", "message"), WRONG.values(), ids=WRONG)
def test_wrong_arguments_are_usage(
    sources: list[str], options: dict[str, Any], message: str
) -> None:
    """The command line was wrong, and the argument is named."""
    with pytest.raises(UsageError) as caught:
        make(*sources, **options)
    assert str(caught.value) == message


def test_all_wrong_arguments_at_once() -> None:
    """Several are raised as one, and the process ends as for one."""
    with pytest.raises(MbuildError) as caught:
        make("A", target="B", tags=["-c"])
    assert isinstance(caught.value, Failures)
    assert caught.value.exit_code == UsageError.exit_code
    assert [error.where for error in caught.value.errors] == ["B", "-c", "A"]


@pytest.mark.parametrize(
    ("target", "tags", "expected"),
    [
        ("app:1", ["2"], "app:1"),
        ("app", ["2", "3"], "app:2"),
        ("app", [], "app:latest"),
        ("localhost:5000/app", [], "localhost:5000/app:latest"),
        ("oci:dir", ["2"], "oci:dir:2"),
    ],
)
def test_append(target: str, tags: list[str], expected: str) -> None:
    """The base is the target's first tag: in its name, else the first beside it, else latest."""
    [made] = append_to(make_target(target=target, sources=["a"], tags=tags)).targets
    assert made.base
    assert (str(made.base.reference), str(made.base.position)) == (
        str(read_source(expected, "")),
        expected,
    )
