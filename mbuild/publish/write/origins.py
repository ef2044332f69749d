"""Where the bytes of a blob are read: in memory, in its source, or at a URL that it has."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from mbuild.errors import MbuildError, NotFound, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.media_types import is_foreign_layer
from mbuild.publish.write.local_source import LocalSource
from mbuild.registry.source import Checked, CheckedSource
from mbuild.store.store import Store

Recall = Callable[[Store, Descriptor], bytes | None]
Stream = AbstractAsyncContextManager[AsyncIterator[bytes]]


@dataclass(frozen=True, slots=True)
class Origins:
    """Where a run gets the bytes of blobs from.

    `recall` gives the bytes of what was read already, and is not asked for again. `elsewhere`
    opens the foreign layers that their sources do not have, from an offset on; without it
    foreign layers are not read at all.
    """

    recall: Recall = lambda _store, _blob: None
    elsewhere: Callable[[Descriptor, int], Stream] | None = None

    def carries(self, blob: Descriptor) -> bool:
        """Tell whether a blob of an image is brought along; a foreign layer may be left."""
        return self.elsewhere is not None or not is_foreign_layer(blob.media_type)

    async def finds(self, blob: Descriptor, source: Store) -> bool:
        """Tell whether a blob will be found; one without URLs is taken to be in its source."""
        if not blob.urls or self.elsewhere:
            return True
        try:
            return await source.has_blob(blob)
        except MbuildError:  # reading the blob will tell what is wrong
            return True

    def source(self, blob: Descriptor, store: Store) -> Checked:
        """Give a store's blob as a source of bytes that are checked."""

        @asynccontextmanager
        async def open_source(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
            held = self.recall(store, blob)
            if held is not None:
                yield _once(held[offset:])
                return
            streams = [store.open_blob(blob, offset)]
            if blob.urls and self.elsewhere:
                streams.append(self.elsewhere(blob, offset))
            async with AsyncExitStack() as stack:
                yield await _enter(stack, streams)

        source = CheckedSource(blob, open_source, where=f"{store.name}@{blob.digest}")
        return source if store.keeps_whole else LocalSource(source)


async def _once(content: bytes) -> AsyncIterator[bytes]:
    if content:
        yield content


async def _enter(stack: AsyncExitStack, streams: Sequence[Stream]) -> AsyncIterator[bytes]:
    """Enter the first of several streams that is there."""
    first, *others = streams
    try:
        return await stack.enter_async_context(first)
    except NotFound as error:
        if others:
            return await _enter(stack, others)
        raise SourceError(
            f"a blob of the image does not exist: {error.message}",
            where=error.where,
            hint="build and push the image again",
        ) from error
