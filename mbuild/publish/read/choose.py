"""Which entry of a source that is itself an index is the image for a platform."""

from __future__ import annotations

from dataclasses import replace

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index
from mbuild.oci.platform import Platform, normalise, satisfies


def choose_entries(index: Index, platform: Platform | None) -> tuple[Descriptor, ...]:
    """Give the entry for `platform`, or all images where no platform is said.

    An index with one image needs no platform of its own: the image's config decides.
    Raises ImageMismatch, without a place, where no entry or more than one would do.
    """
    images = index.images
    if not images:
        raise ImageMismatch("it is an index without an image in it", hint="build it again")
    if platform is None:
        return images
    if len(images) == 1 and images[0].platform is None:
        return images
    fitting = [entry for entry in images if entry.platform and satisfies(entry.platform, platform)]
    if not fitting:
        raise ImageMismatch(
            f"it is an index without {platform}; it holds {_names(images)}",
            hint="name another platform or another image",
        )
    if len({_told_apart_by(entry) for entry in fitting}) > 1:
        raise ImageMismatch(
            f"it is an index with several images for {platform}: {_names(tuple(fitting))}",
            hint="say which with os.version, or name the image by its digest",
        )
    return (fitting[0],)


def _told_apart_by(entry: Descriptor) -> Platform | None:
    return entry.platform and normalise(replace(entry.platform, os_features=()))


def _names(entries: tuple[Descriptor, ...]) -> str:
    return ", ".join(str(entry.platform or "an entry without platform") for entry in entries)
