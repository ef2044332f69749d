"""What an image's config says of its platform."""

from __future__ import annotations

from mbuild.oci.fields import parse_object
from mbuild.oci.platform import Platform, platform_from


def parse_config_platform(raw: bytes) -> Platform:
    """Read the platform from an image config (image-spec, config.md, "Properties").

    Fields the config leaves out are empty text. Raises ValueError for bytes that are not a
    JSON object, or a field of the wrong type.
    """
    return platform_from(parse_object(raw))
