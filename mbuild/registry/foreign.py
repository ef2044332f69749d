"""Why a registry refuses an image: for layers that are meant to lie outside of registries."""

from __future__ import annotations

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.media_types import is_foreign_layer, is_image_manifest


def explained(error: MbuildError, content: Content) -> MbuildError:
    """Give the refusal of a manifest with its reason where that is a foreign layer, else as it is.

    docker-registry (distribution, its manifest handlers) names the layer beside an error without
    a code, and answers 500 then: that looks like a failure that passes, and never does.
    """
    for layer in _foreign_layers(content):
        if str(layer.digest) in error.message:
            place = f"lies at {layer.urls[0]}" if layer.urls else "has no URL"
            told = error.placed(f"{error.message}: that layer is foreign, and {place}", error.where)
            told.hint = _hint(layer)
            return told
    return error


def _foreign_layers(content: Content) -> tuple[Descriptor, ...]:
    if not is_image_manifest(content.media_type):
        return ()
    try:
        layers = parse_image_manifest(content.raw).layers
    except ValueError:  # what a tag held before is put back whatever it is
        return ()
    return tuple(one for one in layers if one.urls or is_foreign_layer(one.media_type))


def _hint(layer: Descriptor) -> str:
    if not layer.urls:
        return "push it too, with --foreign-layers"
    return (
        "let the registry allow that URL (docker-registry: validation.manifests.urls.allow), "
        "or build the image on a base without foreign layers"
    )
