"""Verify: proof by reading back that every tag holds the index and every child answers."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from mbuild.errors import MbuildError, RegistryError
from mbuild.oci.digest import Digest
from mbuild.publish.together import all_together
from mbuild.store.store import Store

SETTLING_WAITS = (0.25, 0.5, 1.0, 2.0, 4.0, 8.0, 14.25)
"""Seconds between looks at a tag that disagrees: 30 in all, since some registries settle late."""

NOT_READABLE = "published, not yet readable"

Sleep = Callable[[float], Awaitable[None]]


async def verify_published(
    store: Store,
    tags: tuple[str, ...],
    digest: Digest,
    *,
    children: tuple[Digest, ...] = (),
    sleep: Sleep = asyncio.sleep,
) -> None:
    """Read every tag back, and ask for every child not yet proven, side by side.

    Raises RegistryError ("published, not yet readable") for what still disagrees after 30
    seconds; nothing is rolled back.
    """
    await all_together(
        [
            *(_settle(_TagProof(store, tag, digest), sleep) for tag in tags),
            *(_settle(_ChildProof(store, child), sleep) for child in children),
        ]
    )


class _TagProof:
    def __init__(self, store: Store, tag: str, digest: Digest) -> None:
        self._store, self._tag, self._digest = store, tag, digest
        self._held: Digest | None = None

    async def holds(self) -> bool:
        self._held = await self._store.read_back(self._tag)
        return self._held == self._digest

    def failure(self) -> RegistryError:
        return RegistryError(
            f"{NOT_READABLE}: the tag reads back as {self._held or 'not found'}, "
            f"not {self._digest}",
            where=f"{self._store.name}:{self._tag}",
            hint="another push may have moved it, or the registry settles late: look again",
        )


class _ChildProof:
    def __init__(self, store: Store, child: Digest) -> None:
        self._store, self._child = store, child

    async def holds(self) -> bool:
        return await self._store.read_back(str(self._child)) == self._child

    def failure(self) -> RegistryError:
        return RegistryError(
            f"{NOT_READABLE}: the index lists it and the registry does not give it",
            where=f"{self._store.name}@{self._child}",
            hint="look again; if it stays away, push again",
        )


async def _settle(proof: _TagProof | _ChildProof, sleep: Sleep) -> None:
    for wait in (*SETTLING_WAITS, None):
        try:
            if await proof.holds():
                return
        except MbuildError as error:
            raise RegistryError(
                f"{NOT_READABLE}: {error.message}", where=error.where, hint=error.hint
            ) from error
        if wait is not None:
            await sleep(wait)
    raise proof.failure()
