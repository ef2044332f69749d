"""The manifest.json of a docker archive: which files are the config and the layers of an image.

Source: the Docker Image Specification v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from mbuild.oci.digest import Digest, parse_digest
from mbuild.oci.fields import optional, optional_texts, parse_list, parse_object, required_text
from mbuild.oci.reference import parse_reference, with_default_tag

_NAMED_BY_HASH = re.compile(r"(?:.*/)?(?:sha256:)?([0-9a-f]{64})(?:\.json)?")


@dataclass(frozen=True, slots=True)
class Saved:
    """One image: the names of its config and layers in the archive, and its own names."""

    config: str
    layers: tuple[str, ...]
    tags: tuple[str, ...] = ()

    def answers_to(self, ref: str) -> bool:
        """Tell whether `ref` names it: `app` and `docker.io/library/app:latest` are the same."""
        return _full(ref) in map(_full, self.tags)


def parse_saved(raw: bytes) -> tuple[Saved, ...]:
    """Parse a manifest.json, which is a list; raises ValueError that names what is wrong."""
    try:
        images = parse_list(raw)
    except ValueError as error:
        raise ValueError(f"manifest.json: {error.args[0]}") from None
    return tuple(_saved(number, image) for number, image in enumerate(images))


def _saved(number: int, image: object) -> Saved:
    if not isinstance(image, dict):
        raise ValueError(f"manifest.json, [{number}] is not an object")
    try:
        return Saved(
            config=required_text(image, "Config"),
            layers=optional_texts(image, "Layers"),
            tags=optional_texts(image, "RepoTags"),
        )
    except ValueError as error:
        raise ValueError(f"in manifest.json, [{number}]: {error.args[0]}") from None


def choose_saved(images: Sequence[Saved], ref: str) -> tuple[int, ...]:
    """Give the numbers of the images that `ref` may mean: a name, `@N`, or empty text for all."""
    if ref.startswith("@"):
        number = int(ref[1:])
        return (number,) if number < len(images) else ()
    return tuple(number for number, image in enumerate(images) if not ref or image.answers_to(ref))


def name_of(images: Sequence[Saved], number: int) -> str:
    """Give what an image can be asked for by: the first name that no other has, or its place."""
    own = (tag for tag in images[number].tags if len(choose_saved(images, tag)) == 1)
    return next(own, f"@{number}")


def hash_in_name(name: str) -> Digest | None:
    """Give the digest that the file of a config or blob is named by, if it is."""
    found = _NAMED_BY_HASH.fullmatch(name)
    return parse_digest(f"sha256:{found[1]}") if found else None


def parse_diff_ids(config: bytes) -> tuple[Digest, ...]:
    """Read the digests of the unpacked layers (image-spec, config.md); raises ValueError."""
    rootfs: Mapping[str, Any] = optional(parse_object(config), "rootfs", dict, {})
    return tuple(parse_digest(text) for text in optional_texts(rootfs, "diff_ids"))


def _full(ref: str) -> str:
    try:
        return str(with_default_tag(parse_reference(ref)))
    except ValueError:  # written by others, and no name by Docker's grammar
        return ref
