"""What belongs to a manifest, as it is found and read: a signature, an SBOM, an attestation."""

from __future__ import annotations

from dataclasses import dataclass, replace

from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.publish.read.source import Child


@dataclass(frozen=True, slots=True)
class Referrer:
    """A manifest that belongs to `subject`: found as its referrer, or under a tag of cosign's.

    `child` has its content once it was read; `parts` are what it lists where it is an index,
    each behind what it lists itself.
    """

    subject: Digest
    child: Child
    tag: str = ""
    parts: tuple[Child, ...] = ()

    @property
    def digest(self) -> Digest:
        """Give the digest of the manifest itself."""
        return self.child.descriptor.digest

    @property
    def found_at(self) -> str:
        """Name where it was found: the manifest it refers to, or its tag."""
        name = self.child.store.name
        return f"{name}:{self.tag}" if self.tag else f"{name}@{self.subject}"

    def with_content(self, content: Content, parts: tuple[Child, ...] = ()) -> Referrer:
        """Give it with its bytes, and with what it lists."""
        return replace(self, child=replace(self.child, content=content), parts=parts)
