"""What the bytes of a source say, or how they are no image."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from mbuild.errors import ImageMismatch
from mbuild.oci import media_types
from mbuild.oci.image_config import parse_config_platform
from mbuild.oci.manifest import Content, ImageManifest, parse_image_manifest
from mbuild.oci.platform import Platform

T = TypeVar("T")


def parse_child(content: Content) -> ImageManifest:
    """Parse an image's manifest.

    Raises ImageMismatch for schema 1, an index within an index, other types, and an
    artifact whose config is no image config.
    """
    check_type(content.media_type)
    manifest = parse_or_mismatch(parse_image_manifest, content)
    if manifest.config.media_type not in media_types.IMAGE_CONFIGS:
        raise ImageMismatch(f"it is no image: its config has type {manifest.config.media_type!r}")
    return manifest


def check_type(media_type: str) -> None:
    """Raise ImageMismatch for a type that is not that of an image's manifest."""
    if media_types.is_schema1(media_type):
        raise ImageMismatch(
            "it is a Docker schema 1 manifest, which no current client reads",
            hint="push the image again with a current docker",
        )
    if not media_types.is_image_manifest(media_type):
        raise ImageMismatch(f"its type {media_type!r} is not that of an image")


def is_artifact(content: Content) -> bool:
    """Tell whether a manifest is one, and what it is of is no image."""
    if not media_types.is_image_manifest(content.media_type):
        return False
    manifest = parse_or_mismatch(parse_image_manifest, content)
    return manifest.config.media_type not in media_types.IMAGE_CONFIGS


def parse_or_mismatch(parse: Callable[[bytes], T], content: Content) -> T:
    """Parse a manifest's bytes; raises ImageMismatch where they are not what their type says."""
    try:
        return parse(content.raw)
    except ValueError as error:
        raise ImageMismatch(
            f"its {content.media_type} is malformed: {error.args[0]}", hint="push it again"
        ) from error


def platform_in(raw: bytes) -> Platform:
    """Read the platform of an image config; raises ImageMismatch where the config is malformed."""
    try:
        return parse_config_platform(raw)
    except ValueError as error:
        raise ImageMismatch(
            f"its config is malformed: {error.args[0]}", hint="push it again"
        ) from error
