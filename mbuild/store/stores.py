"""Stores by reference: one per repository and run, so that each is asked over one client."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from typing import TYPE_CHECKING

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.reference import AnyReference, ArchiveReference, LayoutReference
from mbuild.registry.registries import Registries
from mbuild.store.cache import Cache
from mbuild.store.files import Sleep
from mbuild.store.layout import LayoutStore, Retry
from mbuild.store.locks import LockWait
from mbuild.store.repository import RepositoryStore
from mbuild.store.store import Store

if TYPE_CHECKING:
    from mbuild.store.packing.bundle import Bundle


class Stores:
    """Opens the store a reference points into; the same repository gives the same store."""

    def __init__(
        self,
        registries: Registries,
        *,
        cache: Cache | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        self._registries = registries
        self._cache = cache
        self._sleep = sleep
        self._stores: dict[str, Store] = {}
        self._bundles: dict[str, Bundle] = {}

    def uncached(self) -> Stores:
        """Give stores that know nothing from before: what they give, was just asked for."""
        return Stores(self._registries, sleep=self._sleep)

    def open(self, reference: AnyReference) -> Store:
        """Give the store of a reference's repository, for reading."""
        key = _key(reference)
        store = self._stores.get(key)
        if store is None:
            store = self._stores[key] = self._make(reference)
        return store

    def open_target(self, reference: AnyReference) -> Store:
        """Give the store of a repository that will be written to.

        Called before the first request, it lets one token serve reading and writing.
        """
        if isinstance(reference, ArchiveReference):
            return self._open_bundle(reference)
        if not isinstance(reference, LayoutReference):
            self._registries.may_push(reference.domain, reference.path)
        return self.open(reference)

    async def close(self) -> None:
        """Leave nothing behind beside the archives that were written to."""
        for bundle in self._bundles.values():
            await bundle.close()

    def _open_bundle(self, reference: ArchiveReference) -> Store:
        key = _key(reference)
        if key not in self._bundles:
            lock_wait, retry = self._lock_wait(), self._registries.retry
            bundle, target = _make_bundle(reference, lock_wait, retry)
            self._bundles[key], self._stores[key] = bundle, target
        return self._stores[key]

    def open_elsewhere(
        self, layer: Descriptor, offset: int = 0
    ) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        """Open a stream of a layer that lies at URLs, and in no store; without any login."""
        return self._registries.elsewhere.open(layer, offset)

    def _make(self, reference: AnyReference) -> Store:
        if isinstance(reference, LayoutReference):
            return self._make_layout(reference)
        if isinstance(reference, ArchiveReference):
            return _make_archive(reference, self._cache)
        return RepositoryStore(
            self._registries.registry(reference.domain), reference, cache=self._cache
        )

    def _make_layout(self, reference: LayoutReference) -> LayoutStore:
        lock_wait, retry = self._lock_wait(), self._registries.retry
        return LayoutStore(reference.directory, lock_wait=lock_wait, retry=retry)

    def _lock_wait(self) -> LockWait:
        registries = self._registries
        return LockWait(
            deadline=registries.deadline, tell=registries.observer.on_wait, sleep=self._sleep
        )


def _make_archive(reference: ArchiveReference, cache: Cache | None) -> Store:
    from mbuild.store.archive.archive import ArchiveStore  # what unpacks is loaded when needed

    return ArchiveStore(reference, cache=cache)


def _make_bundle(
    reference: ArchiveReference, lock_wait: LockWait, retry: Retry
) -> tuple[Bundle, Store]:
    from mbuild.store.packing.bundle import Bundle  # loaded when needed, as above
    from mbuild.store.packing.target import ArchiveTarget

    bundle = Bundle(reference, lock_wait=lock_wait, retry=retry)
    return bundle, ArchiveTarget(bundle)


def _key(reference: AnyReference) -> str:
    if isinstance(reference, LayoutReference):
        return f"oci:{os.path.realpath(reference.directory)}"
    if isinstance(reference, ArchiveReference):
        return f"{reference.transport}:{os.path.realpath(reference.file)}"
    return f"{reference.domain.lower()}/{reference.path}"
