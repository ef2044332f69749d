"""Two platforms beside each other: equal, contradicting, and one that meets a wish."""

import pytest
from hypothesis import given

from mbuild.oci.platform import (
    Platform,
    contradictions,
    equals,
    normalise,
    parse_platform,
    satisfies,
)
from tests.oci.strategies import platforms

LTSC2022 = "10.0.20348.2227"
LTSC2025 = "10.0.26100.1742"


EQUAL = {
    "arm64 and v8": ("linux/arm64", "linux/arm64/v8", True),
    "arm and v7": ("linux/arm", "linux/arm/v7", True),
    "amd64 and v1": ("linux/amd64", "linux/amd64/v1", True),
    "aliases": ("linux/aarch64", "Linux/arm64", True),
    "order of features": ("linux(+a+b)/arm", "linux(+b+a)/arm", True),
    "other os": ("linux/amd64", "windows/amd64", False),
    "other architecture": ("linux/amd64", "linux/386", False),
    "other variant": ("linux/arm/v6", "linux/arm/v7", False),
    "other os.version": (f"windows/amd64:{LTSC2022}", f"windows/amd64:{LTSC2025}", False),
    "no os.version": (f"windows/amd64:{LTSC2022}", "windows/amd64", False),
    "other features": ("windows(+win32k)/amd64", "windows/amd64", False),
}


@pytest.mark.parametrize(("one", "other", "expected"), EQUAL.values(), ids=EQUAL)
def test_equals(one: str, other: str, expected: bool) -> None:
    """Two platforms are equal where no client could tell them apart."""
    assert equals(parse_platform(one), parse_platform(other)) is expected


@given(platforms(), platforms(), platforms())
def test_equals_is_an_equivalence(one: Platform, two: Platform, three: Platform) -> None:
    """Equality is reflexive, symmetric and transitive."""
    assert equals(one, one)
    assert equals(one, normalise(one))
    assert equals(one, two) == equals(two, one)
    assert equals(one, three) or not (equals(one, two) and equals(two, three))


# The spec's platform, the config's, and the fields that contradict each other.
CONTRADICTIONS: dict[str, tuple[Platform, Platform, tuple[str, ...]]] = {
    "same": (Platform("linux", "amd64"), Platform("linux", "amd64"), ()),
    "same after normalising": (Platform("linux", "arm64"), Platform("Linux", "aarch64", "v8"), ()),
    "config is silent": (Platform("linux", "arm", "v7"), Platform("", ""), ()),
    "config has no variant": (Platform("linux", "arm", "v6"), Platform("linux", "arm"), ()),
    "spec has no variant": (Platform("linux", "arm"), Platform("linux", "arm", "v6"), ()),
    "wrong os": (Platform("linux", "amd64"), Platform("windows", "amd64"), ("os",)),
    "wrong architecture": (
        Platform("linux", "amd64"),
        Platform("linux", "arm64"),
        ("architecture",),
    ),
    "architecture hides variant": (
        Platform("linux", "arm", "v7"),
        Platform("linux", "arm64", "v8.2"),
        ("architecture",),
    ),
    "wrong variant": (Platform("linux", "arm", "v7"), Platform("linux", "arm", "v6"), ("variant",)),
    "variant written otherwise": (
        Platform("linux", "arm", "v7"),
        Platform("linux", "arm", "7"),
        (),
    ),
    "alias with a variant": (
        Platform("linux", "arm", "v6"),
        Platform("linux", "armhf"),
        ("variant",),
    ),
    "default against another": (
        Platform("linux", "arm64", "v8"),
        Platform("linux", "arm64", "v9"),
        ("variant",),
    ),
    "wrong os.version": (
        Platform("windows", "amd64", "", LTSC2022),
        Platform("windows", "amd64", "", LTSC2025),
        ("os.version",),
    ),
    "one os.version": (
        Platform("windows", "amd64"),
        Platform("windows", "amd64", "", LTSC2025),
        (),
    ),
    "features say nothing": (
        Platform("windows", "amd64", os_features=("win32k",)),
        Platform("windows", "amd64"),
        (),
    ),
    "everything": (
        Platform("linux", "arm", "v7", "1"),
        Platform("windows", "amd64", "", "2"),
        ("os", "architecture", "os.version"),
    ),
}


@pytest.mark.parametrize(("said", "found", "fields"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_contradictions(said: Platform, found: Platform, fields: tuple[str, ...]) -> None:
    """Fields contradict each other where both are said and differ after normalising."""
    assert contradictions(said, found) == fields


# What an entry offers, what is wanted, and whether that is met.
SATISFIES = {
    "same": ("linux/amd64", "linux/amd64", True),
    "same after normalising": ("Linux/aarch64", "linux/arm64/v8", True),
    "other os": ("windows/amd64", "linux/amd64", False),
    "other architecture": ("linux/arm64", "linux/amd64", False),
    "other variant": ("linux/arm/v6", "linux/arm/v7", False),
    "variant that is not wanted": ("linux/amd64/v3", "linux/amd64", False),
    "variant that is not offered": ("linux/amd64", "linux/amd64/v3", False),
    "same os.version": (f"windows/amd64:{LTSC2022}", f"windows/amd64:{LTSC2022}", True),
    "any os.version": (f"windows/amd64:{LTSC2022}", "windows/amd64", True),
    "other os.version": (f"windows/amd64:{LTSC2022}", f"windows/amd64:{LTSC2025}", False),
    "os.version that is not offered": ("windows/amd64", f"windows/amd64:{LTSC2025}", False),
    "features that are not asked for": ("windows(+a+b)/amd64", "windows/amd64", True),
    "some of the features": ("windows(+a+b)/amd64", "windows(+b)/amd64", True),
    "features in another order": ("windows(+a+b)/amd64", "windows(+b+a)/amd64", True),
    "feature that is not offered": ("windows(+a)/amd64", "windows(+a+b)/amd64", False),
}


@pytest.mark.parametrize(("offered", "wanted", "expected"), SATISFIES.values(), ids=SATISFIES)
def test_satisfies(offered: str, wanted: str, expected: bool) -> None:
    """An entry is what was wanted where all that the wish says is so of it."""
    assert satisfies(parse_platform(offered), parse_platform(wanted)) is expected


@given(platforms())
def test_a_platform_satisfies_itself(platform: Platform) -> None:
    """A platform is met by itself, and by its normal form, either way round."""
    assert satisfies(platform, platform)
    assert satisfies(platform, normalise(platform))
    assert satisfies(normalise(platform), platform)


@given(platforms(), platforms())
def test_equal_platforms_satisfy_each_other(one: Platform, other: Platform) -> None:
    """Two platforms that meet each other are equal, and equal ones do meet each other."""
    assert equals(one, other) == (satisfies(one, other) and satisfies(other, one))
