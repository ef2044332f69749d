"""What `check` says of a spec that is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mbuild.report.document import VERSION
from mbuild.report.text import count
from mbuild.spec.spec import Digests, Metadata, Record, Target


def check_lines(targets: Iterable[Target]) -> Iterator[str]:
    """Give a line a target: how many images go where, and where that is written."""
    for target in targets:
        yield f"ok: {_images(target)} for {' '.join(_names(target))} ({target.position})"


def make_check_document(targets: Iterable[Target]) -> dict[str, Any]:
    """Make the JSON document: each target's names, its sources, and its place in the spec."""
    return {
        "version": VERSION,
        "ok": True,
        "targets": [
            {
                "names": _names(target),
                "base": str(target.base.reference) if target.base else None,
                "images": [str(entry.reference) for entry in target.entries],
                "metadata": [it.file for it in _records(target) if isinstance(it, Metadata)],
                "digests": [it.folder for it in _records(target) if isinstance(it, Digests)],
                "where": str(target.position),
            }
            for target in targets
        ],
    }


def _images(target: Target) -> str:
    """Say how many images there are, and how many places on disk name more of them."""
    images = count(len(target.entries), "image")
    if target.base:
        images = f"a base and {images}" if target.entries else "a base"
    if not target.records:
        return images
    return f"{images}, and what {count(len(target.records), 'record')} of builds name,"


def _records(target: Target) -> Iterator[Record]:
    return (record for _, record in target.records)


def _names(target: Target) -> list[str]:
    return [
        f"{destination.repository.familiar}:{tag}"
        for destination in target.destinations
        for tag in destination.tags
    ]
