"""The index.json of what is staged: a change of it packs the archive."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from mbuild.store.index_file import IndexFile
from mbuild.store.layout_index import LayoutIndex
from mbuild.store.locks import FOR_EVER

Make = Callable[[LayoutIndex], LayoutIndex]
Pack = Callable[[str, Make], Awaitable[None]]


class StagedIndexFile(IndexFile):
    """An index.json that is changed by `pack`, which is given the reference that is written."""

    def __init__(self, root: Path, name: str, *, archive: Path, pack: Pack) -> None:
        super().__init__(root, name, lock_wait=FOR_EVER)
        self._archive = archive
        self._pack = pack

    @property
    def shown(self) -> Path:
        """Give the archive: nobody has heard of the folder."""
        return self._archive

    async def change(self, where: str, change: Make) -> None:
        """Pack the archive with what `change` makes of the file."""
        await self._pack(where, change)
