"""Templates of sources."""

import pytest

from mbuild.oci.platform import Platform
from mbuild.spec.spec import Position
from mbuild.spec.templates import check_template, expand, has_words
from mbuild.spec.tree import Text

ARM = Platform("linux", "arm", "v5")
AMD = Platform("linux", "amd64")

EXPANDED = {
    "braces": ("app:{tag}-{os}-{arch}{variant}", ARM, "app:1.4-linux-armv5"),
    "no variant": ("app:{tag}-{arch}{variant}", AMD, "app:1.4-amd64"),
    "capitals": ("foo/bar-ARCHVARIANT:v1", ARM, "foo/bar-armv5:v1"),
    "capitals without variant": ("foo/bar-ARCHVARIANT:v1", AMD, "foo/bar-amd64:v1"),
    "capitals with os": ("foo/bar:OS-ARCH", AMD, "foo/bar:linux-amd64"),
    "capitals beside braces": ("app:OS-{arch}", AMD, "app:OS-amd64"),
    "nothing": ("app:1", AMD, "app:1"),
}


@pytest.mark.parametrize(("template", "platform", "expected"), EXPANDED.values(), ids=EXPANDED)
def test_templates_are_filled_in(template: str, platform: Platform, expected: str) -> None:
    """Words in braces, or manifest-tool's capitals where there are none."""
    assert expand(template, platform, "1.4") == expected


BROKEN = {
    "near": ("{arc}", "unknown word '{arc}' in the template; did you mean 'arch'?"),
    "capitals in braces": ("{ARCH}", "unknown word '{ARCH}' in the template; did you mean 'arch'?"),
    "far": (
        "{zzz}",
        "unknown word '{zzz}' in the template; a template knows {os}, {arch}, {variant}, {tag}",
    ),
    "empty": (
        "{}",
        "unknown word '{}' in the template; a template knows {os}, {arch}, {variant}, {tag}",
    ),
}


@pytest.mark.parametrize(("template", "message"), BROKEN.values(), ids=BROKEN)
def test_unknown_words_are_told(template: str, message: str) -> None:
    """With the word that was meant, or all there are."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011
        check_template(Text(template, Position("m.yaml")))
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("text", "expected"),
    [("app:{arch}", True), ("app-ARCH:1", True), ("app:OS", True), ("app:1", False)],
)
def test_what_is_a_template(text: str, expected: bool) -> None:
    """A text that would differ from platform to platform."""
    assert has_words(text) is expected
