"""Present: what a repository's tags hold now, before anything is decided."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from mbuild.errors import Denied, NotFound
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index, parse_index
from mbuild.oci.manifest import Content
from mbuild.publish.library import Library
from mbuild.publish.together import all_together
from mbuild.spec.spec import Destination
from mbuild.store.store import Store


@dataclass(frozen=True, slots=True)
class Holding:
    """What a tag holds: a descriptor, nothing (None), or what cannot be known.

    `is_known` is False where the registry does not let the tag be read before a first push.
    """

    descriptor: Descriptor | None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Present:
    """The tags of one destination and what they hold; `previous` is the index to compare with.

    That is the first index found, going through the tags in order.
    """

    holdings: Mapping[str, Holding]
    previous: Index | None = None


async def read_present(destination: Destination, store: Store, library: Library) -> Present:
    """Ask for all tags side by side, then for the one index to compare with.

    A tag is asked for by HEAD, which no registry counts as a pull.
    """
    found = await all_together(_holding(store, tag) for tag in destination.tags)
    holdings = dict(zip(destination.tags, found, strict=True))
    return Present(holdings, await _first_index(holdings, store, library))


async def _holding(store: Store, tag: str) -> Holding:
    try:
        return Holding(await store.head_manifest(tag))
    except Denied:
        return Holding(None, is_known=False)


async def _first_index(
    holdings: Mapping[str, Holding], store: Store, library: Library
) -> Index | None:
    for holding in holdings.values():
        held = holding.descriptor
        if held is not None and media_types.is_index(held.media_type):
            content = await _fetch_held(store, held, library)
            return _parse_held(content) if content else None
    return None


async def _fetch_held(store: Store, held: Descriptor, library: Library) -> Content | None:
    try:
        return await library.manifest(store, str(held.digest))
    except NotFound:  # moved and cleaned up in between: there is nothing to compare with
        return None


def _parse_held(content: Content) -> Index | None:
    try:
        return parse_index(content.raw)
    except ValueError:  # published by others, and not understood: nothing to compare with
        return None
