"""The only retry policy, and the deadline that bounds it."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from functools import partial
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from mbuild.errors import MbuildError, TransportError
from mbuild.registry.failures import Temporary
from mbuild.registry.observer import Observer, Retry

T = TypeVar("T")

TEMPORARY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that another attempt may not meet."""

MAX_BACKOFF = 30.0
MAX_RETRY_AFTER = 600.0
"""The longest wait that a registry may ask for where there is no deadline, in seconds."""


@dataclass
class Tally:
    """What was sent: HTTP requests, token requests included, and attempts that were repeated."""

    requests: int = 0
    retries: int = 0


class Deadline:
    """The moment when the run must be over; without `seconds`, never."""

    def __init__(self, seconds: float | None, clock: Callable[[], float]) -> None:
        self.seconds = seconds
        self._clock = clock
        self._end = None if seconds is None else clock() + seconds

    def left(self) -> float | None:
        """Give the seconds left, negative when it is over, None without a deadline."""
        return None if self._end is None else self._end - self._clock()

    @asynccontextmanager
    async def bound(self, where: str) -> AsyncIterator[None]:
        """Raise TransportError when the deadline comes before the block is done."""
        left = self.left()
        if left is not None and left <= 0:
            raise self._passed(where)
        timer = asyncio.timeout(left)
        try:
            async with timer:
                yield
        except TimeoutError:
            if not timer.expired():
                raise
            raise self._passed(where) from None

    async def bound_each(self, items: AsyncIterator[T], where: str) -> AsyncIterator[T]:
        """Pass on items; TransportError when the deadline comes while one is waited for."""
        done = object()
        while True:
            async with self.bound(where):
                item = await anext(items, done)
            if item is done:
                return
            yield item  # type: ignore[misc]

    def _passed(self, where: str) -> TransportError:
        return TransportError(
            f"not done within the deadline of {self.seconds:g} s",
            where=where,
            hint="raise --deadline, or look why the registry is slow (-vv shows each request)",
        )


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Repeats what fails for a while: `attempts` in all, waits that double, a deadline over all.

    A wait is 1 s, then 2, 4, 8 …, up to a quarter more or less, and 30 s at most; a
    Retry-After (RFC 9110, 10.2.3) is the least wait.
    """

    attempts: int
    deadline: Deadline
    sleep: Callable[[float], Awaitable[None]]
    random: Callable[[], float]
    observer: Observer
    tally: Tally

    async def run(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Give the result of the first attempt that is not Temporary; raise what the last one met.

        `what` names the operation: the reference it is about.
        """
        async with self.deadline.bound(what):
            try:
                return await attempt()
            except Temporary as failure:
                return await self._repeat(what, attempt, failure)

    async def _repeat(self, what: str, attempt: Callable[[], Awaitable[T]], last: Temporary) -> T:
        """Go on after the first attempt, which has failed."""
        is_first = True

        async def once() -> T:  # tenacity awaits what is declared to be awaitable, and only that
            nonlocal is_first, last
            try:
                if is_first:
                    is_first = False
                    raise last
                return await attempt()
            except Temporary as failure:
                last = failure
                if failure.pace:
                    failure.pace.failed()
                raise

        retrying = AsyncRetrying(
            sleep=lambda wait: self._rest(wait, last),
            stop=self._is_over,
            wait=self._wait,
            retry=retry_if_exception_type(Temporary),
            before_sleep=partial(self._tell, what),
            reraise=True,
        )
        try:
            return await retrying(once)
        except Temporary:
            raise self._final(last, retrying.statistics["attempt_number"]) from last

    def _wait(self, state: RetryCallState) -> float:
        """Decide on a wait; that of a host which asks to slow down is one for all its requests."""
        failure = _failure_of(state)
        backoff = 2.0 ** min(state.attempt_number - 1, 10) * (0.75 + 0.5 * self.random())
        wait = max(min(backoff, MAX_BACKOFF), failure.least_wait or 0.0)
        if failure.pace and failure.slows and not self._is_too_long(wait):
            failure.pace.hold(wait, failure.slows)
        return wait

    async def _rest(self, wait: float, failure: Temporary) -> None:
        if failure.pace is None:
            await self.sleep(wait)
        elif failure.slows:
            await failure.pace.opening()  # which is no earlier than `wait` from now
        else:
            await failure.pace.pause(wait)

    def _is_over(self, state: RetryCallState) -> bool:
        return state.attempt_number >= self.attempts or self._is_too_long(state.upcoming_sleep)

    def _is_too_long(self, wait: float) -> bool:
        left = self.deadline.left()
        return wait > (MAX_RETRY_AFTER if left is None else left)

    def _tell(self, what: str, state: RetryCallState) -> None:
        self.tally.retries += 1
        failure = _failure_of(state)
        self.observer.on_retry(
            Retry(
                what=what,
                why=failure.message,
                wait=state.upcoming_sleep,
                attempt=state.attempt_number,
                attempts=self.attempts,
                is_shared=failure.slows > 0,
            )
        )

    def _final(self, last: Temporary, attempts: int) -> MbuildError:
        error = last.error
        message = error.message if attempts == 1 else f"{error.message}, after {attempts} attempts"
        if last.least_wait is not None and self._is_too_long(last.least_wait):
            message += f", and asks to wait {last.least_wait:.0f} s, longer than {self._limit()}"
        elif attempts < self.attempts:
            message += f"; the deadline of {self.deadline.seconds:g} s leaves no time for another"
        final = type(error)(message, where=error.where, hint=error.hint)
        if last.pace:
            last.pace.gave_up(final)
        return final

    def _limit(self) -> str:
        if self.deadline.seconds is None:
            return f"the {MAX_RETRY_AFTER:.0f} s that mbuild waits"
        return f"the deadline of {self.deadline.seconds:g} s allows"


def _failure_of(state: RetryCallState) -> Temporary:
    failure = state.outcome.exception() if state.outcome else None
    assert isinstance(failure, Temporary)
    return failure


def parse_retry_after(text: str, now: float) -> float | None:
    """Read a Retry-After header, seconds or HTTP-date, as seconds from `now` (Unix time).

    A moment that has passed is 0; anything unreadable is None.
    """
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)
    return max(0.0, moment.timestamp() - now)
