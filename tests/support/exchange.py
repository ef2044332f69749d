"""Requests and answers as values, and the log in which a server writes them down."""

import threading
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import accumulate
from urllib.parse import parse_qs


@dataclass(frozen=True, slots=True)
class Request:
    """One request as a server sees it; header names are lower case, `path` has no query."""

    method: str
    path: str
    query: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    origin: str = "http://registry.test"
    connection: int = 0
    target: str = ""

    @property
    def is_cut(self) -> bool:
        """Tell whether fewer bytes arrived than the request's length promised."""
        return len(self.body) < int(self.headers.get("content-length", 0))

    def values(self, name: str) -> list[str]:
        """Every value that the query of `target` gives to a name, in order."""
        return parse_qs(self.target.partition("?")[2]).get(name, [])

    def with_(self, method: str, path: str = "") -> "Request":
        """Give the same request by another method, and perhaps of another path."""
        return replace(self, method=method, path=path or self.path)


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer; `delay` is waited out first, `cut` ends the body early, `lost` sends nothing."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    cut: int | None = None
    lost: bool = False

    def with_headers(self, **headers: str | None) -> "Answer":
        """Give the answer with headers set, or taken away by None; `_` in a name is `-`."""
        named = {name.replace("_", "-").lower(): value for name, value in headers.items()}
        kept = {name: value for name, value in self.headers.items() if name.lower() not in named}
        new = {name: value for name, value in named.items() if value is not None}
        return replace(self, headers={**kept, **new})


Handler = Callable[[Request], Answer]


@dataclass(frozen=True, slots=True)
class Exchange:
    """One request and the status it got (0: no answer); `started` and `ended` order all events."""

    request: Request
    status: int
    started: int
    ended: int

    @property
    def method(self) -> str:
        """The request's method."""
        return self.request.method

    @property
    def path(self) -> str:
        """The request's path."""
        return self.request.path

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.status}"


class RequestLog:
    """What a server was asked, in order; safe to write from many threads."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._clock = 0
        self._exchanges: list[Exchange] = []

    def begin(self, request: Request) -> int:
        """Write down that a request arrived; give its number for `end`."""
        with self._lock:
            self._clock += 1
            self._exchanges.append(Exchange(request, 0, self._clock, 0))
            return len(self._exchanges) - 1

    def end(self, number: int, status: int) -> None:
        """Write down that the request's answer is about to leave, 0 for none."""
        with self._lock:
            self._clock += 1
            begun = self._exchanges[number]
            self._exchanges[number] = replace(begun, status=status, ended=self._clock)

    def clear(self) -> None:
        """Forget all that was asked so far."""
        with self._lock:
            self._exchanges.clear()

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All exchanges, in the order in which the requests arrived."""
        with self._lock:
            return tuple(self._exchanges)

    @property
    def lines(self) -> list[str]:
        """Each exchange as `METHOD path status`, in the order of arrival."""
        return [str(exchange) for exchange in self.exchanges]

    def asked(self, method: str, part: str = "") -> list[Exchange]:
        """The exchanges of a method whose path holds `part`."""
        return [one for one in self.exchanges if one.method == method and part in one.path]

    @property
    def writes(self) -> list[str]:
        """Methods and paths of all that would change something, in order."""
        reads = ("GET", "HEAD")
        return [f"{one.method} {one.path}" for one in self.exchanges if one.method not in reads]


def most_at_once(exchanges: Iterable[Exchange]) -> int:
    """How many requests were under way at the same time, at the most."""
    events = [(one.started, 1) for one in exchanges] + [(one.ended, -1) for one in exchanges]
    return max(accumulate(step for _, step in sorted(events)), default=0)


def depths(exchanges: Iterable[Exchange]) -> list[int]:
    """The round trip each exchange belongs to, from 1, in the order given.

    A request that arrived after another one's answer had left may depend on it: its depth
    is one more than the deepest of those.
    """
    done: list[tuple[int, int]] = []
    result = []
    for one in exchanges:
        depth = 1 + max((deep for ended, deep in done if ended < one.started), default=0)
        done.append((one.ended, depth))
        result.append(depth)
    return result
