"""The metadata file: buildx's keys, so that what reads its `--metadata-file` reads ours."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from mbuild.oci.descriptor import to_oci_dict
from mbuild.publish.outcome import Outcome
from mbuild.spec.metadata import DESCRIPTOR, DIGEST, NAME

_KEYS = (DESCRIPTOR, DIGEST, NAME)


def make_metadata(outcomes: Iterable[Outcome], held: Mapping[str, Any]) -> dict[str, Any]:
    """Make the metadata of a run: one target's keys, or of several a map by target.

    `image.name` is every reference the index was published under, joined by commas. A
    target that failed has no metadata. What the file `held` before stays, but for these keys:
    of a target that failed they are taken out, so that no older run speaks for this one.
    """
    targets: dict[str, list[Outcome]] = {}
    for outcome in outcomes:
        targets.setdefault(outcome.target, []).append(outcome)
    if len(targets) == 1:
        return _merged(held, _metadata(*targets.values()))
    by_target = {name: _merged(held.get(name), _metadata(group)) for name, group in targets.items()}
    others = {name: value for name, value in held.items() if name not in by_target}
    return others | {name: value for name, value in by_target.items() if value}


def _merged(held: object, metadata: Mapping[str, Any]) -> dict[str, Any]:
    before = held if isinstance(held, Mapping) else {}
    others = {key: value for key, value in before.items() if key not in _KEYS}
    return others | dict(metadata)


def _metadata(group: list[Outcome]) -> dict[str, Any]:
    """Give the keys of one target, none where it was not published in all its repositories."""
    is_whole = all(outcome.is_published or outcome.is_held_back for outcome in group)
    if not is_whole or not any(outcome.is_published for outcome in group):
        return {}
    index = group[0].index
    names = [
        f"{outcome.image}:{tag.tag}" for outcome in group for tag in outcome.tags if not tag.reason
    ]
    return {
        DESCRIPTOR: to_oci_dict(index) if index else None,
        DIGEST: str(index.digest) if index else None,
        NAME: ",".join(names),
    }
