"""Making one image of a docker archive: its config, its layers, and the manifest over them."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, to_docker_dict
from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.image_config import parse_config_platform
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.store.archive.codecs import find_codec, other_compression
from mbuild.store.archive.docker_known import KnownImages
from mbuild.store.archive.docker_layers import Allowance, Layer, examine_layer
from mbuild.store.archive.docker_manifest import Saved, hash_in_name, parse_diff_ids
from mbuild.store.archive.file import read_start
from mbuild.store.archive.members import Members
from mbuild.store.archive.pieces import BytesPiece, GzippedPiece, MemberPiece, Piece
from mbuild.store.archive.steps import in_thread, run_all

_WIDTH = min(4, os.cpu_count() or 1)
"""So many layers are read and compressed at a time."""


@dataclass(frozen=True, slots=True)
class Made:
    """An image as it is pushed: its manifest, its platform, and its blobs by digest."""

    content: Content
    platform: Platform
    pieces: dict[Digest, Piece]


@dataclass(frozen=True, slots=True)
class _Config:
    """The config of an image, and what is in it."""

    raw: bytes
    diff_ids: tuple[Digest, ...]
    platform: Platform

    @property
    def descriptor(self) -> Descriptor:
        return Descriptor(media_types.DOCKER_CONFIG, digest_of(self.raw), len(self.raw))


class ImageMaker:
    """Makes images of an archive; a layer that several have is read once."""

    def __init__(self, members: Members, known: KnownImages) -> None:
        self._members = members
        self._known = known
        self._layers: dict[tuple[int, Digest], Layer] = {}
        self._allowance = Allowance()

    async def make(self, saved: Saved) -> Made:
        """Make one; raises SourceError, or ImageMismatch for a layer that is another one."""
        config = await in_thread(lambda: self._read_config(saved))
        members = await in_thread(lambda: [self._find_layer(name) for name in saved.layers])
        return await self._recall(config, members) or await self._make_anew(config, members)

    async def _recall(self, config: _Config, members: Sequence[MemberPiece]) -> Made | None:
        """Make it of what an earlier run has found, if each layer is still to be compressed."""
        recalled = self._known.recall(config.descriptor.digest, len(members))
        if recalled is None:
            return None
        starts = await run_all((read_start(member) for member in members), width=_WIDTH)
        if any(find_codec(start) or other_compression(start) for start in starts):
            return None
        content, manifest = recalled
        layers = [
            Layer(layer, GzippedPiece(member, layer.size))
            for layer, member in zip(manifest.layers, members, strict=True)
        ]
        return _made(content, config, layers)

    async def _make_anew(self, config: _Config, members: Sequence[MemberPiece]) -> Made:
        keys = [
            (member.header.offset, diff_id)
            for member, diff_id in zip(members, config.diff_ids, strict=True)
        ]
        todo = {
            key: member
            for key, member in zip(keys, members, strict=True)
            if key not in self._layers
        }
        examined = await run_all(
            (
                examine_layer(member, diff_id, self._allowance)
                for (_, diff_id), member in todo.items()
            ),
            width=_WIDTH,
        )
        self._layers.update(zip(todo, examined, strict=True))
        layers = [self._layers[key] for key in keys]
        content = _manifest(config.descriptor, [layer.descriptor for layer in layers])
        if not any(isinstance(layer.piece, MemberPiece) for layer in layers):
            self._known.keep(config.descriptor.digest, content)
        return _made(content, config, layers)

    def _read_config(self, saved: Saved) -> _Config:
        header = self._members.find(saved.config)
        if header is None:
            raise self._members.bad(f"config {saved.config!r} is missing from the archive")
        raw = self._members.read(header)
        named = hash_in_name(saved.config)
        if named and not named.matches(raw):
            raise self._members.bad(f"config {saved.config!r} does not hash to its name")
        try:
            config = _Config(raw, parse_diff_ids(raw), parse_config_platform(raw))
        except ValueError as error:
            raise self._members.bad(
                f"config {saved.config!r} is malformed: {error.args[0]}"
            ) from None
        if len(config.diff_ids) != len(saved.layers):
            raise self._members.bad(
                f"config {saved.config!r} has {len(config.diff_ids)} layers, "
                f"and manifest.json gives {len(saved.layers)}"
            )
        return config

    def _find_layer(self, name: str) -> MemberPiece:
        header = self._members.find(name)
        if header is None:
            raise self._members.bad(f"layer {name!r} is missing from the archive")
        return MemberPiece(self._members, header)


def _made(content: Content, config: _Config, layers: Sequence[Layer]) -> Made:
    pieces = {layer.descriptor.digest: layer.piece for layer in layers}
    pieces[config.descriptor.digest] = BytesPiece(config.raw)
    return Made(content, config.platform, pieces)


def _manifest(config: Descriptor, layers: Sequence[Descriptor]) -> Content:
    """Write a manifest as docker and skopeo do (distribution, manifest-v2-2 document)."""
    data = {
        "schemaVersion": 2,
        "mediaType": media_types.DOCKER_MANIFEST,
        "config": to_docker_dict(config),
        "layers": [to_docker_dict(layer) for layer in layers],
    }
    raw = json.dumps(data, separators=(",", ":")).encode()
    return Content(media_types.DOCKER_MANIFEST, digest_of(raw), raw)
