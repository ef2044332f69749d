"""The entries that files name: what builds have noted is read, and becomes entries."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Protocol

from mbuild.errors import MbuildError, SourceError, SourceNotFound
from mbuild.oci.digest import parse_digest
from mbuild.oci.reference import AnyReference
from mbuild.spec.metadata import read_metadata
from mbuild.spec.problems import LONGEST_MESSAGE, show
from mbuild.spec.spec import Digests, Entry, Metadata, Position, Record, Spec, Target

MOST_BYTES = 16 * 1024 * 1024
"""No metadata file is larger; one with provenance of a large build has some megabytes."""

MOST_FILES = 1000
"""No glob and no folder of digests has more files."""

_DIGEST_NAME = re.compile(r"(?:sha256[:-])?([0-9a-f]{64})")


class Files(Protocol):
    """The disk, as far as it is read here; its methods raise OSError."""

    def read(self, file: str, most: int) -> bytes:
        """Give the first bytes of a file, `most` of them at most."""

    def match(self, pattern: str, most: int) -> Sequence[str]:
        """Give the files that a glob matches, `most` of them at most."""

    def names(self, folder: str, most: int) -> Sequence[str]:
        """Give the names in a folder, `most` of them at most; that of a folder ends with `/`."""


def fill_in(spec: Spec, files: Files) -> Spec:
    """Give the spec with every record read; what could not be had are its target's faults.

    They are SourceErrors; that a file does not exist is none where the spec says `optional`.
    """
    return Spec(tuple(_filled(target, files) for target in spec.targets))


def _filled(target: Target, files: Files) -> Target:
    if not target.records:
        return target
    entries: list[Entry] = []
    faults: list[MbuildError] = []
    done = 0
    for number, record in target.records:
        entries += target.entries[done:number]
        done = number
        for found in _read(record, files, home=target.destinations[0].repository):
            if isinstance(found, Entry):
                entries.append(found)
            else:
                faults.append(found)
    entries += target.entries[done:]
    return replace(target, entries=tuple(entries), records=(), faults=tuple(faults))


def _read(record: Record, files: Files, home: AnyReference) -> Iterator[Entry | SourceError]:
    if isinstance(record, Digests):
        yield from _read_folder(record, files)
    elif record.is_glob:
        yield from _read_all(record, files, home)
    else:
        yield _read_file(record, files, home)


def _read_all(
    metadata: Metadata, files: Files, home: AnyReference
) -> Iterator[Entry | SourceError]:
    """Read every file that a glob matches, sorted by name."""
    names = files.match(metadata.file, MOST_FILES + 1)
    if len(names) > MOST_FILES:
        yield _error(metadata.position, f"{metadata.file}: more than {MOST_FILES:,} files match")
    elif names:
        for name in sorted(names):
            yield _read_file(replace(metadata, file=name), files, home)
    else:
        yield _absent(metadata, "no file matches", home)


def _read_file(metadata: Metadata, files: Files, home: AnyReference) -> Entry | SourceError:
    """Read one metadata file."""
    file = metadata.file
    try:
        content = _bounded(files.read(file, MOST_BYTES + 1))
        found = read_metadata(content, metadata.target, metadata.repository)
    except FileNotFoundError:
        return _absent(metadata, "no such file", home)
    except OSError as error:
        return _error(metadata.position, f"{file}: cannot be read: {_reason(error)}")
    except ValueError as error:
        return _error(metadata.position, f"{file}: {error}")
    return _entry(metadata, found)


def _bounded(content: bytes) -> bytes:
    if len(content) > MOST_BYTES:
        raise ValueError(f"it is larger than {MOST_BYTES // 1024**2} MiB: no metadata file is")
    return content


def _absent(metadata: Metadata, reason: str, home: AnyReference) -> Entry | SourceError:
    """Give an entry that will be skipped, or the error where it is not optional."""
    if metadata.optional:
        return replace(_entry(metadata, metadata.repository or home), absent=metadata.file)
    return SourceNotFound(
        f"{metadata.file}: {reason}",
        where=str(metadata.position),
        hint="let the build write it first: docker buildx build --push --metadata-file",
    )


def _entry(metadata: Metadata, reference: AnyReference) -> Entry:
    return Entry(
        reference,
        metadata.position,
        platform=metadata.platform,
        annotations=metadata.annotations,
        optional=metadata.optional,
        trust=metadata.trust,
    )


def _read_folder(digests: Digests, files: Files) -> Iterator[Entry | SourceError]:
    """Read a folder of digests."""
    folder, place = digests.folder, digests.position
    try:
        names = files.names(folder, MOST_FILES + 1)
    except FileNotFoundError:
        text = f"{folder}: no such folder"
        yield SourceNotFound(
            text, where=str(place), hint="let the builds leave their digests first"
        )
    except OSError as error:
        yield _error(place, f"{folder}: cannot be read: {_reason(error)}")
    else:
        yield from _of_names(digests, names)


def _of_names(digests: Digests, names: Sequence[str]) -> Iterator[Entry | SourceError]:
    """Give an entry for each digest, sorted; a name that is no digest is an error."""
    folder, place = digests.folder, digests.position
    if len(names) > MOST_FILES:
        yield _error(place, f"{folder}: more than {MOST_FILES:,} files are in it")
        return
    if not names:
        text = f"{folder}: no build has left a digest in it"
        yield SourceNotFound(text, where=str(place), hint="see whether every build came to its end")
    found = {name: _DIGEST_NAME.fullmatch(name) for name in names}
    yield from (_misplaced(digests, name) for name in sorted(names) if not found[name])
    for encoded in sorted({it[1] for it in found.values() if it}):
        digest = parse_digest(f"sha256:{encoded}")
        yield Entry(replace(digests.repository, tag="", digest=digest), place)


def _misplaced(digests: Digests, name: str) -> SourceError:
    if name.endswith("/"):
        text = (
            f"{digests.folder}: {show(name[:-1])} is a folder; only files named by a digest may be"
        )
        hint = "put all of them into one folder; download-artifact does with merge-multiple: true"
    else:
        text = f"{digests.folder}: {show(name)} is no digest: a name has 64 hex digits"
        hint = "take it out of the folder"
    return SourceError(text, where=str(digests.position), hint=hint)


def _error(place: Position, text: str) -> SourceError:
    shown = f"{text[:LONGEST_MESSAGE]}…" if len(text) > LONGEST_MESSAGE else text
    return SourceError(shown, where=str(place))


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
