"""A layout's index.json on the disk: read whole, and rewritten under the layout's lock."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

from mbuild.errors import StoreError
from mbuild.oci.descriptor import Descriptor
from mbuild.store.files import explain_disk_errors, read_small, sweep, write_file
from mbuild.store.layout_index import (
    LAYOUT_FILE,
    LayoutIndex,
    check_layout_file,
    parse_layout_index,
)
from mbuild.store.locks import LockWait, lock_folder

WRITE_AGAIN = "write the layout again with the tool that made it"
LARGEST = 16 * 1024 * 1024
"""The largest index.json in bytes that is read: it names some 50,000 images."""


class IndexFile:
    """The index.json of the layout at `root`; `name` is what errors call the layout."""

    def __init__(self, root: Path, name: str, *, lock_wait: LockWait) -> None:
        self._root = root
        self._name = name
        self._lock_wait = lock_wait

    @property
    def name(self) -> str:
        """Give what errors call the layout."""
        return self._name

    @property
    def shown(self) -> Path:
        """Give the path that a full disk is told with."""
        return self._root

    def load(self) -> LayoutIndex:
        """Read it; a folder that is no layout yet has an empty one."""
        path = self._root / "index.json"
        with explain_disk_errors(path, self._name):
            try:
                with blaming(self._name):
                    raw = read_small(path, most=LARGEST)
                    check_layout_file(self._root)
                    return parse_layout_index(raw)
            except FileNotFoundError:
                return LayoutIndex.empty()
            except NotADirectoryError:
                self._refuse_file()
                return LayoutIndex.empty()

    def _refuse_file(self) -> None:
        """Refuse a file in the folder's place: it is not as if nothing were there yet."""
        if self._root.is_file():
            raise StoreError(
                "it is a file, and no folder with an OCI image layout",
                where=self._name,
                hint="a layout in a tar is named oci-archive:FILE",
            )

    def prepare(self) -> None:
        """Make the folder a layout, if it is not one yet."""
        self._root.mkdir(parents=True, exist_ok=True)
        marker = self._root / "oci-layout"
        if not marker.exists():
            write_file(marker, LAYOUT_FILE)

    async def move(self, tags: tuple[str, ...], descriptor: Descriptor | None) -> None:
        """Let tags name a manifest, or with None nothing, in one writing of the file."""

        def moved(index: LayoutIndex) -> LayoutIndex:
            for tag in tags:
                index = index.with_tag(tag, descriptor) if descriptor else index.without(tag)
            return index

        await self.change(f"{self._name}:{tags[0]}", moved)

    async def change(self, where: str, change: Callable[[LayoutIndex], LayoutIndex]) -> None:
        """Write what `change` makes of the file, and let no other writer in between."""
        with explain_disk_errors(self._root, self._name):
            async with lock_folder(self._root, name=self._name, where=where, wait=self._lock_wait):
                index = change(self.load())
                for folder in (self._root, *(self._root / "blobs").iterdir()):
                    sweep(folder)
                # Not in a thread: cancelled, it would outlive the lock.
                self.save(index)

    def save(self, index: LayoutIndex) -> None:
        """Write it, whatever it was; raises OSError."""
        write_file(self._root / "index.json", index.to_bytes())


@contextlib.contextmanager
def blaming(where: str) -> Iterator[None]:
    """Blame the layout at `where` for text in it that cannot be read."""
    try:
        yield
    except ValueError as error:
        text = f"the layout is broken: {error.args[0]}"
        raise StoreError(text, where=where, hint=WRITE_AGAIN) from None
