"""Indexes within an index: what is fetched of them, how they read flat, and how many there may be."""

from collections.abc import Sequence

import pytest

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, digest_of
from mbuild.oci.index import Index, to_content
from mbuild.oci.manifest import Content
from mbuild.oci.media_types import OCI_INDEX, OCI_MANIFEST
from mbuild.publish.read.nested import (
    MOST_INDEXES,
    MOST_LEVELS,
    Below,
    fetch_below,
    flatten_index,
    list_within,
)
from tests.publish.world import run


class Shelf:
    """Indexes by digest; it notes which of them were fetched."""

    def __init__(self) -> None:
        self.fetched: list[Digest] = []
        self._held: dict[Digest, Content] = {}

    def put(self, *entries: Descriptor) -> Descriptor:
        """Put an index of entries, and give its descriptor."""
        content = to_content(Index(OCI_INDEX, entries))
        self._held[content.digest] = content
        return content.descriptor()

    async def fetch(self, listed: Descriptor) -> Content:
        """Give an index."""
        self.fetched.append(listed.digest)
        return self._held[listed.digest]

    def below(self, *entries: Descriptor) -> tuple[Index, Below]:
        """Give an index of entries, with all that is below it."""
        index = Index(OCI_INDEX, entries)
        return index, run(lambda: fetch_below(index, self.fetch))


def image(number: int) -> Descriptor:
    """The entry of an image."""
    return Descriptor(OCI_MANIFEST, digest_of(str(number).encode()), 7)


def digests(entries: Sequence[Descriptor]) -> list[Digest]:
    """The digests of entries, in order."""
    return [entry.digest for entry in entries]


def test_levels() -> None:
    """Flat, images stand where their index stood; upwards, each index stands behind its images."""
    shelf = Shelf()
    inner = shelf.put(image(3))
    outer = shelf.put(image(2), inner, image(4))
    index, below = shelf.below(image(1), outer, image(5))
    flat = flatten_index(index, below).manifests
    assert digests(flat) == digests([image(number) for number in (1, 2, 3, 4, 5)])
    upwards = [image(1), image(2), image(3), inner, image(4), outer, image(5)]
    assert digests(list_within(index, below)) == digests(upwards)


def test_once() -> None:
    """An index that is listed in several places is fetched once, and read once."""
    shelf = Shelf()
    shared = shelf.put(image(1))
    index, below = shelf.below(shared, shelf.put(shared, image(2)), shared)
    assert len(shelf.fetched) == 2
    assert digests(flatten_index(index, below).manifests) == digests([image(1), image(2)])
    assert len(list_within(index, below)) == 4


def test_many_paths() -> None:
    """Indexes that list the next one a thousand times each take no longer for it."""
    shelf = Shelf()
    entry = shelf.put(image(1))
    for _ in range(MOST_LEVELS - 2):
        entry = shelf.put(*[entry] * 1000)
    index, below = shelf.below(*[entry] * 1000)
    assert digests(flatten_index(index, below).manifests) == [image(1).digest]


def test_nothing_below() -> None:
    """Of an index of images nothing is fetched."""
    shelf = Shelf()
    index, below = shelf.below(image(1))
    assert (shelf.fetched, flatten_index(index, below)) == ([], index)


def test_deepest() -> None:
    """So many levels are read, and one more is an error."""
    shelf = Shelf()
    entry = image(1)
    for _ in range(MOST_LEVELS):
        entry = shelf.put(entry)
    index, below = shelf.below(entry)
    assert digests(flatten_index(index, below).manifests) == [image(1).digest]
    with pytest.raises(ImageMismatch) as raised:
        shelf.below(shelf.put(entry))
    assert str(raised.value) == (
        "it is an index with indexes more than 8 deep in one another; name the image by its digest"
    )


def test_most() -> None:
    """So many indexes are read, and one more is an error before any is fetched."""
    shelf = Shelf()
    entries = [shelf.put(image(number)) for number in range(MOST_INDEXES + 1)]
    shelf.below(*entries[1:])
    shelf.fetched.clear()
    with pytest.raises(ImageMismatch) as raised:
        shelf.below(*entries)
    assert str(raised.value) == (
        "it is an index with more than 64 indexes in it; name the image by its digest"
    )
    assert shelf.fetched == []
