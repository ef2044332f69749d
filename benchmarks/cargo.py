"""What is copied: images of random layers, put into the storage of a registry."""

from __future__ import annotations

import json
import random
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.stocking import Storage
from tests.support.images import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Image,
    digest_of,
    make_index,
    to_platform,
)

REPOSITORY = "team/app"
INDEX = "all"
"""The tag of an index of all images."""

_PLATFORMS = ("linux/amd64", "linux/arm64", "linux/arm/v7", "linux/s390x")
_PIECE = 1_000_000
_GZIP = 16 + zlib.MAX_WBITS
"""What zlib takes for "with the head and foot of gzip"."""


@dataclass(frozen=True, slots=True)
class Cargo:
    """So many images, with so many layers of so many bytes that no other image has.

    Below them lies one more layer, of `base` bytes, that all images share; none where it is 0.
    """

    images: int
    layers: int
    size: int
    base: int = 0

    @property
    def name(self) -> str:
        """Say it in words."""
        layers = f"{self.images * self.layers} layers of {_written(self.size)}"
        return f"{layers}, and a base of {_written(self.base)}" if self.base else layers

    @property
    def megabytes(self) -> float:
        """Give what has to travel."""
        return (self.images * self.layers * self.size + self.base) / 1_000_000

    @property
    def tags(self) -> dict[str, str]:
        """Give each image's tag, and its platform; platforms repeat where images are many."""
        return {
            f"build-{number}": _PLATFORMS[number % len(_PLATFORMS)] for number in range(self.images)
        }

    def stock(self, storage: Storage) -> None:
        """Put the images into a registry, and an index of them."""
        base = [self._layer(storage, "base", self.base)] if self.base else []
        images = []
        for tag, platform in self.tags.items():
            own = [
                self._layer(storage, f"{tag} {number}", self.size) for number in range(self.layers)
            ]
            image = _image(platform, tag, [*base, *own])
            storage.put(REPOSITORY, tag, image)
            images.append(image)
        storage.put(REPOSITORY, INDEX, make_index(*images))

    def _layer(self, storage: Storage, seed: str, size: int) -> dict[str, Any]:
        found = storage.put_layer(REPOSITORY, _packed(f"{self.size} {seed}", size))
        return {"mediaType": OCI_LAYER, **found}


def _packed(seed: str, size: int) -> Iterator[bytes]:
    """Give so many random bytes as gzip, which cannot make them smaller and does not try to."""
    chance = random.Random(seed)
    packer = zlib.compressobj(zlib.Z_NO_COMPRESSION, zlib.DEFLATED, _GZIP)
    for at in range(0, size, _PIECE):
        yield packer.compress(chance.randbytes(min(_PIECE, size - at)))
    yield packer.flush()


def _image(platform: str, seed: str, layers: list[dict[str, Any]]) -> Image:
    """Make the image of layers that are in the storage already."""
    said = to_platform(platform)
    digests = [layer["digest"] for layer in layers]
    rootfs = {"type": "layers", "diff_ids": digests}
    config = json.dumps({**said, "config": {"Env": [f"SEED={seed}"]}, "rootfs": rootfs}).encode()
    about = {"mediaType": OCI_CONFIG, "digest": digest_of(config), "size": len(config)}
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": about,
        "layers": layers,
    }
    return Image(json.dumps(manifest).encode(), OCI_MANIFEST, config, (), said)


def _written(size: int) -> str:
    for unit, name in ((1_000_000_000, "GB"), (1_000_000, "MB"), (1_000, "kB")):
        if size >= unit:
            return f"{size / unit:g} {name}"
    return f"{size} bytes"
