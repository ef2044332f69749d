"""What a repository gives for the digests of a published image, each asked for once."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Hashable
from typing import Any, TypeVar

from mbuild.errors import IntegrityError, MbuildError, NotFound
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index, parse_index
from mbuild.oci.manifest import Content, ImageManifest, parse_image_manifest
from mbuild.publish.audit.findings import Flaw
from mbuild.registry.flight import SingleFlight
from mbuild.store.store import Store

T = TypeVar("T")

Opened = Index | ImageManifest | None
"""What a manifest holds; None for one of a type that is not looked into."""

_KNOWN = media_types.INDEXES | media_types.IMAGE_MANIFESTS | media_types.SCHEMA1


class Evidence:
    """Asks one repository for parts, and remembers what it gave while references need it.

    With `deep` every blob is read and hashed; else only its size is asked for. Manifests are
    always read and hashed.
    """

    def __init__(self, store: Store, flights: SingleFlight, *, deep: bool) -> None:
        self._store = store
        self._flights = flights
        self._deep = deep
        self._known: dict[Hashable, Any] = {}

    async def manifest(self, listed: Descriptor) -> Opened | Flaw | MbuildError:
        """Fetch the manifest of an index's entry, and open it.

        Gives a Flaw where it is missing or wrong, and the error where that cannot be known.
        """
        key = (listed.digest, listed.size, listed.media_type)
        return await self._once(key, lambda: self._fetch(listed))

    async def blob(self, descriptor: Descriptor) -> Flaw | MbuildError | None:
        """Ask for a blob; None where it is there and right, else as `manifest` does."""
        key = (descriptor.digest, descriptor.size)
        return await self._once(key, lambda: self._measure(descriptor))

    async def _once(self, key: Hashable, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        async def learn() -> None:
            # Before the flight ends, or one that comes just then would find neither.
            self._known[key] = await ask()

        if key not in self._known:
            await self._flights.run((self._store, key), learn)
        result: T = self._known[key]
        return result

    async def _fetch(self, listed: Descriptor) -> Opened | Flaw | MbuildError:
        try:
            content = await self._store.fetch_manifest(str(listed.digest))
        except NotFound as error:
            return _absent(listed, error)
        except IntegrityError as error:
            return Flaw("wrong-digest", f"is damaged: {error.message}")
        except MbuildError as error:
            return error
        if content.size != listed.size:
            return _wrong_size(listed, str(content.size))
        if {content.media_type, listed.media_type} <= _KNOWN:
            return _typed(content, listed)
        return open_manifest(content)

    async def _measure(self, blob: Descriptor) -> Flaw | MbuildError | None:
        size: int | None
        try:
            if self._deep:
                size, digest = await self._store.hash_blob(blob)
            else:
                size, digest = await self._store.blob_size(blob.digest), blob.digest
        except NotFound as error:
            return _absent(blob, error)
        except MbuildError as error:
            return error
        if size is not None and size != blob.size:
            # A blob that is too large was not read to its end.
            return _wrong_size(blob, "more" if self._deep and size > blob.size else str(size))
        if digest != blob.digest:
            return Flaw("wrong-digest", f"is damaged: its bytes hash to {digest}")
        return None


def open_manifest(content: Content) -> Opened | Flaw:
    """Read what a manifest or index holds; a Flaw where it is none that a client could read."""
    if media_types.is_schema1(content.media_type):
        text = "is a Docker schema 1 manifest, which no current client reads"
        return Flaw("wrong-type", text, hint="push the image again with a current docker")
    try:
        if media_types.is_index(content.media_type):
            return parse_index(content.raw)
        if media_types.is_image_manifest(content.media_type):
            return parse_image_manifest(content.raw)
    except ValueError as error:
        return Flaw("malformed", f"is malformed: {error.args[0]}")
    return None


def _typed(content: Content, listed: Descriptor) -> Opened | Flaw:
    if content.media_type != listed.media_type:
        types = f"its descriptor says {listed.media_type}, and it is {content.media_type}"
        return Flaw("wrong-type", f"has another type: {types}")
    return open_manifest(content)


def _absent(descriptor: Descriptor, error: NotFound) -> Flaw:
    # A layout's own words begin as the part's name does, which is said already.
    words = error.message.removeprefix(f"blob {descriptor.digest} ")
    return Flaw("not-found", words if words != error.message else f"is missing: {words}")


def _wrong_size(descriptor: Descriptor, measured: str) -> Flaw:
    sizes = f"its descriptor says {descriptor.size} bytes, and it has {measured}"
    return Flaw("wrong-size", f"has another size: {sizes}")
