"""Stores by reference: one per repository and run, so that each is asked over one client."""

from __future__ import annotations

import asyncio
import os

from mbuild.oci.reference import AnyReference, ArchiveReference, LayoutReference, LocalReference
from mbuild.registry.registries import Registries
from mbuild.store.cache import Cache
from mbuild.store.files import Sleep
from mbuild.store.layout import LayoutStore
from mbuild.store.locks import LockWait
from mbuild.store.repository import RepositoryStore
from mbuild.store.store import Store


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
        if not isinstance(reference, LocalReference):
            self._registries.may_push(reference.domain, reference.path)
        return self.open(reference)

    def _make(self, reference: AnyReference) -> Store:
        if isinstance(reference, LayoutReference):
            return self._make_layout(reference)
        if isinstance(reference, ArchiveReference):
            return _make_archive(reference)
        return RepositoryStore(
            self._registries.registry(reference.domain), reference, cache=self._cache
        )

    def _make_layout(self, reference: LayoutReference) -> LayoutStore:
        registries = self._registries
        lock_wait = LockWait(
            deadline=registries.deadline, tell=registries.observer.on_wait, sleep=self._sleep
        )
        return LayoutStore(reference.directory, lock_wait=lock_wait, retry=registries.retry)


def _make_archive(reference: ArchiveReference) -> Store:
    from mbuild.store.archive.archive import ArchiveStore  # what unpacks is loaded when needed

    return ArchiveStore(reference)


def _key(reference: AnyReference) -> str:
    if isinstance(reference, LayoutReference):
        return f"oci:{os.path.realpath(reference.directory)}"
    if isinstance(reference, ArchiveReference):
        return f"{reference.transport}:{os.path.realpath(reference.file)}"
    return f"{reference.domain.lower()}/{reference.path}"
