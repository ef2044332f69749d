"""What a run may know without asking: manifests and configs of earlier runs, by digest."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content

Warn = Callable[[str], None]
"""Tells a person something that changes no result."""


class Cache(Protocol):
    """Content by digest, and what references held when they were last asked for.

    No method raises, waits for the network, or takes long: what cannot be kept is not kept,
    and what cannot be read was never there. What is given hashes to its digest.
    """

    def content(self, digest: Digest) -> Content | None:
        """Give a manifest that was kept."""

    def blob(self, digest: Digest) -> bytes | None:
        """Give a config, or another small blob, that was kept."""

    def keep(self, content: Content) -> None:
        """Keep a manifest."""

    def keep_blob(self, digest: Digest, raw: bytes) -> None:
        """Keep a small blob whose hash has been compared."""

    def recall(self, reference: str) -> Descriptor | None:
        """Tell what a reference (`domain/path:tag`, `domain/path@digest`) held when last asked.

        None also where the content it held is not kept: then to know it helps nobody.
        """

    def note(self, reference: str, descriptor: Descriptor | None) -> None:
        """Note what a reference holds now; None for nothing."""

    def close(self) -> None:
        """Write down what is not yet written."""


class NoCache:
    """Keeps nothing and knows nothing."""

    def content(self, digest: Digest) -> Content | None:  # noqa: ARG002  # the interface's
        """Give None."""
        return None

    def blob(self, digest: Digest) -> bytes | None:  # noqa: ARG002  # the interface's
        """Give None."""
        return None

    def keep(self, content: Content) -> None:
        """Do nothing."""

    def keep_blob(self, digest: Digest, raw: bytes) -> None:
        """Do nothing."""

    def recall(self, reference: str) -> Descriptor | None:  # noqa: ARG002  # the interface's
        """Give None."""
        return None

    def note(self, reference: str, descriptor: Descriptor | None) -> None:
        """Do nothing."""

    def close(self) -> None:
        """Do nothing."""


def cache_file(environment: Mapping[str, str]) -> Path | None:
    """Give the file of the cache, `$XDG_CACHE_HOME/mbuild/content.db`; None without a home.

    As the XDG base directory specification has it: `~/.cache` where the variable is not set,
    or is no absolute path.
    """
    folder = Path(environment.get("XDG_CACHE_HOME", ""))
    if not folder.is_absolute():
        home = environment.get("HOME")
        if not home:
            return None
        folder = Path(home) / ".cache"
    return folder / "mbuild" / "content.db"


def open_cache(environment: Mapping[str, str], warn: Warn) -> Cache:
    """Open the user's cache; the file is made when it is first needed.

    Whatever is wrong with it is told once, to `warn`, and then nothing is kept or known.
    """
    path = cache_file(environment)
    if path is None:
        return NoCache()
    try:
        from mbuild.store.cache_disk import DiskCache
    except ImportError:
        warn("nothing is kept for the next run: this Python was built without sqlite3")
        return NoCache()
    return DiskCache(path, warn)
