"""How fast one host is asked: less when it asks for that, and not at all when it is dead."""

from __future__ import annotations

import asyncio
import math

from mbuild.errors import GivenUp, MbuildError
from mbuild.registry.observer import Observer
from mbuild.registry.retry.clocks import Clocks
from mbuild.registry.retry.turns import Turns

DEAD_AFTER_OPERATIONS = 5
DEAD_AFTER_ATTEMPTS = 10
DEAD_AFTER_SECONDS = 0.5
"""So many operations given up, failed attempts, and seconds, without an answer: a dead host.

The time is for the answers to other requests, which may be on their way.
"""

DEAD_AFTER_STORM = 120.0
"""Seconds of nothing but pleas to slow down after which a host may be taken for dead."""

MOMENT = 0.001
"""Fewer seconds than this are not worth a wait."""

TOLD_AGAIN = 1.0
"""A wait that grows by this many seconds is told anew."""


class Pace:
    """Decides on the `turns` of the requests to one host, by what becomes of them.

    At most `most` are under way, and as many `uploads` of streams: those have turns of their
    own, for what is streamed may come from the same host, and asking for it has to come through
    while every upload waits for it. A host that asks to slow down has all of them wait, then
    gets half as many at a time; each round of answers lets one more through. A host that
    only fails is taken for dead, and is not asked again.
    """

    def __init__(self, host: str, *, most: int, clocks: Clocks, observer: Observer) -> None:
        self.host = host
        self.turns = Turns(most)
        self.uploads = Turns(most)
        self._most = most
        self._clocks = clocks
        self._observer = observer
        self._is_calm = True
        self._opener: asyncio.Task[None] | None = None
        self._held_until = self._told_until = -math.inf
        self._answers = 0
        self._has_answered = True
        self._failed_attempts = self._failed_operations = self._holds = 0
        self._failing_since = self._storm_since = math.inf
        self._verdict = ""
        self._pauses: set[asyncio.Future[None]] = set()

    @property
    def is_dead(self) -> bool:
        """Tell whether the host is not asked any more in this run."""
        return bool(self._verdict)

    def beside(self, host: str) -> Pace:
        """Give the pace of another host, under the same settings."""
        return Pace(host, most=self._most, clocks=self._clocks, observer=self._observer)

    def check(self) -> None:
        """Raise GivenUp where the host is taken for dead."""
        if self._verdict:
            raise self._dead()

    def answered(self) -> None:
        """Note an answer, of any kind but a temporary failure."""
        if not self._is_calm:
            self._recover()

    def failed(self) -> None:
        """Note an attempt that failed, and may be repeated."""
        self._is_calm = False
        if not self._failed_attempts:
            self._failing_since = self._clocks.measure()
        self._failed_attempts += 1

    def gave_up(self, error: MbuildError) -> None:
        """Note an operation that failed for good, after one `failed` for each of its attempts."""
        self._failed_operations += 1
        is_enough = (
            self._failed_operations >= DEAD_AFTER_OPERATIONS
            and self._failed_attempts >= DEAD_AFTER_ATTEMPTS
            and self._clocks.measure() - self._failing_since >= DEAD_AFTER_SECONDS
        )
        if is_enough and not self._verdict:
            self._shut_for_good(
                f"has failed {self._failed_operations} operations in a row, the last one with:"
                f" {error.message}"
            )

    def hold(self, seconds: float, status: int, *, most: float = math.inf) -> None:
        """Let no request through for so long, since the host answered with this status.

        A host that asks for it more than `most` times in a row, and for long, is taken for dead.
        """
        if self._verdict:
            return
        if not self.turns.is_shut:
            self._begin_hold()
            if self._holds > most and self._storm_lasts() >= DEAD_AFTER_STORM:
                self._shut_for_good(
                    f"has asked to slow down ({status}) {self._holds} times in a row, and answered"
                    " nothing in between"
                )
                return
        self._held_until = max(self._held_until, self._clocks.measure() + seconds)
        if self._held_until >= self._told_until + TOLD_AGAIN:
            self._told_until = self._held_until
            self._observer.on_wait(
                f"{self.host} asks to slow down ({status}): all requests wait {seconds:.0f} s"
            )

    async def pause(self, seconds: float) -> None:
        """Let time pass, and a shut gate be opened; no more when the host is taken for dead."""
        end = self._clocks.measure() + seconds
        if self.turns.is_shut and self._opener and not self._verdict:
            await asyncio.wait({self._opener})
        left = end - self._clocks.measure()
        if left > MOMENT and not self._verdict:
            await self._sleep(left)

    async def close(self) -> None:
        """Stop what is still waiting to be opened."""
        if self._opener:
            self._opener.cancel()
            await asyncio.wait({self._opener})

    async def _sleep(self, seconds: float) -> None:
        sleeping = asyncio.ensure_future(self._clocks.sleep(seconds))
        self._pauses.add(sleeping)
        try:
            await asyncio.wait({sleeping})
            if not sleeping.cancelled():
                sleeping.result()
        finally:
            self._pauses.discard(sleeping)
            sleeping.cancel()

    def _begin_hold(self) -> None:
        """Shut the gate; halve once a storm, which lasts until the host answers otherwise."""
        self.turns.shut()
        self.uploads.shut()
        self._is_calm = False
        if self._has_answered:
            self._allow(max(1, self.turns.allowed // 2))
            self._has_answered = False
            self._storm_since, self._holds = self._clocks.measure(), 0
        self._holds += 1
        self._answers = 0
        self._held_until = self._told_until = -math.inf
        self._opener = asyncio.create_task(self._open_in_time())

    def _storm_lasts(self) -> float:
        return self._clocks.measure() - self._storm_since

    async def _open_in_time(self) -> None:
        while (left := self._held_until - self._clocks.measure()) > MOMENT:
            await self._clocks.sleep(left)
        self.turns.open()
        self.uploads.open()

    def _allow(self, count: int) -> None:
        self.turns.allow(count)
        self.uploads.allow(count)

    def _recover(self) -> None:
        self._failed_attempts = self._failed_operations = 0
        self._has_answered = True
        allowed = self.turns.allowed
        if allowed < self._most and not self.turns.is_shut:
            self._answers += 1
            if self._answers >= allowed:
                self._answers = 0
                self._allow(allowed + 1)
        self._is_calm = self.turns.allowed == self._most

    def _shut_for_good(self, why: str) -> None:
        self._verdict = f"not tried any more: {self.host} {why}"
        for waiting in (*self._pauses, *filter(None, [self._opener])):
            waiting.cancel()
        self.turns.end(self._dead)
        self.uploads.end(self._dead)

    def _dead(self) -> GivenUp:
        error = GivenUp(
            self._verdict,
            where=self.host,
            hint="see what ails it, then run the same command again",
        )
        error.host, error.verdict = self.host, error.message
        return error
