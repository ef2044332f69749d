"""A spec held to a lock: every source is taken as it was when the lock was made."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from mbuild.errors import Problem, SpecError
from mbuild.spec.lock import Lock, Locked
from mbuild.spec.spec import Entry, Pin, Position, Spec, Target


def freeze(spec: Spec, lock: Lock, *, chosen: Spec) -> Spec:
    """Give the chosen targets of a spec with every source pinned.

    Raises SpecError with each source of theirs that the lock lacks, or knew as absent where
    it is required now, and with each source of the lock that the whole spec names nowhere.
    """
    locked = {source.image: source for source in lock.sources}
    problems = (*_unlocked(chosen.targets, locked, lock.name), *_unused(spec.targets, lock))
    if problems:
        raise SpecError(problems)
    return Spec(tuple(_pinned(target, locked) for target in chosen.targets))


def _pinned(target: Target, locked: Mapping[str, Locked]) -> Target:
    base = target.base and _pinned_entry(target.base, locked)
    entries = tuple(_pinned_entry(entry, locked) for entry in target.entries)
    return replace(target, entries=entries, base=base)


def _pinned_entry(entry: Entry, locked: Mapping[str, Locked]) -> Entry:
    if entry.absent:  # nothing has named an image, so a lock has none
        return entry
    return replace(entry, pin=Pin(locked[str(entry.reference)].descriptor))


def _unlocked(
    targets: Sequence[Target], locked: Mapping[str, Locked], name: str
) -> Iterator[Problem]:
    for entry in _entries(targets):
        found = locked.get(str(entry.reference))
        if found is None:
            message = f"{entry.reference} is not in {name}; lock again, with this spec"
            yield _problem(entry.position, message, "not-locked")
        elif found.descriptor is None and not entry.optional:
            message = (
                f"{entry.reference} did not exist when {name} was made, and is not optional; "
                "lock again"
            )
            yield _problem(entry.position, message, "locked-absent")


def _unused(targets: Sequence[Target], lock: Lock) -> Iterator[Problem]:
    if any(target.faults for target in targets):  # what these name is not known
        return
    named = {str(entry.reference) for entry in _entries(targets)}
    for source in lock.sources:
        if source.image not in named:
            message = f"{source.image} is locked, and the spec names it nowhere; lock again"
            yield _problem(source.position, message, "locked-in-vain")


def _entries(targets: Sequence[Target]) -> Iterator[Entry]:
    return (entry for target in targets for entry in target.sources if not entry.absent)


def _problem(position: Position, message: str, code: str) -> Problem:
    return Problem(position.file, position.line, position.column, message, code)
