"""Platforms: their text, containerd's normal form, how they are completed, and their JSON."""

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
    make_platform,
    normalise,
    parse_platform,
    platform_from,
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
