"""What all stores on this disk have in common."""

from __future__ import annotations

from mbuild.oci.digest import Digest


class OnDisk:
    """The part of `Store` that a place on the disk answers by being one."""

    def saw(self, _digest: Digest) -> bool:
        """Give False: it is looked into each time."""
        return False

    def knows(self, _reference: str) -> bool:
        """Give False: what lies there is in no cache."""
        return False

    async def mount_blob(self, _digest: Digest, _source_path: str) -> bool:
        """Give False: places on a disk share no blobs."""
        return False
