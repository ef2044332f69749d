"""What resolving an entry gives: the image's bytes, what they say, and where they lie."""

from __future__ import annotations

from dataclasses import dataclass

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.spec.spec import Entry
from mbuild.store.store import Store


@dataclass(frozen=True, slots=True)
class Child:
    """A manifest that the index will name, and the store it is in.

    `content` is None where it is known to be unchanged and was not read. One that `is_made`
    has its bytes from this run: the store has only the blobs they name.
    """

    descriptor: Descriptor
    store: Store
    content: Content | None = None
    is_attestation: bool = False
    is_made: bool = False


@dataclass(frozen=True, slots=True)
class Converted:
    """What an image was before it was converted, None where it stayed as it was.

    `lost` are the keys of annotations that had to go. With `leaves_referrers` its referrers were
    to be copied, and are not: they belong to what it was.
    """

    origin: Descriptor | None
    lost: tuple[str, ...] = ()
    leaves_referrers: bool = False


@dataclass(frozen=True, slots=True)
class Attestation:
    """An attestation manifest beside an image: its entry in the source index, and itself."""

    descriptor: Descriptor
    child: Child


@dataclass(frozen=True, slots=True)
class Source:
    """An image for the index, resolved from an entry of the spec.

    `named` is what the entry's reference itself names, an index perhaps. `found` is the
    platform the image's config gives. Of a source that was itself an index, `origin` is that
    index and `listed` the descriptor the image had in it; else None. `converted` tells of an
    image that is not taken as it was found.

    With `is_kept` the entry stays in the index as it is `listed`, whatever its config says.
    What is not `is_image` is kept beside the images: an artifact, or an index, whose own
    manifests are `within`, as they are listed `inside` it.
    """

    entry: Entry
    named: Descriptor
    child: Child
    found: Platform
    listed: Descriptor | None = None
    origin: Content | None = None
    attestations: tuple[Attestation, ...] = ()
    converted: Converted | None = None
    is_kept: bool = False
    is_image: bool = True
    within: tuple[Child, ...] = ()
    inside: tuple[Descriptor, ...] = ()

    @property
    def children(self) -> tuple[Child, ...]:
        """Give all manifests that come with it, each behind those that it lists."""
        return (*self.within, self.child, *(it.child for it in self.attestations))

    @property
    def where(self) -> str:
        """Give the entry's position in the spec."""
        return str(self.entry.position)

    @property
    def name(self) -> str:
        """Give the reference as the spec has it, defaults applied."""
        return reference_name(self.entry)


@dataclass(frozen=True, slots=True)
class Skipped:
    """An optional entry whose image does not exist."""

    entry: Entry

    @property
    def name(self) -> str:
        """Give the reference as the spec has it, defaults applied."""
        return reference_name(self.entry)


Resolved = tuple[Source | Skipped, ...]
"""What the entries of a target were found to name, in the order of the spec."""


def told_of(entry: Entry, message: str, subject: str = "") -> str:
    """Put before a message what it is about: `subject`, or the entry's reference.

    An entry given on the command line stands where its reference does: that is said once.
    """
    name = subject or reference_name(entry)
    return message if name == str(entry.position) else f"{name}: {message}"


def reference_name(entry: Entry) -> str:
    """Give an entry's reference as text, the way people write it; or the file that lacks it."""
    if entry.absent:
        return entry.absent
    reference = entry.reference
    tail = str(reference).removeprefix(reference.repository)
    return reference.familiar + tail
