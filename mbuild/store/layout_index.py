"""A layout's index.json and oci-layout files: which tag names which manifest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, descriptor_from, to_oci_dict
from mbuild.oci.digest import Digest
from mbuild.oci.fields import optional_map, optional_objects, parse_object
from mbuild.oci.go_json import go_json
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.store.files import read_small

REF_NAME = "org.opencontainers.image.ref.name"
IMAGE_NAME = "io.containerd.image.name"
"""Where containerd and buildx write the whole reference: `ref.name` then is the tag alone."""

LAYOUT_VERSION = "1.0.0"
LAYOUT_FILE = b'{"imageLayoutVersion":"1.0.0"}'


def check_layout_file(root: Path) -> None:
    """Raise ValueError unless `oci-layout` is there and says version 1.0.0.

    Source: image-spec, image-layout.md, "oci-layout file".
    """
    try:
        check_layout_version(read_small(root / "oci-layout", most=MAX_MANIFEST_SIZE))
    except FileNotFoundError:
        check_layout_version(None)


def check_layout_version(raw: bytes | None) -> None:
    """Raise ValueError unless the text of an oci-layout file is there, and of version 1.0.0."""
    if raw is None:
        raise ValueError("its oci-layout file is missing")
    version = parse_object(raw).get("imageLayoutVersion")
    if version != LAYOUT_VERSION:
        raise ValueError(f"its version is {version!r}, and only {LAYOUT_VERSION!r} is known")


@dataclass(frozen=True, slots=True)
class LayoutIndex:
    """The JSON object of an index.json, every key and entry of it kept as it came."""

    data: Mapping[str, Any]

    @classmethod
    def empty(cls) -> LayoutIndex:
        """Give the index.json of a layout without images."""
        return cls({"schemaVersion": 2, "mediaType": media_types.OCI_INDEX, "manifests": []})

    def to_bytes(self) -> bytes:
        """Write the file's text."""
        return go_json(self.data)

    @property
    def _entries(self) -> list[Mapping[str, Any]]:
        return optional_objects(self.data, "manifests")

    @property
    def tags(self) -> tuple[str, ...]:
        """Give the tags of the entries, each once, in order."""
        return tuple(dict.fromkeys(filter(None, map(_tag_of, self._entries))))

    def find(self, tag: str) -> tuple[Descriptor, ...]:
        """Give the entries of a tag, or with empty text all of them, in order.

        A tag that no entry has may be the whole reference that containerd has noted.
        """
        fitting = [entry for entry in self._entries if not tag or _tag_of(entry) == tag]
        named = fitting or (one for one in self._entries if _annotation(one, IMAGE_NAME) == tag)
        return tuple(descriptor_from(entry) for entry in named)

    def by_digest(self, digest: Digest) -> Descriptor | None:
        """Look up a manifest that index.json names itself."""
        for entry in self._entries:
            if entry.get("digest") == str(digest):
                return descriptor_from(entry)
        return None

    def with_tag(self, tag: str, descriptor: Descriptor) -> LayoutIndex:
        """Give the index with the tag moved: in the place it had, or else at the end."""
        entry = to_oci_dict(replace(descriptor, annotations=((REF_NAME, tag),)))
        entries: list[Mapping[str, Any]] = []
        placed = False
        for old in self._entries:
            if _tag_of(old) != tag:
                entries.append(old)
            elif not placed:
                entries.append(entry)
                placed = True
        if not placed:
            entries.append(entry)
        return LayoutIndex({**self.data, "manifests": entries})

    def in_order(self) -> LayoutIndex:
        """Give the index with its entries sorted, so that it does not tell who came first."""
        entries = sorted(self._entries, key=lambda one: (_tag_of(one), str(one.get("digest"))))
        return LayoutIndex({**self.data, "manifests": entries})

    def without(self, tag: str) -> LayoutIndex:
        """Give the index without the entries of a tag."""
        entries = [entry for entry in self._entries if _tag_of(entry) != tag]
        return LayoutIndex({**self.data, "manifests": entries})


def _tag_of(entry: Mapping[str, Any]) -> str:
    return _annotation(entry, REF_NAME)


def _annotation(entry: Mapping[str, Any], key: str) -> str:
    return dict(optional_map(entry, "annotations")).get(key, "")


def parse_layout_index(raw: bytes) -> LayoutIndex:
    """Parse an index.json; raises ValueError for a text that is not one."""
    index = LayoutIndex(parse_object(raw))
    if "manifests" not in index.data:
        raise ValueError("in index.json, 'manifests' is missing")
    for position, entry in enumerate(optional_objects(index.data, "manifests")):
        try:
            descriptor_from(entry)
        except ValueError as error:
            raise ValueError(f"in index.json, manifests[{position}]: {error.args[0]}") from None
    return index
