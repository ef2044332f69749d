"""Which targets of a spec are made of what other targets of it publish."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from graphlib import CycleError, TopologicalSorter

from mbuild.oci.reference import DEFAULT_TAG, AnyReference, LocalReference
from mbuild.spec.child_tags import known_child_tags
from mbuild.spec.problems import Problems
from mbuild.spec.spec import Entry, Target

Needs = tuple[tuple[int, ...], ...]
"""For each target, by its number in the spec, the numbers of those it waits for."""

_ANY_TAG = ""


def unique_name(repository: AnyReference) -> str:
    """Give the name of a repository that is the same however it is written."""
    if isinstance(repository, LocalReference):
        return repository.normal
    return f"{repository.domain.lower()}/{repository.path}"


def find_needs(targets: Sequence[Target]) -> Needs:
    """Give for each target the targets whose tags are sources of it, in order.

    A target that names its own tag as a source reads it before it writes: that is no need. A
    layout that is named without a tag may be any of those that are written there.
    """
    makers: dict[tuple[str, str] | None, list[int]] = {}
    for number, target in enumerate(targets):
        for key in _made_by(target):
            makers.setdefault(key, []).append(number)
    return tuple(
        tuple(
            dict.fromkeys(
                maker
                for entry in target.sources
                for maker in makers.get(_asked_by(entry), ())
                if maker != number
            )
        )
        for number, target in enumerate(targets)
    )


def check_order(targets: Sequence[Target], problems: Problems) -> None:
    """Find targets that wait for one another, so that none could be the first."""
    needs = find_needs(targets)
    try:
        TopologicalSorter({number: needs[number] for number in range(len(needs))}).prepare()
    except CycleError as error:
        loop: list[int] = error.args[1][::-1]
        _tell_loop([targets[number] for number in _from_first(loop)], problems)


def _from_first(loop: list[int]) -> list[int]:
    """Turn a closed loop so that it begins and ends with the target that stands first."""
    ring = loop[:-1]
    start = ring.index(min(ring))
    return [*ring[start:], *ring[: start + 1]]


def _tell_loop(loop: list[Target], problems: Problems) -> None:
    chain = ", which is made of ".join(_name(target) for target in loop[1:])
    message = (
        f"{_name(loop[0])} is made of {chain}: none of them can be published first; "
        "take one of these sources out"
    )
    problems.add(loop[0].position, message, "circular-targets")


def _name(target: Target) -> str:
    first = next(destination for destination in target.destinations if destination.tags)
    return f"{first.repository.familiar}:{first.tags[0]}"


def _made_by(target: Target) -> Iterator[tuple[str, str]]:
    child_tags = tuple(tag for _, tag in known_child_tags(target))
    for destination in target.destinations:
        name = unique_name(destination.repository)
        yield from ((name, tag) for tag in (*destination.tags, *child_tags))
        if isinstance(destination.repository, LocalReference):
            yield name, _ANY_TAG


def _asked_by(entry: Entry) -> tuple[str, str] | None:
    reference = entry.reference
    if reference.digest:
        return None
    is_layout = isinstance(reference, LocalReference)
    return unique_name(reference), reference.tag or (_ANY_TAG if is_layout else DEFAULT_TAG)
