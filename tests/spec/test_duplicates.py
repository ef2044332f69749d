"""Entries with one platform, as far as the spec shows it."""

import pytest

from tests.spec.reading import complaints, read_entries

ZSTD = "annotations: {io.github.containers.compression.zstd: 'true'}"

DUPLICATES = {
    "after normalising": (
        "platforms:\n  linux/arm64: a\n  linux/arm64/v8: b",
        "4:3: platform 'linux/arm64/v8' is the same as 'linux/arm64', first at m.yaml:3:3; take one out",
    ),
    "alias": (
        "platforms:\n  linux/arm64: a\n  linux/aarch64: b",
        "4:3: platform 'linux/arm64' is given twice, first at m.yaml:3:3; take one out",
    ),
    "arm is v7": (
        "platforms: [linux/arm/v7, linux/arm]\nsource: a",
        "2:27: platform 'linux/arm' is the same as 'linux/arm/v7', first at m.yaml:2:13; take one out",
    ),
    "list": (
        "platforms:\n  linux/amd64: [a, b]",
        "3:20: platform 'linux/amd64' is given twice, first at m.yaml:3:17; take one out",
    ),
    "one os.version": (
        "platforms:\n  windows/amd64: [{image: a, os.version: '1'}, {image: b, os.version: '1'}]",
        "3:56: platform 'windows/amd64:1' is given twice, first at m.yaml:3:27; take one out",
    ),
    "manifests": (
        "manifests:\n- {image: a, platform: linux/arm64}\n- {image: b, platform: linux/arm64/v8}",
        "4:11: platform 'linux/arm64/v8' is the same as 'linux/arm64', first at m.yaml:3:11; take one out",
    ),
    "two zstd twins": (
        f"platforms:\n  linux/amd64: [{{image: a, {ZSTD}}}, {{image: b, {ZSTD}}}]",
        "3:99: platform 'linux/amd64' is given twice, first at m.yaml:3:25; take one out",
    ),
}


@pytest.mark.parametrize(("text", "message"), DUPLICATES.values(), ids=DUPLICATES)
def test_entries_that_no_client_tells_apart(text: str, message: str) -> None:
    """Both places are shown."""
    assert complaints(f"image: app:1\n{text}") == [f"m.yaml:{message}"]


DISTINCT = {
    "os.version": (
        "platforms:\n  windows/amd64: [{image: a, os.version: '1'}, {image: b, os.version: '2'}]"
    ),
    "os.version from the configs": "platforms:\n  windows/amd64: [a, b]",
    "zstd twin": f"platforms:\n  linux/amd64: [a, {{image: b, {ZSTD}}}]",
    "platforms from the configs": "sources: [a, a]",
    "variants": "platforms: [linux/arm/v6, linux/arm/v7]\nsource: a",
}


@pytest.mark.parametrize("text", DISTINCT.values(), ids=DISTINCT)
def test_entries_that_may_differ(text: str) -> None:
    """What the configs may still tell apart is not judged here."""
    assert len(read_entries(text)) == 2
