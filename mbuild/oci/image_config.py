"""What an image's config says of its platform."""

from __future__ import annotations

from mbuild.oci.fields import optional_text, optional_texts, parse_object
from mbuild.oci.platform import Platform


def parse_config_platform(raw: bytes) -> Platform:
    """Read the platform from an image config (image-spec, config.md, "Properties").

    Fields the config leaves out are empty text. Raises ValueError for bytes that are not a
    JSON object, or a field of the wrong type.
    """
    data = parse_object(raw)
    return Platform(
        os=optional_text(data, "os"),
        architecture=optional_text(data, "architecture"),
        variant=optional_text(data, "variant"),
        os_version=optional_text(data, "os.version"),
        os_features=optional_texts(data, "os.features"),
    )
