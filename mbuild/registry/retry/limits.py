"""What a registry's rate-limit headers say is left, and when that is worth a word."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from mbuild.registry.observer import Observer

SCARCE_SHARE = 0.1
SCARCE_COUNT = 5
"""Little is left when it is this share of the limit, or this many requests, or less."""

SHORTEST_WINDOW = 60
"""A limit over fewer seconds than this comes back by itself, and is not told of."""


@dataclass(frozen=True, slots=True)
class Quota:
    """A limit on requests: how many there are in a window of seconds (0: unknown), and are left."""

    limit: int
    remaining: int
    window: int = 0

    @property
    def is_scarce(self) -> bool:
        """Tell whether little is left, of a window that lasts."""
        is_lasting = not 0 < self.window < SHORTEST_WINDOW
        return is_lasting and self.remaining <= max(SCARCE_COUNT, SCARCE_SHARE * self.limit)

    def describe(self, noun: str) -> str:
        """Say it as `9 of 100 pulls left in this 6 h window`."""
        window = f" in this {_span(self.window)} window" if self.window else ""
        return f"{self.remaining} of {self.limit} {noun} left{window}"


def has_limits(headers: Mapping[str, str]) -> bool:
    """Tell whether an answer says anything of limits."""
    return "ratelimit-remaining" in headers or "ratelimit" in headers


def parse_quotas(headers: Mapping[str, str]) -> tuple[Quota, ...]:
    """Read the RateLimit headers, whose names are lower case; what is unreadable is left out.

    Docker Hub's form (`ratelimit-remaining: 12;w=21600`) and those of the drafts for
    "RateLimit header fields for HTTP" (httpapi-ratelimit-headers) are known.
    """
    limits = _items(headers.get("ratelimit-limit", ""))
    remaining = _items(headers.get("ratelimit-remaining", ""))
    policies = {item.name: item for item in _items(headers.get("ratelimit-policy", ""))}
    states = _items(headers.get("ratelimit", ""))
    return (
        *(quota for item in remaining for quota in _by_window(item, limits)),
        *(quota for item in states for quota in _by_policy(item, policies)),
        *_in_one(states),
    )


class LimitWatch:
    """Tells of a host's limits when little is left, and again when that has halved."""

    def __init__(self, host: str, *, noun: str, observer: Observer) -> None:
        self._host = host
        self._noun = noun
        self._observer = observer
        self._told: float = float("inf")

    def note(self, headers: Mapping[str, str]) -> None:
        """Read the headers of an answer."""
        scarce = [quota for quota in parse_quotas(headers) if quota.is_scarce]
        least = min(scarce, key=lambda quota: quota.remaining, default=None)
        if least is not None and least.remaining <= self._told / 2 and self._told > 0:
            self._told = least.remaining
            self._observer.on_warning(f"{self._host}: {least.describe(self._noun)}")


@dataclass(frozen=True, slots=True)
class _Item:
    """One item, `name;key=value;key=value`, without the values that are no numbers."""

    name: str
    values: Mapping[str, int]

    @property
    def number(self) -> int | None:
        """Give the name as the number it is."""
        return _number(self.name)


def _items(text: str) -> tuple[_Item, ...]:
    """Split at commas, then at semicolons; an item that begins with `key=` has no name."""
    return tuple(_item(part.split(";")) for part in text.split(",") if part.strip())


def _item(parts: list[str]) -> _Item:
    pairs = [part.partition("=") for part in parts]
    has_name = not pairs[0][1]
    values = {
        key.strip().lower(): number
        for key, _, text in (pairs[1:] if has_name else pairs)
        if (number := _number(text)) is not None
    }
    return _Item(parts[0].strip() if has_name else "", values)


def _number(text: str) -> int | None:
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text := text.strip()) else None


def _by_window(left: _Item, limits: tuple[_Item, ...]) -> Iterator[Quota]:
    """`100;w=21600` and `12;w=21600`, or `100, 100;w=60` and `12`."""
    window = left.values.get("w", 0)
    fitting = [one for one in limits if one.values.get("w", 0) == window] or list(limits)
    limit = fitting[0].number if fitting else None
    if limit and left.number is not None:
        said = (one.values.get("w", 0) for one in limits if one.number == limit)
        yield Quota(limit, left.number, window or max(said))


def _by_policy(state: _Item, policies: Mapping[str, _Item]) -> Iterator[Quota]:
    """`"default";r=50;t=30` and `"default";q=100;w=60`."""
    policy = policies.get(state.name)
    if policy and (limit := policy.values.get("q")) and "r" in state.values:
        yield Quota(limit, state.values["r"], policy.values.get("w", 0))


def _in_one(states: tuple[_Item, ...]) -> Iterator[Quota]:
    """`limit=100, remaining=50, reset=5`."""
    values = {key: value for item in states for key, value in item.values.items()}
    if (limit := values.get("limit")) and "remaining" in values:
        yield Quota(limit, values["remaining"])


def _span(seconds: int) -> str:
    for size, unit in ((3600, "h"), (60, "min")):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
