"""Indexes that lie within an index: fetched level by level, so many and so deep and no more."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import Index, parse_index
from mbuild.oci.manifest import Content
from mbuild.publish.read.parsing import parse_or_mismatch
from mbuild.publish.together import all_together

MOST_LEVELS = 8
"""So many indexes may lie one within another; no client reads that many."""

MOST_INDEXES = 64
"""So many indexes may lie within one index, all levels together."""

Fetch = Callable[[Descriptor], Coroutine[Any, Any, Content]]


@dataclass(frozen=True, slots=True)
class Nested:
    """An index within another one: its bytes, and what they say."""

    content: Content
    index: Index


Below = Mapping[Digest, Nested]
"""All indexes below an index, by their digests."""


async def fetch_below(index: Index, fetch: Fetch) -> Below:
    """Fetch every index that lies below one, each once; raises ImageMismatch for too many."""
    below: dict[Digest, Nested] = {}
    level = index.indexes
    for _ in range(MOST_LEVELS):
        new = {entry.digest: entry for entry in level if entry.digest not in below}
        if not new:
            break
        if len(below) + len(new) > MOST_INDEXES:
            raise _too_many(f"it is an index with more than {MOST_INDEXES} indexes in it")
        contents = await all_together(fetch(entry) for entry in new.values())
        found = [Nested(it, parse_or_mismatch(parse_index, it)) for it in contents]
        below.update(zip(new, found, strict=True))
        level = tuple(entry for it in found for entry in it.index.indexes)
    if any(entry.digest not in below for entry in level):
        raise _too_many(f"it is an index with indexes more than {MOST_LEVELS} deep in one another")
    return below


def flatten_index(index: Index, below: Below) -> Index:
    """Give the index with the entries of each index below it in the place of that one.

    One that is listed again gives nothing more.
    """
    return replace(index, manifests=tuple(_entries(index, below, set())))


def _entries(index: Index, below: Below, seen: set[Digest]) -> Iterator[Descriptor]:
    for entry in index.manifests:
        nested = below.get(entry.digest)
        if nested is None:
            yield entry
        elif entry.digest not in seen:
            seen.add(entry.digest)
            yield from _entries(nested.index, below, seen)


def list_within(index: Index, below: Below) -> tuple[Descriptor, ...]:
    """Give all that an index lists and the indexes below it list, each behind what it lists."""
    return tuple({entry.digest: entry for entry in _upwards(index, below, set())}.values())


def _upwards(index: Index, below: Below, seen: set[Digest]) -> Iterator[Descriptor]:
    for entry in index.manifests:
        nested = below.get(entry.digest)
        if nested and entry.digest not in seen:
            seen.add(entry.digest)
            yield from _upwards(nested.index, below, seen)
        yield entry


def _too_many(message: str) -> ImageMismatch:
    return ImageMismatch(message, hint="name the image by its digest")
