"""Signatures: whether a tag of cosign's may be written over, so that none is ever lost."""

from __future__ import annotations

from typing import Literal

from mbuild.oci.manifest import Content, ImageManifest, parse_image_manifest

Verdict = Literal["holds", "grows", "differs"]


def compare_signatures(ours: Content, held: Content) -> Verdict:
    """Compare what a tag would hold with what it holds.

    A signature is a layer, told from others by its annotations as well: all those made of one
    image have the same bytes. `holds`: the tag has all of ours. `grows`: we have all of its.
    `differs`: each has some that the other lacks, or one of them is nothing like that.
    """
    try:
        mine, theirs = _layers(ours), _layers(held)
    except ValueError:
        return "differs"
    if mine <= theirs:
        return "holds"
    return "grows" if theirs < mine else "differs"


def _layers(content: Content) -> frozenset[object]:
    manifest: ImageManifest = parse_image_manifest(content.raw)
    return frozenset(manifest.layers)
