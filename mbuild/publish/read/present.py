"""Present: what the repositories of a target hold now, before anything is decided."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass

from mbuild.errors import Denied, Failures, MbuildError, NotFound
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index, parse_index
from mbuild.oci.manifest import Content
from mbuild.publish.read.library import Library
from mbuild.publish.together import all_together, settled
from mbuild.spec.spec import Destination, Target
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

    @property
    def compared(self) -> Descriptor | None:
        """Give the descriptor of the first index that a tag holds, None where none does."""
        return _index_of(self.holdings)


class Presence:
    """Reads what a target's repositories hold, and tells those who wait for it as it is found.

    First all tags are asked for side by side, by HEAD, which no registry counts as a pull;
    then the one index a repository to compare with is fetched.
    """

    def __init__(self, target: Target, places: tuple[Store, ...], library: Library) -> None:
        self._destinations = tuple(zip(target.destinations, places, strict=True))
        self._library = library
        self._is_published: asyncio.Future[bool] = asyncio.Future()
        self._indexes: asyncio.Future[tuple[Index, ...]] = asyncio.Future()
        self._holdings: tuple[Mapping[str, Holding], ...] = ()

    async def read(self) -> tuple[tuple[Present, ...], tuple[MbuildError, ...]]:
        """Read all; gives what could be read, a value a destination, and the errors of the rest."""
        try:
            holdings, errors = await settled(
                _holdings(destination, store) for destination, store in self._destinations
            )
            self._holdings = () if errors else holdings
            self._is_published.set_result(any(_index_of(held) for held in holdings))
            if errors:
                return (), errors
            presents, errors = await settled(
                self._present(store, held)
                for (_, store), held in zip(self._destinations, holdings, strict=True)
            )
            self._indexes.set_result(
                tuple(present.previous for present in presents if present.previous)
            )
            return presents, errors
        finally:  # whoever waits is not left waiting, whatever became of it
            if not self._is_published.done():
                self._is_published.set_result(False)
            if not self._indexes.done():
                self._indexes.set_result(())

    async def is_published(self) -> bool:
        """Tell, as soon as the tags have answered, whether any of them holds an index."""
        return await asyncio.shield(self._is_published)

    async def holds(self, listed: Descriptor) -> bool:
        """Ask every repository whether it has a manifest; what may not be asked, has not."""
        try:
            found = await all_together(
                self._library.descriptor(store, str(listed.digest))
                for _, store in self._destinations
            )
        except (Denied, Failures):
            return False
        return all(one and one.digest == listed.digest and one.size == listed.size for one in found)

    def is_place(self, store: Store) -> bool:
        """Tell whether a store is a repository of the target."""
        return any(store is place for _, place in self._destinations)

    async def told(self, store: Store, tag: str) -> Descriptor | None:
        """Tell what a tag of the target itself holds, once it was asked for; else None."""
        for number, (destination, place) in enumerate(self._destinations):
            if place is store and tag in destination.tags:
                await self.is_published()
                return self._holdings[number][tag].descriptor if self._holdings else None
        return None

    async def indexes(self) -> tuple[Index, ...]:
        """Give the indexes to compare with, as soon as they are there: one a repository at most."""
        return await asyncio.shield(self._indexes)

    async def _present(self, store: Store, holdings: Mapping[str, Holding]) -> Present:
        held = _index_of(holdings)
        content = await _fetch_held(store, held, self._library) if held else None
        return Present(holdings, _parse_held(content) if content else None)


async def _holdings(destination: Destination, store: Store) -> Mapping[str, Holding]:
    found = await all_together(_holding(store, tag) for tag in destination.tags)
    return dict(zip(destination.tags, found, strict=True))


async def _holding(store: Store, tag: str) -> Holding:
    try:
        return Holding(await store.head_manifest(tag))
    except Denied:
        return Holding(None, is_known=False)


def _index_of(holdings: Mapping[str, Holding]) -> Descriptor | None:
    for holding in holdings.values():
        held = holding.descriptor
        if held is not None and media_types.is_index(held.media_type):
            return held
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
