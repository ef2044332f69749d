"""The disk, as what a spec names on it is read: metadata files and folders of digests."""

from __future__ import annotations

import os
from collections.abc import Sequence
from glob import iglob  # Path.glob takes no absolute pattern, and hidden files for any others
from itertools import islice
from pathlib import Path


class Disk:
    """Reads files and folders, relative to the current one; raises OSError."""

    def read(self, file: str, most: int) -> bytes:
        """Give the first bytes of a file, `most` of them at most."""
        with Path(file).open("rb") as stream:
            return stream.read(most)

    def match(self, pattern: str, most: int) -> Sequence[str]:
        """Give the files that a glob matches, `most` of them at most; `**` is any folders."""
        return list(islice(iglob(pattern, recursive=True), most))  # noqa: PTH207  # see above

    def names(self, folder: str, most: int) -> Sequence[str]:
        """Give the names in a folder, `most` of them at most; that of a folder ends with `/`."""
        with os.scandir(folder) as found:
            return [f"{it.name}/" if _is_folder(it) else it.name for it in islice(found, most)]


def _is_folder(found: os.DirEntry[str]) -> bool:
    """Tell a folder from all else; a link that leads nowhere, or to itself, is none."""
    return Path(found.path).is_dir()
