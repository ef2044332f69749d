"""The images of a docker archive, each as the Docker schema 2 manifest it is pushed as."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from mbuild.errors import NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.store.archive.docker_image import ImageMaker, Made
from mbuild.store.archive.docker_known import KnownImages
from mbuild.store.archive.docker_manifest import Saved, choose_saved, name_of, parse_saved
from mbuild.store.archive.images import explain_broken
from mbuild.store.archive.members import Members
from mbuild.store.archive.pieces import Piece
from mbuild.store.cache import Cache
from mbuild.store.layout_index import REF_NAME


class DockerImages:
    """What the manifest.json of a tar names; an image is made when it is first asked for."""

    def __init__(self, maker: ImageMaker, saved: Sequence[Saved]) -> None:
        self._maker = maker
        self._saved = tuple(saved)
        self._made: dict[int, Made] = {}
        self._pieces: dict[Digest, Piece] = {}
        self._making = asyncio.Lock()

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

    async def _make(self, number: int) -> Made:
        async with self._making:
            if number not in self._made:
                made = await self._maker.make(self._saved[number])
                self._made[number] = made
                self._pieces.update(made.pieces)
        return self._made[number]

    def _descriptor(self, number: int, made: Made) -> Descriptor:
        return replace(
            made.content.descriptor(),
            platform=made.platform,
            annotations=((REF_NAME, name_of(self._saved, number)),),
        )


def read_docker_images(members: Members, cache: Cache) -> DockerImages:
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
        saved = parse_saved(members.read(header))
    return DockerImages(ImageMaker(members, KnownImages(cache)), saved)
