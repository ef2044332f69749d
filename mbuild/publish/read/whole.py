"""Whether an image on this disk has all its blobs, seen before anything is written."""

from __future__ import annotations

from mbuild.errors import NotFound, SourceError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.publish.read.library import Library
from mbuild.publish.read.parsing import parse_or_mismatch
from mbuild.publish.together import all_together
from mbuild.store.store import Store

_HINT = "build or export the image again"


async def check_whole(library: Library, store: Store, content: Content) -> None:
    """Look for the config and layers of an image, and measure them; they are not read.

    A registry takes no image without its blobs, so only a layout or archive is looked into.
    Raises SourceError, without a place, for what is missing or has another size.
    """
    if store.keeps_whole or not media_types.is_image_manifest(content.media_type):
        return
    manifest = parse_or_mismatch(parse_image_manifest, content)
    names = {layer.digest: "layer" for layer in manifest.layers} | {
        manifest.config.digest: "config"
    }

    async def check(blob: Descriptor) -> None:
        if media_types.is_foreign_layer(blob.media_type):
            return
        name = f"its {names[blob.digest]} {blob.digest}"
        try:
            size = await library.blob_size(store, blob, of=content.digest)
        except NotFound:
            if blob.urls:  # it may lie there
                return
            raise SourceError(f"{name} does not exist", hint=_HINT) from None
        if size not in {None, blob.size}:
            raise SourceError(f"{name} has {size} bytes, not {blob.size}", hint=_HINT)

    await all_together(check(blob) for blob in manifest.blobs)
