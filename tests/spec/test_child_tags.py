"""The template of child tags, and what the spec alone tells of them."""

import pytest

from mbuild.spec.child_tags import known_child_tags
from tests.spec.reading import codes, complaints, read, read_target

KNOWN = "a template knows {os}, {arch}, {variant}, {os.version}, {compression}, {tag}"
TWINS = (
    "let child_tags tell them apart, with {arch}, {variant}, {os}, {os.version} or {compression}"
)
ZSTD = 'annotations: {io.github.containers.compression.zstd: "true"}'


def known(template: str, entries: str) -> list[str]:
    """The child tags that are known of a target app:1."""
    target = read_target(f"image: app:1\ntags: [2]\nchild_tags: '{template}'\n{entries}")
    assert target.child_tags == template
    return [tag for _, tag in known_child_tags(target)]


TAGS = {
    "by platform": (
        "{tag}-{os}-{arch}{variant}",
        "platforms: {linux/arm/v7: a}",
        ["1-linux-armv7"],
    ),
    "of sources": ("{tag}-{arch}", "sources: [a]", []),
    "with a version": (
        "{arch}-{os.version}",
        "platforms: {windows/amd64: [{image: a, os.version: 10.0.1}, b]}",
        ["amd64-10.0.1"],
    ),
    "zstd": (
        "{arch}{compression}",
        f"platforms: {{linux/amd64: [a, {{image: b, {ZSTD}}}]}}",
        ["amd64", "amd64zstd"],
    ),
}


@pytest.mark.parametrize(("template", "entries", "expected"), TAGS.values(), ids=TAGS)
def test_known(template: str, entries: str, expected: list[str]) -> None:
    """A tag is known where the spec says all that it is made of; {tag} is the first one."""
    assert known(template, entries) == expected


def test_none() -> None:
    """Without a template there are none."""
    assert [*known_child_tags(read_target("image: app\nplatforms: {linux/amd64: a}"))] == []


BROKEN = {
    "unknown word": ("'{zzz}-{arch}'", f"2:13: unknown word '{{zzz}}' in the template; {KNOWN}"),
    "near word": ("'{version}'", "2:13: unknown word '{version}' in the template; did you mean "),
    "all alike": ("'{tag}'", "2:13: '{tag}' names all images alike; write it like {tag}-{arch}"),
    "twice": (
        "'{tag}-{os}'",
        f"4:16: '1-linux' would be the child tag of linux/amd64 at m.yaml:3:16 too; {TWINS}",
    ),
    "no tag": (
        "'{os}!'",
        "2:13: 'linux!' is not a tag: it may hold letters, digits, '_', '.' and '-', not start",
    ),
    "own tag": (
        "'1{os}'",
        "2:13: tag '1linux' of app is a target already, first at m.yaml:1:8; take one out",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken(name: str) -> None:
    """What cannot be is told at the template, or at the second of two images."""
    template, expected = BROKEN[name]
    tag = "1linux" if name == "own tag" else "1"
    second = "" if name == "own tag" else "\n  linux/arm64: b"
    text = f"image: app:{tag}\nchild_tags: {template}\nplatforms:\n  linux/amd64: a{second}"
    expected = expected.replace("3:16", "4:16").replace("4:16: '1-", "5:16: '1-")
    assert complaints(text)[0].startswith(f"m.yaml:{expected}")


def test_without_a_tag() -> None:
    """Where the target's own tags are wrong, that alone is told."""
    text = "image: app\ntags: [a b]\nchild_tags: '{arch}'\nplatforms: {linux/amd64: a}"
    assert codes(text) == ["bad-tag"]


def test_of_two_targets() -> None:
    """Two targets do not tag their children alike."""
    assert codes("""\
        child_tags: "{arch}"
        images:
          - {image: "app:1", platforms: {linux/amd64: a}}
          - {image: "app:2", platforms: {linux/amd64: b}}
        """) == ["duplicate-target"]
    read("""\
        child_tags: "{tag}-{arch}"
        images:
          - {image: "app:1", platforms: {linux/amd64: a}}
          - {image: "app:2", platforms: {linux/amd64: b}}
        """)


def test_without_an_image() -> None:
    """A target that goes nowhere has its own problem, and no other."""
    assert codes("child_tags: '{arch}'\nplatforms: {linux/amd64: a}") == ["no-image"]
