"""Referrers in a layout: by the subjects of what index.json names, and by the tag for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from mbuild.errors import StoreError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import Index, parse_index, to_content
from mbuild.oci.manifest import Content
from mbuild.oci.referrers import referrer_descriptor, referrers_tag, subject_of
from mbuild.store.layout_index import LayoutIndex

Read = Callable[[Descriptor], Content | None]
"""Reads what an entry names; None where it is not there."""

_EMPTY = Index(media_types.OCI_INDEX, ())


class LayoutReferrers:
    """Finds referrers in both ways that tools write them: regctl by tag, oras by entry.

    The manifests that index.json names are read once: a digest always has the same subject.
    """

    def __init__(self, read: Read, *, name: str) -> None:
        self._read = read
        self._name = name
        self._known: dict[Digest, tuple[Digest | None, Descriptor]] = {}

    def list(self, index: LayoutIndex, subject: Digest) -> tuple[Descriptor, ...]:
        """List the referrers of a manifest, each once."""
        listed = (*self._tagged(index, subject).manifests, *self._named(index, subject))
        return tuple({one.digest: one for one in reversed(listed)}.values())[::-1]

    def added(
        self,
        index: LayoutIndex,
        subject: Digest,
        referrers: tuple[Descriptor, ...],
        *,
        write: Callable[[Content], None],
    ) -> LayoutIndex:
        """Give the index.json whose tag for referrers names these too, and write the tag's list."""
        held = self._tagged(index, subject)
        named = {one.digest for one in held.manifests}
        missing = tuple(one for one in referrers if one.digest not in named)
        if not missing:
            return index
        longer = to_content(replace(held, manifests=(*held.manifests, *missing)))
        write(longer)
        return index.with_tag(referrers_tag(subject), longer.descriptor())

    def _tagged(self, index: LayoutIndex, subject: Digest) -> Index:
        tag = referrers_tag(subject)
        for entry in index.find(tag):
            if content := self._read(entry):
                try:
                    return parse_index(content.raw)
                except ValueError as error:
                    raise StoreError(
                        f"the tag is kept for a list of referrers, and holds none: {error}",
                        where=f"{self._name}:{tag}",
                        hint="take the tag out of index.json, or give it another name",
                    ) from None
        return _EMPTY

    def _named(self, index: LayoutIndex, subject: Digest) -> Iterator[Descriptor]:
        for entry in index.find(""):
            if entry.digest not in self._known and (content := self._read(entry)):
                self._known[entry.digest] = _described(content)
            found, descriptor = self._known.get(entry.digest, (None, entry))
            if found == subject:
                yield descriptor


def _described(content: Content) -> tuple[Digest | None, Descriptor]:
    try:
        subject = subject_of(content)
        return (subject.digest if subject else None), referrer_descriptor(content)
    except ValueError:  # what is no manifest speaks of none
        return None, content.descriptor()
