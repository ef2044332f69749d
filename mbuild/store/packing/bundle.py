"""A bundle: the file of an OCI archive, and the folder in which its next version is staged."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TypeVar

from mbuild.errors import SourceError, StoreError
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.oci.reference import ArchiveReference
from mbuild.store.archive.archive import ArchiveStore
from mbuild.store.files import explain_disk_errors, sync_folder
from mbuild.store.layout import LayoutStore, Retry, only_once
from mbuild.store.layout_index import LayoutIndex
from mbuild.store.locks import FOR_EVER, LockWait, lock_folder
from mbuild.store.packing.batches import Batches
from mbuild.store.packing.contents import Contents
from mbuild.store.packing.pack import write_archive
from mbuild.store.packing.staged_index import Make, StagedIndexFile
from mbuild.store.packing.staging import Staging
from mbuild.store.store import Store

T = TypeVar("T")

Identity = tuple[int, int, int] | None
"""What tells one version of a file from another; None where there is no file."""

Change = tuple[str, Make]
"""The reference that is written, and what becomes of index.json."""


@dataclass(eq=False)
class _Staged:
    """The next version: a layout with its index.json, as of the version `synced` of the file.

    `original` reads the file as it was before the first packing: what a tag held then may
    have to be put back.
    """

    folder: Path
    layout: LayoutStore
    index: StagedIndexFile
    is_new: bool
    synced: Identity = None
    original: ArchiveStore | None = None


class Bundle:
    """The archive of a reference, to be read and written; `close` must be called in the end.

    What is staged is a layout, with the index.json and the manifests of the archive and all
    that was put there since; layers stay in the archive until they are packed. A change of
    the index.json packs it anew, under the lock of its folder, so that other processes lose
    nothing; the file is replaced whole.
    """

    def __init__(
        self,
        reference: ArchiveReference,
        *,
        lock_wait: LockWait = FOR_EVER,
        retry: Retry = only_once,
    ) -> None:
        self.name = reference.repository
        self._reference = reference
        file = Path(reference.file)
        self._file = Path(os.path.realpath(file)) if file.is_symlink() else file
        self._lock_wait = lock_wait
        self._retry = retry
        self._staging = Staging(self._file)
        self._staged: _Staged | None = None
        self._syncing = asyncio.Lock()
        self._batches = Batches(self._pack)
        self._reader = ArchiveStore(reference)
        self._seen: Identity = None

    @property
    def path(self) -> str:
        """Give the file as it is written in the reference."""
        return self._reference.file

    def reader(self) -> ArchiveStore:
        """Give a store that reads the file as it is now."""
        seen = self._look()
        if seen != self._seen:
            self._reader, self._seen = ArchiveStore(self._reference), seen
        return self._reader

    async def read(self, ask: Callable[[Sequence[Store]], Awaitable[T]]) -> T:
        """Ask for something: of what was staged, then of the archive.

        Where the file was replaced meanwhile, as other runs do, the new one is asked.
        """
        while True:
            with blaming_target():
                stores: list[Store] = [await self.stage()] if self._staged else []
                reader, seen = self.reader(), self._seen
                try:
                    return await ask([*stores, reader])
                except SourceError:
                    if self._look() == seen:
                        raise

    async def stage(self) -> LayoutStore:
        """Give the layout to write to; it names what the archive names by now."""
        return (await self._stage()).layout

    def names(self, digest: Digest) -> bool:
        """Tell whether the index.json that is staged names a manifest."""
        return self._staged is not None and self._staged.index.load().by_digest(digest) is not None

    async def pack(self, where: str, make: Make = lambda index: index) -> None:
        """Pack the archive with what `make` makes of its index.json."""
        await self._batches.add((where, make))

    async def close(self) -> None:
        """Stop what is under way, and leave nothing beside the archive."""
        await self._batches.close()
        self._staging.close()

    def _look(self) -> Identity:
        with explain_disk_errors(self._file, self.name):
            try:
                found = self._file.stat()
            except (FileNotFoundError, NotADirectoryError):
                return None
        return found.st_ino, found.st_size, found.st_mtime_ns

    async def _stage(self) -> _Staged:
        async with self._syncing:
            with explain_disk_errors(self._file, self.name), blaming_target():
                if self._staged is None:
                    self._staged = self._open()
                await self._sync(self._staged)
        return self._staged

    def _open(self) -> _Staged:
        folder = self._staging.open()
        root = folder / "layout"
        index = StagedIndexFile(root, self.name, archive=self._file, pack=self.pack)
        index.prepare()
        layout = LayoutStore(str(root), retry=self._retry, file=index)
        return _Staged(folder, layout, index, is_new=not self._file.exists())

    async def _sync(self, staged: _Staged) -> None:
        """Take over what the archive names, unless that was done for this version of it."""
        while staged.synced != (seen := self._look()):
            try:
                await _take_over(self.reader(), staged)
            except SourceError:  # another run may have replaced it meanwhile
                if self._look() == seen:
                    raise
            else:
                staged.synced = seen

    async def _pack(self, changes: tuple[Change, ...]) -> None:
        where = changes[0][0]
        folder = self._file.parent
        with explain_disk_errors(self._file, self.name), blaming_target():
            async with lock_folder(folder, name=self.name, where=where, wait=self._lock_wait):
                staged = await self._stage()
                before = staged.index.load()
                after = before
                for _, make in changes:
                    after = make(after)
                await self._write(staged, before, after.in_order())
                staged.index.save(after)
                staged.synced = self._look()

    async def _write(self, staged: _Staged, before: LayoutIndex, after: LayoutIndex) -> None:
        if staged.is_new and not after.find(""):  # the only tag was taken back
            self._file.unlink(missing_ok=True)
            return
        held: list[Store] = [staged.layout, self.reader()]
        contents = Contents([*held, *filter(None, [staged.original])], self.name)
        known, entries = before.find(""), after.find("")
        await contents.gather((one for one in entries if one not in known), required=True)
        await contents.gather(entries, required=False)
        path = staged.folder / "archive.tar"
        await write_archive(path, after, contents.parts)
        if staged.original is None and not staged.is_new:
            staged.original = await self._keep_original(staged.folder / "original.tar")
        path.replace(self._file)
        sync_folder(self._file.parent)

    async def _keep_original(self, path: Path) -> ArchiveStore:
        try:
            os.link(self._file, path)
        except OSError:  # a disk without links, or a file of somebody else's
            await asyncio.to_thread(shutil.copyfile, self._file, path)
        return ArchiveStore(replace(self._reference, file=str(path)))


async def _take_over(reader: ArchiveStore, staged: _Staged) -> None:
    async def keep(content: Content) -> None:
        await staged.layout.put_manifest(str(content.digest), content)

    index = await reader.read_index()
    contents = Contents((reader,), staged.layout.name, keep=keep)
    await contents.gather(index.find(""), required=False)
    staged.index.save(index)


@contextlib.contextmanager
def blaming_target() -> Iterator[None]:
    """Tell what is wrong with the archive as of a target: it is no image that is missing."""
    try:
        yield
    except SourceError as error:
        raise StoreError(
            f"it cannot be added to: {error.message}",
            where=error.where,
            hint="move the file away, or name another one",
        ) from error
