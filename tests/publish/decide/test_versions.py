"""Versions: how tags are read, which is newer, and which tags float."""

import pytest

from mbuild.publish.decide.versions import (
    Floating,
    Version,
    newer_listed,
    parse_floating,
    parse_version,
    version_of,
)


def version(text: str) -> Version:
    """A version that can be read."""
    found = parse_version(text)
    assert found
    return found


@pytest.mark.parametrize(
    ("text", "numbers", "revision", "stage", "track"),
    [
        ("1.4.2", (1, 4, 2), 0, None, ""),
        ("v1.4.2", (1, 4, 2), 0, None, ""),
        (" 1.4.2 ", (1, 4, 2), 0, None, ""),
        ("1", (1,), 0, None, ""),
        ("24.04", (24, 4), 0, None, ""),
        ("1.2.3.4", (1, 2, 3, 4), 0, None, ""),
        ("1.4.2-3", (1, 4, 2), 3, None, ""),
        ("1.4.2-rc.1", (1, 4, 2), 0, (3, 1), ""),
        ("1.4.2rc1", (1, 4, 2), 0, (3, 1), ""),
        ("1.4.2-RC1", (1, 4, 2), 0, (3, 1), ""),
        ("1.4.2-alpha", (1, 4, 2), 0, (1,), ""),
        ("1.4.2-beta.2.1", (1, 4, 2), 0, (2, 2, 1), ""),
        ("1.4.2-nightly", (1, 4, 2), 0, (0,), ""),
        ("1.4.2-alpine", (1, 4, 2), 0, None, "alpine"),
        ("1.4.2-alpine3.20", (1, 4, 2), 0, None, "alpine3.20"),
        ("1.4.2-rc1-alpine", (1, 4, 2), 0, (3, 1), "alpine"),
        ("1.4.2-3-slim", (1, 4, 2), 3, None, "slim"),
        ("1.4.2_slim", (1, 4, 2), 0, None, "slim"),
        ("1.4.2+build.5", (1, 4, 2), 0, None, ""),
        ("1.4.2-rc.1+5", (1, 4, 2), 0, (3, 1), ""),
    ],
)
def test_version(
    text: str, numbers: tuple[int, ...], revision: int, stage: tuple[int, ...] | None, track: str
) -> None:
    """A version is its numbers, a revision, the stage of a pre-release, and a track."""
    found = version(text)
    assert (found.numbers, found.revision, found.stage, found.track) == (
        numbers, revision, stage, track,
    )  # fmt: skip
    assert str(found) == text.strip()


@pytest.mark.parametrize("text", ["", "latest", "main", "v", "1.", "1..2", "x1.2.3", "sha-1a2b3c4"])
def test_no_version(text: str) -> None:
    """Anything else is no version."""
    assert parse_version(text) is None


@pytest.mark.parametrize(
    ("text", "expected"), [("1.4.2", True), ("1.4.2.1", True), ("1.4", False), ("1", False)]
)
def test_full(text: str, expected: bool) -> None:
    """Three numbers or more name one release."""
    assert version(text).is_full is expected


ORDER = (
    "0.9.9", "1.0.0-dev", "1.0.0-alpha", "1.0.0-alpha.2", "1.0.0-beta", "1.0.0-rc1", "1.0.0-rc.2",
    "1.0.0-rc10", "1.0.0", "1.0.0-1", "1.0.0-2", "1.0.1", "1.2.0", "1.10.0", "2.0.0-rc1", "10.0.0",
)  # fmt: skip


@pytest.mark.parametrize("place", range(len(ORDER) - 1))
def test_order(place: int) -> None:
    """Later is newer, by number and not by letter; a pre-release comes before its release."""
    earlier, later = version(ORDER[place]), version(ORDER[place + 1])
    assert later.is_newer(earlier)
    assert not earlier.is_newer(later)


@pytest.mark.parametrize("pair", [("1.4.0", "1.4"), ("v1.4.2", "1.4.2"), ("1.0-rc1", "1.0.0rc1")])
def test_same(pair: tuple[str, str]) -> None:
    """Zeros at the end, a v, and the way a stage is written make no difference."""
    one, other = map(version, pair)
    assert not one.is_newer(other)
    assert not other.is_newer(one)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [
        ("latest", Floating()),
        ("latest-alpine", Floating((), "alpine")),
        ("1", Floating((1,))),
        ("v1", Floating((1,))),
        ("1.4", Floating((1, 4))),
        ("1.4-alpine", Floating((1, 4), "alpine")),
        ("1.4.2", None),
        ("1.4-rc1", None),
        ("1.4-2", None),
        ("main", None),
    ],
)
def test_floating(tag: str, expected: Floating | None) -> None:
    """`latest` and one or two numbers float, each within its track."""
    assert parse_floating(tag) == expected


@pytest.mark.parametrize(
    ("tags", "floating", "annotation", "expected"),
    [
        (["1.4.2", "1.4", "latest"], "latest", "", "1.4.2"),
        (["1.4.2-alpine", "1.4.2", "1.5.0-alpine"], "latest", "", "1.4.2"),
        (["1.4.2-alpine", "1.4-alpine"], "1.4-alpine", "", "1.4.2-alpine"),
        (["1.4.2", "1.4.10"], "1.4", "", "1.4.10"),
        (["1.4", "latest"], "latest", "1.4.7", "1.4.7"),
        (["latest"], "latest", "24.04", "24.04"),
        (["1.4.2", "latest"], "latest", "9.9.9", "1.4.2"),
        (["latest"], "latest", "main", None),
        (["latest"], "latest", "", None),
    ],
)
def test_version_of(tags: list[str], floating: str, annotation: str, expected: str | None) -> None:
    """The newest full version among the tags says what is published, else the annotation."""
    place = parse_floating(floating)
    assert place
    found = version_of(tags, place, annotation)
    assert (str(found) if found else None) == expected


@pytest.mark.parametrize(
    ("ours", "floating", "tags", "expected"),
    [
        ("1.4.2", "1.4", ["1.4.3", "1.5.0"], "1.4.3"),
        ("1.4.2", "1", ["1.4.3", "1.5.0", "2.0.0"], "1.5.0"),
        ("1.4.2", "latest", ["1.4.3", "1.5.0", "2.0.0"], "2.0.0"),
        ("1.4.2", "1.4", ["1.4.2", "1.4.1", "1.5.0"], None),
        ("1.4.2", "latest", ["1.4", "2", "latest", "main"], None),
        ("1.4.2", "latest", ["2.0.0-rc1"], None),
        ("1.5.0-rc1", "latest", ["1.5.0-rc2"], "1.5.0-rc2"),
        ("1.5.0-rc1", "latest", ["1.5.0"], "1.5.0"),
        ("1.4.2", "latest", ["1.5.0-alpine"], None),
        ("1.4.2-alpine", "latest-alpine", ["1.5.0-alpine", "1.6.0"], "1.5.0-alpine"),
        ("1.4.2", "1", [], None),
    ],
)
def test_newer_listed(ours: str, floating: str, tags: list[str], expected: str | None) -> None:
    """A floating tag stays with a newer release that it covers, in its own track."""
    place = parse_floating(floating)
    assert place
    found = newer_listed(version(ours), place, tags)
    assert (str(found) if found else None) == expected
