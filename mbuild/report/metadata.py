"""The metadata file: buildx's keys, so that what reads its `--metadata-file` reads ours."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from mbuild.oci.descriptor import to_oci_dict
from mbuild.publish.outcome import Outcome


def make_metadata(outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """Make the metadata of a run: one target's keys, or of several a map by target.

    `image.name` is every reference the index was published under, joined by commas. A
    target that failed has no metadata.
    """
    targets: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        targets.setdefault(outcome.target, []).append(outcome)
    published = {
        name: _metadata(group)
        for name, group in targets.items()
        if all(outcome.is_published or outcome.is_held_back for outcome in group)
        and any(outcome.is_published for outcome in group)
    }
    if len(targets) == 1:
        return next(iter(published.values()), {})
    return published


def _metadata(group: list[Outcome]) -> dict[str, Any]:
    index = group[0].index
    names = [
        f"{outcome.image}:{tag.tag}" for outcome in group for tag in outcome.tags if not tag.reason
    ]
    return {
        "containerimage.descriptor": to_oci_dict(index) if index else None,
        "containerimage.digest": str(index.digest) if index else None,
        "image.name": ",".join(names),
    }
