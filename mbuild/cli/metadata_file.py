"""The metadata file of a run: looked at before it, merged with what it holds after it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mbuild.cli.files import check_result_file, write_result_file
from mbuild.errors import StoreError, UsageError
from mbuild.oci.fields import parse_object
from mbuild.publish.outcome import Outcome
from mbuild.report.document import to_json
from mbuild.report.metadata import make_metadata
from mbuild.store.files import explain_disk_errors, hold_folder

MOST_BYTES = 16 * 1024 * 1024
"""What is larger was not written by a build, and is not held in memory."""

OPTION = "--metadata-file"


@dataclass(frozen=True, slots=True)
class MetadataFile:
    """A file that may hold what a build, or another run, has written there."""

    file: str

    def check(self) -> None:
        """Raise UsageError where it cannot be written, or holds what would be lost."""
        check_result_file(OPTION, self.file)
        try:
            self._held()
        except ValueError as error:
            raise UsageError(
                f"{OPTION} {self.file!r} exists and cannot be merged with: {error}",
                hint="name another file, or delete this one",
            ) from error
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise UsageError(
                f"{OPTION} {self.file!r} exists and cannot be read: {reason}",
                hint="name another file, or delete this one",
            ) from error

    def write(self, outcomes: Iterable[Outcome]) -> None:
        """Write what became of a run's targets beside what the file holds; raises StoreError.

        Runs that end at the same time write one after another, and lose nothing of each other.
        """
        with explain_disk_errors(Path(self.file)), self._alone():
            try:
                held = self._held()
            except ValueError as error:
                raise StoreError(
                    f"{OPTION} {self.file!r} was changed meanwhile, and is not written: {error}",
                    hint="let no other program write to this file",
                ) from error
            write_result_file(self.file, to_json(make_metadata(outcomes, held)).encode())

    def _alone(self) -> AbstractContextManager[None]:
        path = Path(self.file)
        is_special = path.exists() and not path.is_file()  # a pipe is not merged with
        return nullcontext() if is_special else hold_folder(path.resolve().parent)

    def _held(self) -> Mapping[str, Any]:
        """Give what the file holds; ValueError where that is no JSON object, or too large."""
        path = Path(self.file)
        if not path.is_file():  # a pipe or a device holds nothing
            return {}
        with path.open("rb") as stream:
            content = stream.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise ValueError(f"it is larger than {MOST_BYTES // 1024**2} MiB")
        held = parse_object(content) if content.strip() else {}
        _check_writable(held)
        return held


def _check_writable(held: Mapping[str, Any]) -> None:
    """Raise ValueError for what could be read, and not be written again: 1e999 for one."""
    try:
        json.dumps(held, indent=2, allow_nan=False)
    except (ValueError, RecursionError):
        raise ValueError("a value in it cannot be written again as it is") from None
