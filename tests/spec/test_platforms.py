"""Platforms of a spec, and what is meant by those that are none."""

import pytest

from mbuild.oci.platform import Platform
from mbuild.spec.platforms import (
    check_os_feature,
    check_os_version,
    read_platform,
    read_platform_parts,
)

PLATFORMS = {
    "plain": ("linux/amd64", Platform("linux", "amd64")),
    "variant": ("linux/arm64/v8", Platform("linux", "arm64", "v8")),
    "aliases": ("macOS/aarch64", Platform("darwin", "arm64")),
    "os.version": ("windows/amd64:10.0.1", Platform("windows", "amd64", "", "10.0.1")),
    "containerd's": (
        "windows(10.0.1+win32k)/amd64",
        Platform("windows", "amd64", "", "10.0.1", ("win32k",)),
    ),
}


@pytest.mark.parametrize(("text", "platform"), PLATFORMS.values(), ids=PLATFORMS)
def test_platforms_are_read(text: str, platform: Platform) -> None:
    """Aliases become the normal words, the variant stays as written."""
    assert read_platform(text) == platform


FORM = "is not a platform: write it os/arch[/variant][:os.version]"
BROKEN = {
    "architecture": (
        "linux/amd46",
        "unknown architecture 'amd46' in 'linux/amd46'; did you mean 'linux/amd64'?",
    ),
    "os": (
        "linus/arm/v7",
        "unknown operating system 'linus' in 'linus/arm/v7'; did you mean 'linux/arm/v7'?",
    ),
    "os of Windows": (
        "window/amd64:10.0",
        "unknown operating system 'window' in 'window/amd64:10.0'; did you mean 'windows/amd64:10.0'?",
    ),
    "turned round": (
        "amd64/linux",
        "unknown operating system 'amd64' in 'amd64/linux'; did you mean 'linux/amd64'?",
    ),
    "nothing near": ("linux/zzz", "unknown architecture 'zzz' in 'linux/zzz'"),
    "long word": (
        "linux/" + "z" * 300,
        f"unknown architecture '{'z' * 200}'… in 'linux/{'z' * 194}'…",
    ),
    "no os": ("amd64", f"'amd64' {FORM}; did you mean 'linux/amd64'?"),
    "no architecture": ("linux", f"'linux' {FORM}"),
    "empty": ("", f"'' {FORM}"),
    "four parts": ("linux/arm/v7/x", f"'linux/arm/v7/x' {FORM}"),
    "variant": ("linux/arm/seven", "'seven' is not a variant of arm: write it like v7"),
    "os.version": (
        "windows/amd64:(10)",
        f"'windows/amd64:(10)' {FORM}",
    ),
    "os.version with a tilde": (
        "windows/amd64:10~",
        "'10~' is not an os.version; write it like 10.0.26100.1742",
    ),
    "os.feature": (
        "windows(+win~)/amd64",
        "'win~' is not an os.feature; write it like win32k",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_platforms_are_told(text: str, message: str) -> None:
    """The word that is not known, and the whole platform that was meant."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_platform(text)
    assert str(caught.value) == message


PARTS = {
    "architecture": (
        ("linux", "amd46", ""),
        "unknown architecture 'amd46'; did you mean 'amd64'?",
    ),
    "os": (("lunix", "amd64", ""), "unknown operating system 'lunix'; did you mean 'linux'?"),
    "variant": (("linux", "arm", "x"), "'x' is not a variant of arm: write it like v7"),
}


@pytest.mark.parametrize(("parts", "message"), PARTS.values(), ids=PARTS)
def test_wrong_parts_are_told(parts: tuple[str, str, str], message: str) -> None:
    """A platform in parts has its word corrected, not a whole platform shown."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        read_platform_parts(*parts)
    assert str(caught.value) == message


def test_os_versions_and_features_are_words() -> None:
    """Nothing with a space or a control character passes."""
    check_os_version("10.0.26100.1742")
    check_os_feature("win32k")
    with pytest.raises(ValueError, match=r"'1 0' is not an os.version"):
        check_os_version("1 0")
    with pytest.raises(ValueError, match=r"'' is not an os.feature; write it like win32k"):
        check_os_feature("")
