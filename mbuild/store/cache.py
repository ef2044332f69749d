"""What a run may know without asking: manifests and configs of earlier runs, by digest."""

from __future__ import annotations

from typing import Protocol

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content


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
