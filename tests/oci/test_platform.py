"""Platforms: their text, containerd's normal form, and what contradicts what."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.oci.platform import (
    KNOWN_ARCHITECTURES,
    KNOWN_OS,
    Platform,
    check_variant,
    complete,
    contradictions,
    equals,
    make_platform,
    normalise,
    parse_platform,
    platform_from,
    satisfies,
    without_aliases,
)
from tests.oci.strategies import os_versions, platforms

LTSC2022 = "10.0.20348.2227"
LTSC2025 = "10.0.26100.1742"

TEXTS = {
    "linux/amd64": Platform("linux", "amd64"),
    "linux/arm": Platform("linux", "arm"),
    "linux/arm/v7": Platform("linux", "arm", "v7"),
    "linux/arm64/v8": Platform("linux", "arm64", "v8"),
    "linux/arm64/v8.1": Platform("linux", "arm64", "v8.1"),
    "linux/amd64/v3": Platform("linux", "amd64", "v3"),
    "linux/arm/7": Platform("linux", "arm", "7"),
    "linux/riscv64/rva22u64": Platform("linux", "riscv64", "rva22u64"),
    "linux/ppc64le/power9": Platform("linux", "ppc64le", "power9"),
    "linux/s390x/z13": Platform("linux", "s390x", "z13"),
    "linux/mipsle/softfloat": Platform("linux", "mipsle", "softfloat"),
    "wasi/wasm": Platform("wasi", "wasm"),
    "wasip1/wasm": Platform("wasip1", "wasm"),
    f"windows/amd64:{LTSC2022}": Platform("windows", "amd64", "", LTSC2022),
    "Linux/ARM64/V8": Platform("linux", "arm64", "v8"),
    "macOS/aarch64": Platform("darwin", "arm64"),
    "linux/x86_64": Platform("linux", "amd64"),
    "linux/x86-64/v2": Platform("linux", "amd64", "v2"),
    "linux/i386": Platform("linux", "386"),
    "linux/armhf": Platform("linux", "arm", "v7"),
    "linux/armel/v6": Platform("linux", "arm", "v6"),
    f"windows({LTSC2022})/amd64": Platform("windows", "amd64", "", LTSC2022),
    f"windows({LTSC2022}+win32k)/amd64": Platform("windows", "amd64", "", LTSC2022, ("win32k",)),
    "linux(+gpu+simd)/arm64/v8": Platform("linux", "arm64", "v8", "", ("gpu", "simd")),
    "windows()/amd64": Platform("windows", "amd64"),
    f"windows()/amd64:{LTSC2022}": Platform("windows", "amd64", "", LTSC2022),
}
FORM = "is not a platform: write it os/arch[/variant][:os.version]"
BAD_FORMS = (
    "", "linux", "amd64", "/", "linux/", "/amd64", "linux//v7", "linux/arm/", "linux/arm/v7/x",
    "linux amd64", "linux /amd64", "linux/amd64\n", "linux/amd64:", "windows/amd64:1:2",
    "linux/amd64/:1", "windows(1)/amd64:1", "windows(1/amd64", "linux(gpu+)/arm", "windows/amd64:a b",
)  # fmt: skip
BAD_WORDS = {
    "linus/amd64": ("'linus' is not a known operating system", "linus", "os"),
    "*/amd64": ("'*' is not a known operating system", "*", "os"),
    "linux/amd46": ("'amd46' is not a known architecture", "amd46", "architecture"),
    "amd64/linux": ("'amd64' is not a known operating system", "amd64", "os"),
    "unknown/unknown": ("'unknown' is not a known operating system", "unknown", "os"),
    "linux/amd64/x": ("'x' is not a variant of amd64: write it like v3",),
    "linux/arm/hf": ("'hf' is not a variant of arm: write it like v7",),
    "linux/arm64/v8.1.2": ("'v8.1.2' is not a variant of arm64: write it like v8",),
    "linux/riscv64/-": ("'-' is not a variant of riscv64: write it like rva22u64",),
    "linux/armhf/v6": ("'armhf' means arm/v7, not variant 'v6': write arm",),
    "linux/i386/sse2": ("'i386' means 386, not variant 'sse2': write 386",),
}


@pytest.mark.parametrize(("text", "expected"), TEXTS.items(), ids=TEXTS)
def test_parse(text: str, expected: Platform) -> None:
    """A platform's text is taken apart: aliases resolved, the variant as it is written."""
    assert parse_platform(text) == expected


@pytest.mark.parametrize("text", BAD_FORMS, ids=repr)
def test_not_a_platform(text: str) -> None:
    """Text of another form is refused with the form it should have."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_platform(text)
    assert caught.value.args == (f"{text!r} {FORM}",)


@pytest.mark.parametrize(("text", "arguments"), BAD_WORDS.items(), ids=BAD_WORDS)
def test_unknown_word(text: str, arguments: tuple[str, ...]) -> None:
    """A word nobody knows is refused, and given with its field to whoever knows a better one."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_platform(text)
    assert caught.value.args == arguments


@pytest.mark.parametrize("os", sorted(KNOWN_OS))
@pytest.mark.parametrize("architecture", ["386", "s390x"])
def test_known(os: str, architecture: str) -> None:
    """Every operating system that Go has had is known."""
    assert str(parse_platform(f"{os}/{architecture}")) == f"{os}/{architecture}"


@given(
    st.sampled_from(sorted(KNOWN_OS)),
    st.sampled_from(sorted(KNOWN_ARCHITECTURES)),
    st.sampled_from(("", "v7", "v8.1", "3")),
    os_versions(),
)
def test_round_trip(os: str, architecture: str, variant: str, os_version: str) -> None:
    """A platform's text is read back as the same platform."""
    platform = make_platform(os, architecture, variant, os_version=os_version)
    assert parse_platform(str(platform)) == platform


def test_text_of_an_empty_platform() -> None:
    """An entry that says nothing of its platform has a text all the same."""
    assert str(Platform("", "")) == "unknown"
    assert str(Platform("linux", "")) == "linux"


def test_variant_of_no_one() -> None:
    """No variant is always right."""
    check_variant("amd64", "")


# containerd/platforms, database.go: architecture and variant before and after.
CONTAINERD = {
    ("i386", ""): ("386", ""),
    ("i386", "v7"): ("386", ""),
    ("386", "sse2"): ("386", "sse2"),
    ("x86_64", ""): ("amd64", ""),
    ("x86-64", "v1"): ("amd64", ""),
    ("amd64", "v1"): ("amd64", ""),
    ("amd64", "v2"): ("amd64", "v2"),
    ("amd64", "1"): ("amd64", "1"),
    ("aarch64", ""): ("arm64", ""),
    ("aarch64", "v8"): ("arm64", ""),
    ("arm64", "8"): ("arm64", ""),
    ("arm64", "v8"): ("arm64", ""),
    ("arm64", "v8.0"): ("arm64", ""),
    ("arm64", "8.0"): ("arm64", "8.0"),
    ("arm64", "v8.1"): ("arm64", "v8.1"),
    ("arm64", "9"): ("arm64", "v9"),
    ("arm64", "9.0"): ("arm64", "v9"),
    ("arm64", "v9.0"): ("arm64", "v9"),
    ("arm64", "v9"): ("arm64", "v9"),
    ("armhf", ""): ("arm", "v7"),
    ("armhf", "v6"): ("arm", "v7"),
    ("armel", ""): ("arm", "v6"),
    ("armel", "v7"): ("arm", "v6"),
    ("arm", ""): ("arm", "v7"),
    ("arm", "7"): ("arm", "v7"),
    ("arm", "v7"): ("arm", "v7"),
    ("arm", "5"): ("arm", "v5"),
    ("arm", "6"): ("arm", "v6"),
    ("arm", "8"): ("arm", "v8"),
    ("arm", "v8"): ("arm", "v8"),
    ("arm", "v6"): ("arm", "v6"),
    ("ARM64", "V8"): ("arm64", ""),
    ("riscv64", "rva22u64"): ("riscv64", "rva22u64"),
    ("s390x", ""): ("s390x", ""),
    ("made-up", "V1"): ("made-up", "v1"),
}


@pytest.mark.parametrize(("before", "after"), CONTAINERD.items(), ids=map("/".join, CONTAINERD))
def test_normalise(before: tuple[str, str], after: tuple[str, str]) -> None:
    """Architecture and variant fold as containerd folds them, row by row."""
    normal = normalise(Platform("linux", *before))
    assert (normal.architecture, normal.variant) == after


@pytest.mark.parametrize(
    ("os", "expected"), [("macos", "darwin"), ("MacOS", "darwin"), ("Windows", "windows"), ("", "")]
)
def test_normalise_os(os: str, expected: str) -> None:
    """The operating system is lower case, macos is darwin, and nothing stays nothing."""
    assert normalise(Platform(os, "amd64")).os == expected


def test_normalise_features() -> None:
    """os.features are sorted and each stands once; os.version is left alone."""
    platform = Platform("windows", "amd64", "", "10.0.1-RC", ("b", "a", "b"))
    assert normalise(platform) == Platform("windows", "amd64", "", "10.0.1-RC", ("a", "b"))


ALIASES = {
    "arm64 keeps its v8": (Platform("Linux", "AArch64", "v8"), Platform("linux", "arm64", "v8")),
    "armhf": (Platform("linux", "armhf"), Platform("linux", "arm", "v7")),
    "nothing to do": (
        Platform("windows", "amd64", "", "1", ("b", "a")),
        Platform("windows", "amd64", "", "1", ("b", "a")),
    ),
}


@pytest.mark.parametrize(("platform", "expected"), ALIASES.values(), ids=ALIASES)
def test_without_aliases(platform: Platform, expected: Platform) -> None:
    """Aliases become Go's words, and nothing else changes."""
    assert without_aliases(platform) == expected


@given(platforms())
def test_normalise_is_idempotent(platform: Platform) -> None:
    """A normal form has no other normal form."""
    assert normalise(normalise(platform)) == normalise(platform)


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


COMPLETE = {
    "nothing to fill": (("linux", "amd64"), ("linux", "amd64"), ("linux", "amd64")),
    "variant": (("linux", "arm"), ("linux", "arm", "v6"), ("linux", "arm", "v6")),
    "variant as it is written": (
        ("linux", "arm", "v7"),
        ("linux", "arm", "7"),
        ("linux", "arm", "v7"),
    ),
    "os.version": (
        ("windows", "amd64"),
        ("windows", "amd64", "", LTSC2022, ("win32k",)),
        ("windows", "amd64", "", LTSC2022, ("win32k",)),
    ),
    "the spec's win": (
        ("windows", "amd64", "", "1", ("a",)),
        ("windows", "amd64", "", "2", ("b",)),
        ("windows", "amd64", "", "1", ("a",)),
    ),
}


@pytest.mark.parametrize(("said", "found", "expected"), COMPLETE.values(), ids=COMPLETE)
def test_complete(said: Any, found: Any, expected: Any) -> None:
    """What the spec leaves open comes from the config."""
    assert complete(Platform(*said), Platform(*found)) == Platform(*expected)


JSON = {
    "plain": ({"architecture": "amd64", "os": "linux"}, Platform("linux", "amd64")),
    "all": (
        {
            "architecture": "arm64",
            "os": "windows",
            "os.version": LTSC2025,
            "os.features": ["win32k"],
            "variant": "v8",
        },
        Platform("windows", "arm64", "v8", LTSC2025, ("win32k",)),
    ),
    "empty": ({"architecture": "", "os": ""}, Platform("", "")),
    "unknown": ({"architecture": "unknown", "os": "unknown"}, Platform("unknown", "unknown")),
}


@pytest.mark.parametrize(("data", "platform"), JSON.values(), ids=JSON)
def test_json(data: dict[str, Any], platform: Platform) -> None:
    """A platform is read from its JSON object and written as it was, keys in their order."""
    assert platform_from(data) == platform
    assert [*platform.to_dict().items()] == [*data.items()]


def test_json_of_other_tools() -> None:
    """What other tools leave out is empty, and what this one does not know is passed over."""
    assert platform_from({"features": ["sse4"]}) == Platform("", "")


def test_is_unknown() -> None:
    """Only `unknown/unknown` is the platform of attestations."""
    assert Platform("unknown", "unknown").is_unknown
    assert not Platform("linux", "unknown").is_unknown
    assert not Platform("unknown", "amd64").is_unknown
