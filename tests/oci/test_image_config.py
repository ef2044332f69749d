"""What an image's config says of its platform."""

import pytest

from mbuild.oci.image_config import parse_config_platform
from mbuild.oci.platform import Platform

CONFIGS = {
    "linux": (b'{"architecture": "amd64", "os": "linux"}', Platform("linux", "amd64")),
    "arm": (
        b'{"architecture": "arm", "os": "linux", "variant": "v7", "rootfs": {}}',
        Platform("linux", "arm", "v7"),
    ),
    "windows": (
        b'{"architecture": "amd64", "os": "windows", "os.version": "10.0", "os.features": ["win32k"]}',
        Platform("windows", "amd64", "", "10.0", ("win32k",)),
    ),
    "as it stands": (
        b'{"architecture": "aarch64", "os": "Linux", "variant": "8"}',
        Platform("Linux", "aarch64", "8"),
    ),
    "nothing said": (b"{}", Platform("", "")),
    "nulls": (b'{"architecture": null, "os": "linux", "os.features": null}', Platform("linux", "")),
}


@pytest.mark.parametrize(("raw", "expected"), CONFIGS.values(), ids=CONFIGS)
def test_platform(raw: bytes, expected: Platform) -> None:
    """The five fields are read as they stand, and what is absent is empty."""
    assert parse_config_platform(raw) == expected


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"[]", "not a JSON object"),
        (b'{"architecture": 64}', "'architecture' is not a string"),
        (b'{"os.features": ["win32k", null]}', "'os.features' is not a list of strings"),
    ],
    ids=["list", "number", "features"],
)
def test_refused(raw: bytes, message: str) -> None:
    """What is no config is a ValueError that names the field."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_config_platform(raw)
    assert str(caught.value) == message
