"""Which entry of a source that is itself an index is the image for a platform."""

from __future__ import annotations

from dataclasses import replace

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.index import Index, is_surely_no_image
from mbuild.oci.platform import Platform, normalise, satisfies


def choose_entry(index: Index, platform: Platform, *, is_zstd: bool = False) -> Descriptor:
    """Give the entry for `platform`; of two that differ in compression, the zstd one if asked.

    An index with one image needs no platform of its own: the image's config decides.
    Raises ImageMismatch, without a place, where no entry or more than one would do.
    """
    # What is listed as an artifact may be an image all the same, where no other entry is one.
    sure = tuple(entry for entry in index.images if not is_surely_no_image(entry))
    images = sure or index.images
    if not images:
        raise make_no_image()
    if len(images) == 1 and images[0].platform is None:
        return images[0]
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
    return next((entry for entry in fitting if entry.is_zstd == is_zstd), fitting[0])


def make_no_image() -> ImageMismatch:
    """Give the error for an index in which nothing is an image."""
    return ImageMismatch("it is an index without an image in it", hint="build it again")


def _told_apart_by(entry: Descriptor) -> Platform | None:
    return entry.platform and normalise(replace(entry.platform, os_features=()))


def _names(entries: tuple[Descriptor, ...]) -> str:
    return ", ".join(str(entry.platform or "an entry without platform") for entry in entries)
