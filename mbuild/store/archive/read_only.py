"""What a store that is only read says to everything else."""

from __future__ import annotations

from mbuild.errors import StoreError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import Content
from mbuild.registry.source import OpenSource
from mbuild.store.on_disk import OnDisk


class ReadOnly(OnDisk):
    """The half of a `Store` that writes, of one that takes nothing; it is in no cache."""

    def __init__(self, name: str, path: str) -> None:
        self._name = name
        self._path = path

    @property
    def name(self) -> str:
        """Give the name, as people write it."""
        return self._name

    @property
    def place(self) -> str:
        """Give the name: nothing can be mounted from here to elsewhere."""
        return self._name

    @property
    def path(self) -> str:
        """Give the path on the disk."""
        return self._path

    @property
    def keeps_whole(self) -> bool:
        """Give False: it may lack what its manifests name."""
        return False

    @property
    def takes_tags(self) -> bool | None:
        """Give False."""
        return False

    async def put_manifest(self, _reference: str, _content: Content) -> None:
        """Refuse it."""
        raise self._refusal()

    async def put_tagged(self, _content: Content, _tags: tuple[str, ...]) -> frozenset[str]:
        """Refuse it."""
        raise self._refusal()

    async def put_referrer(self, _subject: Digest, _content: Content) -> bool:
        """Refuse it."""
        raise self._refusal()

    async def add_referrers(self, _subject: Digest, _referrers: tuple[Descriptor, ...]) -> None:
        """Refuse it."""
        raise self._refusal()

    async def delete_tag(self, _tag: str) -> bool:
        """Give False."""
        return False

    async def upload_blob(self, _descriptor: Descriptor, _open_source: OpenSource) -> None:
        """Refuse it."""
        raise self._refusal()

    def _refusal(self) -> StoreError:
        return StoreError("it is only read, and cannot be written to", where=self._name)
