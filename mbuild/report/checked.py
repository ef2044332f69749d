"""What `check` says of a spec that is right."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from mbuild.report.document import VERSION
from mbuild.report.text import count
from mbuild.spec.spec import Target


def check_lines(targets: Iterable[Target]) -> Iterator[str]:
    """Give a line a target: how many images go where, and where that is written."""
    for target in targets:
        images = count(len(target.entries), "image")
        yield f"ok: {images} for {' '.join(_names(target))} ({target.position})"


def make_check_document(targets: Iterable[Target]) -> dict[str, Any]:
    """Make the JSON document: each target's names, its sources, and its place in the spec."""
    return {
        "version": VERSION,
        "ok": True,
        "targets": [
            {
                "names": _names(target),
                "images": [str(entry.reference) for entry in target.entries],
                "where": str(target.position),
            }
            for target in targets
        ],
    }


def _names(target: Target) -> list[str]:
    return [
        f"{destination.repository.familiar}:{tag}"
        for destination in target.destinations
        for tag in destination.tags
    ]
