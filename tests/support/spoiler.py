"""A bad network: a share of all requests is spoilt, in every way that a network knows."""

import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace

from tests.support import faults
from tests.support.exchange import Answer, Handler, Request
from tests.support.faults import Effect

DELAYS = 0.005, 0.05
"""The seconds an answer takes, at least and at most."""


class Spoiler:
    """An effect for all requests: by a seed's chance, a share of them goes wrong.

    Each answer takes a while, and so they overtake each other. `spoilt` counts by kind.
    """

    def __init__(self, seed: int, share: float) -> None:
        self._random = random.Random(seed)
        self._share = share
        self.spoilt: Counter[str] = Counter()

    def __call__(self, request: Request, registry: Handler) -> Answer:
        """Answer, or spoil it."""
        answer = self._answer(request, registry)
        return replace(answer, delay=self._random.uniform(*DELAYS))

    def _answer(self, request: Request, registry: Handler) -> Answer:
        if self._random.random() >= self._share:
            return registry(request)
        kind = self._random.choice(list(KINDS))
        self.spoilt[kind] += 1
        return KINDS[kind](self._random)(request, registry)


def _server_error(chance: random.Random) -> Effect:
    return faults.status(chance.choice((500, 502, 503, 504)))


def _error_afterwards(chance: random.Random) -> Effect:
    """A gateway that lost its patience: what was asked is done all the same."""

    def effect(request: Request, registry: Handler) -> Answer:
        registry(request)
        return faults.status(chance.choice((502, 504)))(request, registry)

    return effect


def _too_many(chance: random.Random) -> Effect:
    return faults.status(429, "TOOMANYREQUESTS", retry_after=chance.choice((0, 1, 2)))


def _reset(_: random.Random) -> Effect:
    return faults.lost()


def _lost_reply(_: random.Random) -> Effect:
    return faults.lost_reply()


def _cut(chance: random.Random) -> Effect:
    """Cut the body short; an answer without one is lost."""

    def effect(request: Request, registry: Handler) -> Answer:
        answer = registry(request)
        if request.method == "HEAD" or not answer.body:
            return replace(answer, lost=True)
        return replace(answer, cut=chance.randrange(len(answer.body)))

    return effect


KINDS: dict[str, Callable[[random.Random], Effect]] = {
    "5xx": _server_error,
    "5xx, yet done": _error_afterwards,
    "429": _too_many,
    "reset": _reset,
    "reply lost": _lost_reply,
    "cut short": _cut,
}
"""What may befall a request; each kind as often as the others."""
