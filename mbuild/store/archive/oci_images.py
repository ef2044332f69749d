"""The images of an OCI archive: an OCI image layout in a tar (image-spec, image-layout.md)."""

from __future__ import annotations

from mbuild.errors import NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content, media_type_of
from mbuild.store.archive.headers import Header
from mbuild.store.archive.images import explain_broken
from mbuild.store.archive.members import Members
from mbuild.store.archive.pieces import MemberPiece, Piece
from mbuild.store.archive.steps import in_thread
from mbuild.store.cache import Cache
from mbuild.store.candidates import find_candidates, pick_candidate
from mbuild.store.layout_index import LayoutIndex, check_layout_version, parse_layout_index
from mbuild.store.layout_referrers import LayoutReferrers


class OciImages:
    """What the index.json of a tar names, and the blobs beside it."""

    def __init__(self, members: Members, index: LayoutIndex) -> None:
        self._members = members
        self.index = index
        self._referrers = LayoutReferrers(self._read_entry, name=members.name)

    @property
    def tags(self) -> tuple[str, ...]:
        """Give the tags in index.json."""
        return self.index.tags

    async def candidates(self, tag: str) -> tuple[Descriptor, ...]:
        """Look the tag, or all images, up in index.json."""
        return find_candidates(self.index, tag)

    async def by_tag(self, tag: str, where: str) -> Content:
        """Read what a tag names, or with empty text the only image."""
        found = pick_candidate(self.index, tag, noun="archive", where=where)
        if found is None:
            raise _absent(tag, self.tags, where)
        return await self._content(found, where)

    async def by_digest(self, digest: Digest, where: str) -> Content:
        """Read a manifest."""
        known = self.index.by_digest(digest)
        if known is None and await self.piece(digest) is None:
            raise NotFound("no such manifest in the archive", where=where)
        return await self._content(known or Descriptor("", digest, 0), where)

    async def referrers(self, subject: Digest) -> tuple[Descriptor, ...]:
        """Look for them in what index.json names, and under the tag for referrers."""
        return await in_thread(lambda: self._referrers.list(self.index, subject))

    async def piece(self, digest: Digest) -> Piece | None:
        """Find a blob."""
        header = await in_thread(lambda: self._find(digest))
        return MemberPiece(self._members, header) if header else None

    async def _content(self, descriptor: Descriptor, where: str) -> Content:
        raw = await in_thread(lambda: self._read(descriptor.digest))
        with explain_broken(where):
            _check_size(raw, descriptor)
            media_type = media_type_of(raw, descriptor.media_type)
        return Content(media_type, descriptor.digest, raw)

    def _read(self, digest: Digest) -> bytes:
        header = self._find(digest)
        if header is None:  # a broken archive, and no image that was not built yet
            raise self._members.bad(f"blob {digest} is missing from the archive")
        raw = self._members.read(header)
        if not digest.matches(raw):
            raise self._members.bad(f"blob {digest} does not hash to its name")
        return raw

    def _read_entry(self, entry: Descriptor) -> Content | None:
        if self._find(entry.digest) is None:
            return None
        return Content(entry.media_type, entry.digest, self._read(entry.digest))

    def _find(self, digest: Digest) -> Header | None:
        return self._members.find(f"blobs/{digest.algorithm}/{digest.encoded}")


def read_oci_images(members: Members, _cache: Cache) -> OciImages:
    """Read index.json and oci-layout of a tar; raises SourceError where it holds no layout."""
    marker, index = members.find("oci-layout"), members.find("index.json")
    if index is None:
        is_docker = members.find("manifest.json") is not None
        raise SourceError(
            "it holds no OCI image layout: index.json is missing",
            where=members.name,
            hint=(
                "it was made by docker save or the like: name it docker-archive:FILE"
                if is_docker
                else "make the archive again"
            ),
        )
    with explain_broken(members.name):
        check_layout_version(members.read(marker) if marker else None)
        return OciImages(members, parse_layout_index(members.read(index)))


def _check_size(raw: bytes, descriptor: Descriptor) -> None:
    """Compare with what index.json says, unless it names the manifest not at all."""
    if descriptor.media_type and len(raw) != descriptor.size:
        raise ValueError(
            f"index.json gives {descriptor.digest} {descriptor.size} bytes, and it has {len(raw)}"
        )


def _absent(tag: str, tags: tuple[str, ...], where: str) -> NotFound:
    if not tag:
        return NotFound("the archive holds no image", where=where)
    hint = f"it holds {', '.join(tags)}" if tags else ""
    return NotFound("no such tag in the archive", where=where, hint=hint)
