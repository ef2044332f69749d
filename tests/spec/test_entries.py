"""Entries, from each form that a target's images can have."""

import pytest

from mbuild.oci.platform import Platform
from mbuild.spec.spec import Entry
from tests.spec.reading import codes, complaints, read_entries

AMD, ARM7 = Platform("linux", "amd64"), Platform("linux", "arm", "v7")
WINDOWS = Platform("windows", "amd64")
NEW_WINDOWS = Platform("windows", "amd64", "", "10.0.26100.1742", ("win32k",))


def brief(entries: tuple[Entry, ...]) -> list[tuple[str, str, Platform | None]]:
    """What most tests look at: the place, the image and the platform."""
    return [
        (str(it.position).removeprefix("m.yaml:"), str(it.reference), it.platform) for it in entries
    ]


HUB = "docker.io/library"
FORMS = {
    "short": (
        "platforms:\n  linux/amd64: app:a\n  linux/arm/v7: app:b\n",
        [("3:16", f"{HUB}/app:a", AMD), ("4:17", f"{HUB}/app:b", ARM7)],
    ),
    "long": (
        "platforms:\n  linux/amd64:\n    optional: true\n    image: app:a\n",
        [("5:12", f"{HUB}/app:a", AMD)],
    ),
    "list": (
        (
            "platforms:\n  windows/amd64:\n  - app:a\n"
            "  - {image: app:b, os.version: 10.0.26100.1742, os.features: [win32k]}\n"
        ),
        [("4:5", f"{HUB}/app:a", WINDOWS), ("5:13", f"{HUB}/app:b", NEW_WINDOWS)],
    ),
    "os.version in the key": (
        "platforms:\n  windows/amd64:10.0.26100.1742: {image: app:a, os.features: [win32k]}\n",
        [("3:42", f"{HUB}/app:a", NEW_WINDOWS)],
    ),
    "os.version twice": (
        "platforms:\n  windows/amd64:10.0.1: {image: app:a, os.version: 10.0.1}\n",
        [("3:33", f"{HUB}/app:a", Platform("windows", "amd64", "", "10.0.1"))],
    ),
    "os.features in the key": (
        "platforms:\n  windows(10.0.26100.1742+win32k)/amd64: {image: app:a}\n",
        [("3:50", f"{HUB}/app:a", NEW_WINDOWS)],
    ),
    "template": (
        "platforms: [linux/amd64, linux/arm/v7]\nsource: 'app:{tag}-{arch}{variant}'\n",
        [("2:13", f"{HUB}/app:1-amd64", AMD), ("2:26", f"{HUB}/app:1-armv7", ARM7)],
    ),
    "template of manifest-tool": (
        "platforms: [linux/amd64, linux/arm/v7]\nsource: foo/bar-ARCHVARIANT:v1\n",
        [
            ("2:13", "docker.io/foo/bar-amd64:v1", AMD),
            ("2:26", "docker.io/foo/bar-armv7:v1", ARM7),
        ],
    ),
    "one image for all": (
        "platforms: [linux/amd64, linux/arm/v7]\nsource: app:1\n",
        [("2:13", f"{HUB}/app:1", AMD), ("2:26", f"{HUB}/app:1", ARM7)],
    ),
    "sources": (
        "sources:\n- app\n- {image: oci:app}\n",
        [("3:3", f"{HUB}/app:latest", None), ("4:11", "oci:app", None)],
    ),
    "manifests": (
        "manifests:\n- {image: app:a, platform: {os: linux, architecture: arm, variant: v7}}\n",
        [("3:11", f"{HUB}/app:a", ARM7)],
    ),
    "manifest without a platform": (
        "manifests:\n- {image: app:a}\n- {image: app:b, platform: }\n",
        [("3:11", f"{HUB}/app:a", None), ("4:11", f"{HUB}/app:b", None)],
    ),
    "manifest with a short platform": (
        "manifests:\n- {image: app:a, platform: linux/arm/v7}\n",
        [("3:11", f"{HUB}/app:a", ARM7)],
    ),
    "manifest for Windows": (
        (
            "manifests:\n- image: app:a\n  platform: {os: windows, architecture: amd64, "
            "os.version: 10.0.26100.1742, os.features: [win32k]}\n"
        ),
        [("3:10", f"{HUB}/app:a", NEW_WINDOWS)],
    ),
    "manifest with manifest-tool's spelling": (
        (
            "manifests:\n- image: app:a\n  platform: {os: windows, architecture: amd64, "
            "osversion: 10.0.26100.1742, osfeatures: [win32k]}\n"
        ),
        [("3:10", f"{HUB}/app:a", NEW_WINDOWS)],
    ),
}


@pytest.mark.parametrize(("text", "expected"), FORMS.values(), ids=FORMS)
def test_forms(text: str, expected: list[tuple[str, str, Platform | None]]) -> None:
    """Each form, with the place an error about the image would name."""
    assert brief(read_entries(text)) == expected


def test_what_a_long_entry_says() -> None:
    """Annotations sorted by key; `optional` and `trust` as written."""
    [long, short] = read_entries("""\
        platforms:
          linux/amd64: {image: a, annotations: {b: 1.10, a: on}, optional: true, trust: spec}
          linux/arm64: a
        """)
    assert (long.annotations, long.optional, long.trust) == (
        (("a", "on"), ("b", "1.10")),
        True,
        "spec",
    )
    assert (short.annotations, short.optional, short.trust) == ((), False, "config")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("true", True), ("True", True), ("TRUE", True), ("'true'", True), ("'${MAY}'", True),
        ("false", False), ("False", False), ("FALSE", False),
    ],
)  # fmt: skip
def test_booleans(text: str, expected: bool) -> None:
    """YAML's three spellings of true and false are all known, and a variable may bring them in."""
    [entry] = read_entries(f"sources: [{{image: a, optional: {text}}}]", MAY="True")
    assert entry.optional is expected


def test_the_readme_of_manifest_tool() -> None:
    """Its spec works unchanged."""
    entries = read_entries("""\
        tags: ["1.0.0", "1.0", "1"]
        manifests:
          -
            image: myprivreg:5000/someimage:arm64
            platform:
              architecture: arm64
              os: linux
          -
            image: myprivreg:5000/someimage:amd64
            platform:
              architecture: amd64
              os: linux
        """)
    assert brief(entries) == [
        ("5:12", "myprivreg:5000/someimage:arm64", Platform("linux", "arm64")),
        ("10:12", "myprivreg:5000/someimage:amd64", AMD),
    ]


BROKEN = {
    "two os.versions": (
        "platforms:\n  windows/amd64:10.0.1: {image: a, os.version: 10.0.2}",
        "3:48: os.version '10.0.2' differs from the one in 'windows/amd64:10.0.1'; keep one",
    ),
    "os.version": (
        "platforms:\n  windows/amd64: {image: a, os.version: '1 0'}",
        "3:41: '1 0' is not an os.version; write it like 10.0.26100.1742",
    ),
    "os.feature": (
        "platforms:\n  windows/amd64: {image: a, os.features: [win32k, '']}",
        "3:51: '' is not an os.feature; write it like win32k",
    ),
    "annotation without a key": (
        "platforms:\n  linux/amd64: {image: a, annotations: {'': b}}",
        "3:41: '' cannot be an annotation's key; write it like org.example.key",
    ),
    "template": (
        "platforms: [linux/amd64]\nsource: app:{arc}",
        "3:9: unknown word '{arc}' in the template; did you mean 'arch'?",
    ),
    "filled template": (
        "platforms: [linux/amd64, linux/arm64]\nsource: app:-{arch}",
        (
            "3:9: '-amd64' is not a tag: it may hold letters, digits, '_', '.' and '-', "
            "not start with '.' or '-', and be 128 characters long at most"
        ),
    ),
    "platform in a list": (
        "platforms: [linux/amd46]\nsource: app:{arch}",
        "2:13: unknown architecture 'amd46' in 'linux/amd46'; did you mean 'linux/amd64'?",
    ),
    "platform of a manifest": (
        "manifests: [{image: a, platform: linux}]",
        "2:34: 'linux' is not a platform: write it os/arch[/variant][:os.version]",
    ),
    "parts of a manifest": (
        "manifests: [{image: a, platform: {os: linux, architecture: amd46}}]",
        "2:60: unknown architecture 'amd46'; did you mean 'amd64'?",
    ),
}


@pytest.mark.parametrize(("text", "message"), BROKEN.values(), ids=BROKEN)
def test_wrong_entries_are_told(text: str, message: str) -> None:
    """At the text that is wrong."""
    assert complaints(f"image: app:1\n{text}")[0] == f"m.yaml:{message}"


def test_an_image_is_judged_beside_a_wrong_platform() -> None:
    """And the rest of an entry beside a wrong image: all problems at once."""
    text = "platforms:\n  linux: {image: A, annotations: {'': b}, os.version: ' '}"
    assert codes(f"image: app\n{text}") == [
        "bad-platform",
        "bad-reference",
        "bad-annotation",
        "bad-platform",
    ]
    text = "manifests:\n- {image: A, platform: {os: x, architecture: arm, os.version: ' '}}"
    assert codes(f"image: app\n{text}") == ["bad-reference", "bad-platform", "bad-platform"]
    assert codes("image: app\nsources: [A, b]") == ["bad-reference"]
