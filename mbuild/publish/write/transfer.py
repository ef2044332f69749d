"""Transfer: bring every child of the index, with its blobs, into the targets' repositories."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import parse_index
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.oci.media_types import is_index
from mbuild.publish.read.contents import fetch_content
from mbuild.publish.read.source import Child
from mbuild.publish.together import all_together
from mbuild.publish.write.copies import Copies, Wanted
from mbuild.publish.write.receiver import Receiver
from mbuild.store.store import Store

Needs = Mapping[Receiver, Sequence[Child]]
"""What each target lacks."""


class Transfer:
    """Brings children into several targets: each child, and each blob, is read once for all.

    What goes wrong in one target is held in its receiver, and does not stop the others.
    """

    def __init__(self, receivers: Sequence[Receiver], copies: Copies) -> None:
        self._receivers = receivers
        self._copies = copies

    async def bring(self, children: Iterable[Child]) -> None:
        """Bring all children: those already there are left alone, blobs go before manifests.

        What an index lists comes before it, and is put before it. No tag is touched here.
        """
        distinct = tuple({child.descriptor.digest: child for child in children}.values())
        receivers = _sound(self._receivers)
        lacking = await all_together(receiver.lacks(distinct) for receiver in receivers)
        needs = dict(zip(receivers, lacking, strict=True))
        contents = await _load_all(needs)
        wanted = _blobs(needs, contents, self._copies.carries)
        await all_together(self._copies.bring(one) for one in wanted)
        await all_together(_put(one, needs[one], contents) for one in _sound(needs))


def _sound(receivers: Iterable[Receiver]) -> list[Receiver]:
    return [receiver for receiver in receivers if not receiver.errors]


async def _load_all(needs: Needs) -> dict[Digest, Content]:
    """Give the bytes of all children that somebody lacks, each read once."""
    lacking = {child.descriptor.digest: child for some in needs.values() for child in some}
    contents: dict[Digest, Content] = {}

    async def load(child: Child) -> None:
        try:
            contents[child.descriptor.digest] = await _load(child)
        except MbuildError as error:
            for receiver, some in needs.items():
                if child in some:
                    receiver.errors.append(error)

    await all_together(load(child) for child in lacking.values())
    return contents


async def _load(child: Child) -> Content:
    """Give a child's bytes, and fetch those that had not to be read up to now."""
    return child.content or await fetch_content(child, child.store.fetch_manifest)


def _blobs(
    needs: Needs, contents: Mapping[Digest, Content], carries: Callable[[Descriptor], bool]
) -> Iterator[Wanted]:
    """Give each blob once, with all stores that have it, and all targets that may lack it.

    What nobody carries is left where it lies; it stands in the receivers.
    """
    blobs: dict[Digest, Descriptor] = {}
    sources: dict[Digest, dict[str, Store]] = {}
    receivers: dict[Digest, dict[Receiver, None]] = {}
    for receiver in _sound(needs):
        for child in needs[receiver]:
            for blob in _blobs_of(contents[child.descriptor.digest]):
                if not carries(blob):
                    receiver.leave(blob)
                    continue
                blobs.setdefault(blob.digest, blob)
                sources.setdefault(blob.digest, {}).setdefault(child.store.name, child.store)
                receivers.setdefault(blob.digest, {})[receiver] = None
    for digest, blob in blobs.items():
        yield Wanted(blob, tuple(sources[digest].values()), tuple(receivers[digest]))


def _blobs_of(content: Content) -> tuple[Descriptor, ...]:
    return () if is_index(content.media_type) else parse_image_manifest(content.raw).blobs


async def _put(
    receiver: Receiver, children: Sequence[Child], contents: Mapping[Digest, Content]
) -> None:
    """Put the manifests: images side by side, and each index after what it lists."""
    levels: dict[Digest, int] = {}
    for child in children:
        digest = child.descriptor.digest
        listed = (levels.get(one, -1) for one in _listed(contents[digest]))
        levels[digest] = 1 + max(listed, default=-1)
    for _, level in groupby(sorted(levels, key=levels.__getitem__), key=levels.__getitem__):
        if not receiver.errors:
            await receiver.put([contents[digest] for digest in level])


def _listed(content: Content) -> Iterator[Digest]:
    if is_index(content.media_type):
        yield from (entry.digest for entry in parse_index(content.raw).manifests)
