"""The images of a docker archive, each as the Docker schema 2 manifest it is pushed as."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, replace

from mbuild.errors import NotFound, SourceError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor, to_docker_dict
from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.image_config import parse_config_platform
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.store.archive.docker_layers import Allowance, Layer, examine_layer
from mbuild.store.archive.docker_manifest import (
    Saved,
    choose_saved,
    hash_in_name,
    name_of,
    parse_diff_ids,
    parse_saved,
)
from mbuild.store.archive.images import explain_broken
from mbuild.store.archive.members import Members
from mbuild.store.archive.pieces import BytesPiece, MemberPiece, Piece
from mbuild.store.archive.steps import in_thread, run_all
from mbuild.store.layout_index import REF_NAME

_WIDTH = min(4, os.cpu_count() or 1)
"""So many layers are read and compressed at a time."""


@dataclass(frozen=True, slots=True)
class _Config:
    """The config of an image, and what is in it."""

    raw: bytes
    diff_ids: tuple[Digest, ...]
    platform: Platform


@dataclass(frozen=True, slots=True)
class _Made:
    """An image as it is pushed."""

    content: Content
    platform: Platform


class DockerImages:
    """What the manifest.json of a tar names; an image is made when it is first asked for."""

    def __init__(self, members: Members, saved: Sequence[Saved]) -> None:
        self._members = members
        self._saved = tuple(saved)
        self._made: dict[int, _Made] = {}
        self._layers: dict[tuple[int, Digest], Layer] = {}
        self._pieces: dict[Digest, Piece] = {}
        self._making = asyncio.Lock()
        self._allowance = Allowance()

    @property
    def tags(self) -> tuple[str, ...]:
        """Give the names of all images."""
        return tuple(dict.fromkeys(tag for image in self._saved for tag in image.tags))

    async def candidates(self, tag: str) -> tuple[Descriptor, ...]:
        """Give the images that are meant, each with its platform and its name."""
        numbers = choose_saved(self._saved, tag)
        if len(numbers) < 2:
            return ()
        return tuple([self._descriptor(number, await self._make(number)) for number in numbers])

    async def by_tag(self, tag: str, where: str) -> Content:
        """Make the image that a name means, or with empty text the only one."""
        numbers = choose_saved(self._saved, tag)
        if len(numbers) == 1:
            return (await self._make(numbers[0])).content
        names = ", ".join(name_of(self._saved, one) for one in numbers or range(len(self._saved)))
        if numbers:
            raise SourceError(
                f"the {'name' if tag else 'archive'} stands for several images",
                where=where,
                hint=f"say which one: {names}; if the spec says the platform, that is enough",
            )
        if not self._saved:
            raise NotFound("the archive holds no image", where=where)
        raise NotFound("no such image in the archive", where=where, hint=f"it holds {names}")

    async def by_digest(self, digest: Digest, where: str) -> Content:
        """Find a manifest that was made; where there is none yet, make all there are."""
        for number in sorted(range(len(self._saved)), key=lambda one: one not in self._made):
            content = (await self._make(number)).content
            if content.digest == digest:
                return content
        raise NotFound("no such manifest in the archive", where=where)

    async def referrers(self, _subject: Digest) -> tuple[Descriptor, ...]:
        """Give none: such an archive has no place for them."""
        return ()

    async def piece(self, digest: Digest) -> Piece | None:
        """Find a config or a layer of an image that was made."""
        return self._pieces.get(digest)

    async def _make(self, number: int) -> _Made:
        async with self._making:
            if number not in self._made:
                self._made[number] = await self._make_anew(self._saved[number])
        return self._made[number]

    async def _make_anew(self, saved: Saved) -> _Made:
        config = await in_thread(lambda: self._config(saved))
        members = await in_thread(lambda: [self._layer_member(name) for name in saved.layers])
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
        described = Descriptor(media_types.DOCKER_CONFIG, digest_of(config.raw), len(config.raw))
        self._pieces[described.digest] = BytesPiece(config.raw)
        self._pieces.update({layer.descriptor.digest: layer.piece for layer in layers})
        content = _manifest(described, [layer.descriptor for layer in layers])
        return _Made(content, config.platform)

    def _config(self, saved: Saved) -> _Config:
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

    def _layer_member(self, name: str) -> MemberPiece:
        header = self._members.find(name)
        if header is None:
            raise self._members.bad(f"layer {name!r} is missing from the archive")
        return MemberPiece(self._members, header)

    def _descriptor(self, number: int, made: _Made) -> Descriptor:
        return replace(
            made.content.descriptor(),
            platform=made.platform,
            annotations=((REF_NAME, name_of(self._saved, number)),),
        )


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


def read_docker_images(members: Members) -> DockerImages:
    """Read the manifest.json of a tar; raises SourceError where there is none."""
    header = members.find("manifest.json")
    if header is None:
        is_oci = members.find("index.json") is not None
        raise SourceError(
            "it was not made by docker save or the like: manifest.json is missing",
            where=members.name,
            hint=(
                "it holds an OCI image layout: name it oci-archive:FILE"
                if is_oci
                else "save the image again with a current docker or podman"
            ),
        )
    with explain_broken(members.name):
        return DockerImages(members, parse_saved(members.read(header)))
