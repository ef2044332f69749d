"""Which targets of a spec a run is about: those of some names, or a machine's share of them."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from fnmatch import fnmatchcase

from mbuild.errors import UsageError
from mbuild.spec.dependencies import find_needs, unique_name
from mbuild.spec.problems import show
from mbuild.spec.spec import Spec, Target

MOST_CLOSE = 3
"""So many names are shown to somebody who mistyped one."""

_SHARD = re.compile(r"([0-9]{1,9})/([0-9]{1,9})")


@dataclass(frozen=True, slots=True)
class Shard:
    """One of `count` shares of the targets, `number` from 1."""

    number: int
    count: int


def parse_shard(text: str) -> Shard:
    """Parse `I/N`; raises UsageError for anything but a share from 1 to N."""
    found = _SHARD.fullmatch(text)
    shard = Shard(int(found[1]), int(found[2])) if found else Shard(0, 0)
    if not 1 <= shard.number <= shard.count:
        raise UsageError(
            f"--shard {show(text)} is not I/N with I from 1 to N",
            hint="the second of three machines has --shard 2/3",
        )
    return shard


def select(spec: Spec, *, only: Sequence[str] = (), shard: Shard | None = None) -> Spec:
    """Give the spec with the targets that a pattern of `only` names and that are in the shard.

    Without patterns all are named. Raises UsageError for a pattern that names none.
    """
    named = _named(spec.targets, only) if only else spec.targets
    if shard is None:
        return Spec(named)
    homes = find_shards(spec.targets, shard.count)
    chosen = {id(target) for target, home in homes if home == shard.number}
    return Spec(tuple(target for target in named if id(target) in chosen))


def find_shards(targets: Sequence[Target], count: int) -> Iterator[tuple[Target, int]]:
    """Give each target with the number of its shard, which other targets do not change.

    Only targets that are made of one another stand together, where the first of them by
    name stands.
    """
    keys = [_key(target) for target in targets]
    groups = list(range(len(targets)))

    def first_of(number: int) -> int:
        while groups[number] != number:
            groups[number] = number = groups[groups[number]]
        return number

    for number, needs in enumerate(find_needs(targets)):
        for need in needs:
            one, other = sorted((first_of(number), first_of(need)), key=keys.__getitem__)
            groups[other] = one
    for number, target in enumerate(targets):
        yield target, _share(keys[first_of(number)], count)


def _share(key: str, count: int) -> int:
    return int(hashlib.sha256(key.encode()).hexdigest(), 16) % count + 1


def _key(target: Target) -> str:
    first = target.destinations[0]
    return f"{unique_name(first.repository)}:{first.tags[0]}"


def _named(targets: Sequence[Target], patterns: Sequence[str]) -> tuple[Target, ...]:
    names = [tuple(dict.fromkeys(_names(target))) for target in targets]
    for pattern in patterns:
        if not any(_is_match(pattern, own) for own in names):
            raise UsageError(
                f"--only {show(pattern)} names no target of the spec",
                hint=_close_names(pattern, [name for own in names for name in own]),
            )
    return tuple(
        target
        for target, own in zip(targets, names, strict=True)
        if any(_is_match(pattern, own) for pattern in patterns)
    )


def _is_match(pattern: str, names: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for name in names)


def _names(target: Target) -> Iterator[str]:
    """Give all names of a target: its repositories, and each with each tag, short and in full."""
    for destination in target.destinations:
        for name in (destination.repository.familiar, destination.repository.repository):
            yield name
            yield from (f"{name}:{tag}" for tag in destination.tags)


def _close_names(pattern: str, names: Sequence[str]) -> str:
    close = get_close_matches(pattern, names, n=MOST_CLOSE, cutoff=0.6)
    if close:
        return f"near to it: {', '.join(close)}"
    return f"a name is like {names[0]}, or {names[0]}:TAG; * stands for anything, / too"
