"""What a run reads from its sources, each manifest and config once however many want it."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, is_digest
from mbuild.oci.manifest import Content
from mbuild.registry.flight import SingleFlight
from mbuild.store.store import Store

MAX_HELD = 32 * 1024 * 1024
"""The most bytes of manifests and configs that are held in memory at a time."""

T = TypeVar("T")
Held = TypeVar("Held", Content, bytes)

Key = tuple[str, str]
"""A store's name, and a tag or a digest in it."""

Question = tuple[str, str, str]
"""How something is asked for (by HEAD or GET), and its key."""


class Library:
    """Remembers what was found in this run; a failure is given to all who ask for the same.

    What a tag held when it was first asked for stands for the whole run. Bytes are held up
    to `max_held` of them: the least recently used go first, and are fetched again by digest.
    """

    def __init__(self, *, max_held: int = MAX_HELD) -> None:
        self._flights = SingleFlight()
        self._tags: dict[Key, Descriptor] = {}
        self._errors: dict[Question, MbuildError] = {}
        self._held: OrderedDict[Key, Content | bytes] = OrderedDict()
        self._bytes = 0
        self._max_held = max_held
        self._homes: dict[Key, Store] = {}
        self._learnt: dict[Key, Content] = {}

    async def descriptor(self, store: Store, tag: str) -> Descriptor | None:
        """Ask what a tag holds, or a digest names, without its bytes; None where nothing is there.

        What this run has read, or will put there, is not asked for.
        """
        key = (store.name, tag)
        if known := self._tags.get(key):
            return known
        held = self._learnt.get(key) or self._recall(key)
        if isinstance(held, Content):
            return held.descriptor()
        return await self._once("head", key, lambda: self._head(store, tag))

    async def manifest(self, store: Store, reference: str) -> Content:
        """Fetch a manifest by tag or digest, or give what was fetched before."""
        if is_digest(reference):
            return await self._by_digest(store, reference)
        if known := self._tags.get((store.name, reference)):
            return await self._by_digest(store, str(known.digest))
        key = (store.name, reference)
        return await self._once("fetch", key, lambda: self._by_tag(store, reference))

    async def blob(self, store: Store, descriptor: Descriptor, *, of: Digest) -> bytes:
        """Fetch a small blob of a manifest, or give what was fetched before from there.

        It lies where its manifest does, which may have been lent.
        """
        if (held := self.held_blob(store, descriptor)) is not None:
            return held
        key = _blob_key(store, descriptor)
        home = self._home(store, of)

        async def fetch() -> bytes:  # held before the flight ends: who comes then finds it here
            return self._hold(key, await home.fetch_blob(descriptor))

        return await self._once("fetch", key, fetch)

    async def blob_size(self, store: Store, descriptor: Descriptor, *, of: Digest) -> int | None:
        """Ask how large a blob of a manifest is, where that manifest lies; None if unknown."""
        return await self._home(store, of).blob_size(descriptor.digest)

    def held_blob(self, store: Store, descriptor: Descriptor) -> bytes | None:
        """Give a blob's bytes, size and digest compared, where `blob` has them in memory."""
        held = self._recall(_blob_key(store, descriptor))
        return held if isinstance(held, bytes) else None

    def learn(self, store: Store, tag: str, content: Content) -> None:
        """Take note of what a tag holds from now on: this run has put it there, or will."""
        self._tags[store.name, tag] = content.descriptor()
        self.keep(store, content)

    def keep(self, store: Store, content: Content) -> None:
        """Hold a manifest to the end of the run: its bytes may be nowhere else yet."""
        self._learnt[store.name, str(content.digest)] = content

    def note(self, store: Store, tag: str, held: Descriptor) -> None:
        """Take note of what a tag holds from now on, where its bytes lie elsewhere already."""
        self._tags[store.name, tag] = held

    def lend(self, store: Store, digest: Digest, home: Store) -> None:
        """From now on fetch a manifest, and what it names, from `home`.

        `store` will have it only when it is written.
        """
        first = self._homes.get((home.name, str(digest)), home)  # `home` may have it lent itself
        self._homes.setdefault((store.name, str(digest)), first)

    def _home(self, store: Store, digest: Digest) -> Store:
        return self._homes.get((store.name, str(digest)), store)

    async def close(self) -> None:
        """Stop what is still under way."""
        await self._flights.close()

    async def _head(self, store: Store, tag: str) -> Descriptor | None:
        found = await self._homes.get((store.name, tag), store).head_manifest(tag)
        return self._tags.setdefault((store.name, tag), found) if found else None

    async def _by_tag(self, store: Store, tag: str) -> Content:
        content = await store.fetch_manifest(tag)
        known = self._tags.setdefault((store.name, tag), content.descriptor())
        if known.digest != content.digest:  # moved between a HEAD of this run and this GET
            return await self._by_digest(store, str(known.digest))
        return self._hold((store.name, str(content.digest)), content)

    async def _by_digest(self, store: Store, digest: str) -> Content:
        key = (store.name, digest)
        held = self._learnt.get(key) or self._recall(key)
        if isinstance(held, Content):
            return held
        home = self._homes.get(key, store)

        async def fetch() -> Content:
            return self._hold(key, await home.fetch_manifest(digest))

        return await self._once("fetch", key, fetch)

    async def _once(self, kind: str, key: Key, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        question = (kind, *key)
        if error := self._errors.get(question):
            raise error.with_traceback(None)
        return await self._flights.run(question, lambda: self._noted(question, work))

    async def _noted(self, question: Question, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        try:
            return await work()
        except MbuildError as error:
            self._errors[question] = error
            raise

    def _recall(self, key: Key) -> Content | bytes | None:
        held = self._held.get(key)
        if held is not None:
            self._held.move_to_end(key)
        return held

    def _hold(self, key: Key, value: Held) -> Held:
        if key not in self._held:
            self._held[key] = value
            self._bytes += _size(value)
        while self._bytes > self._max_held:
            _, oldest = self._held.popitem(last=False)
            self._bytes -= _size(oldest)
        return value


def _blob_key(store: Store, descriptor: Descriptor) -> Key:
    return store.name, f"{descriptor.digest} {descriptor.size}"


def _size(value: Content | bytes) -> int:
    return len(value) if isinstance(value, bytes) else value.size
