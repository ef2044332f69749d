"""What `lock` says: how much is pinned, and a document with all of it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from mbuild.errors import MbuildError
from mbuild.report.document import VERSION, Effort
from mbuild.report.errors import error_objects
from mbuild.report.text import count
from mbuild.spec.lock import Locked, lock_object


def lock_lines(file: str, sources: Sequence[Locked], *, quiet: bool) -> Iterator[str]:
    """Give one line that counts the sources; `quiet`, `IMAGE@DIGEST` of each that exists."""
    pinned = [(one.image, one.descriptor) for one in sources if one.descriptor]
    if quiet:
        for image, held in pinned:
            yield f"{image.partition('@')[0]}@{held.digest}"
        return
    line = f"{file}: {count(len(pinned), 'source')} pinned"
    absent = len(sources) - len(pinned)
    yield f"{line}, {absent:,} noted as absent" if absent else line


def make_lock_document(
    sources: Iterable[Locked], effort: Effort, *, errors: Iterable[MbuildError]
) -> dict[str, Any]:
    """Make the JSON document: what the lock file says, what the run took, and the errors."""
    told = error_objects(errors)
    return {
        "version": VERSION,
        "ok": not told,
        "seconds": round(effort.seconds, 3),
        "requests": effort.requests,
        "retries": effort.retries,
        "sources": lock_object(sources)["sources"],
        "errors": told,
    }
