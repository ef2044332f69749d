"""What earlier runs made of docker archives, so that unchanged images are not compressed again."""

from __future__ import annotations

import zlib

from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content, ImageManifest, parse_image_manifest
from mbuild.store.archive.pieces import LEVEL
from mbuild.store.cache import Cache

_METHOD = f"gzip-{LEVEL}-zlib-{zlib.ZLIB_RUNTIME_VERSION}"


class KnownImages:
    """Manifests by config, in a cache: a config names its layers, and zlib makes the same of them.

    That holds for images all of whose layers are compressed here, by this version of zlib.
    """

    def __init__(self, cache: Cache) -> None:
        self._cache = cache

    def recall(self, config: Digest, layers: int) -> tuple[Content, ImageManifest] | None:
        """Give the manifest that was made of a config and so many layers."""
        noted = self._cache.recall(_key(config))
        content = self._cache.content(noted.digest) if noted else None
        if content is None:
            return None
        try:
            manifest = parse_image_manifest(content.raw)
        except ValueError:  # damaged
            return None
        is_it = manifest.config.digest == config and len(manifest.layers) == layers
        return (content, manifest) if is_it else None

    def keep(self, config: Digest, content: Content) -> None:
        """Keep the manifest that was made of a config."""
        self._cache.keep(content)
        self._cache.note(_key(config), content.descriptor())


def _key(config: Digest) -> str:
    return f"docker-archive/{_METHOD}@{config}"
