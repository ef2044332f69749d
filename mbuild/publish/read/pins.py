"""What the sources of a run were found to be, gathered for a lock."""

from __future__ import annotations

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import Descriptor
from mbuild.publish.read.source import Resolved, Source, told_of
from mbuild.spec.lock import Locked
from mbuild.spec.spec import Entry


class Pins:
    """Collects each source once; `errors` tell of those that cannot be pinned."""

    def __init__(self) -> None:
        self._found: dict[str, Locked] = {}
        self.errors: list[ImageMismatch] = []

    @property
    def sources(self) -> tuple[Locked, ...]:
        """Give all sources, sorted by their names."""
        return tuple(self._found[image] for image in sorted(self._found))

    def record(self, resolved: Resolved) -> None:
        """Take in what the entries of one target name."""
        for source in (it for it in resolved if not it.entry.absent):
            held = source.named if isinstance(source, Source) else None
            image = str(source.entry.reference)
            locked = self._found.setdefault(image, Locked(image, held))
            if locked.descriptor != held:
                self._tell(source.entry, locked, held)

    def _tell(self, entry: Entry, locked: Locked, held: Descriptor | None) -> None:
        """Tell of a name that is of two images.

        A tag that one target is made of before another one moves it, and one after; a layout
        without a tag, of which two platforms are taken.
        """
        names = [str(one.digest) if one else "nothing" for one in (locked.descriptor, held)]
        message = f"it names {names[0]} for one entry and {names[1]} for another"
        self.errors.append(
            ImageMismatch(
                told_of(entry, f"{message}; a lock holds one of them"),
                where=str(entry.position),
                hint="name the image by its digest in one of the two",
            )
        )
