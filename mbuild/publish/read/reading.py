"""What the entries of a target are read with, and what is asked of every image that is read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from mbuild.errors import NotFound, SourceError
from mbuild.oci.manifest import Content
from mbuild.oci.platform import Platform
from mbuild.publish.read.library import Library
from mbuild.publish.read.parsing import parse_child, platform_in
from mbuild.publish.read.patience import Patience
from mbuild.publish.read.present import Presence
from mbuild.store.store import Store


@dataclass(frozen=True, slots=True)
class Reading:
    """What the entries of a target are read with; without `patience` none is waited for.

    `leave` is called before one is waited for. With `rereads` images are read that the target
    has already, too.
    """

    library: Library
    presence: Presence
    patience: Patience | None = None
    leave: Callable[[], None] = lambda: None
    rereads: bool = False

    async def may_be_there(self, store: Store, reference: str) -> bool:
        """Tell whether it is worth looking into what the target holds before reading.

        What the cache knows is cheaper still, and is not looked for there.
        """
        if self.rereads or not store.keeps_whole or store.knows(reference):
            return False
        return await self.presence.is_published()

    async def platform(self, store: Store, content: Content) -> Platform:
        """Read the platform of an image from its config."""
        manifest = parse_child(content)
        try:
            raw = await self.library.blob(store, manifest.config, of=content.digest)
        except NotFound as error:
            raise SourceError(
                f"its config {manifest.config.digest} does not exist", hint="push it again"
            ) from error
        return platform_in(raw)
