"""The only retry policy."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type

from mbuild.errors import MbuildError
from mbuild.registry.http.failures import Temporary
from mbuild.registry.observer import Observer, Retry
from mbuild.registry.retry.deadline import Deadline

T = TypeVar("T")

MAX_BACKOFF = 30.0
MAX_RETRY_AFTER = 600.0
"""The longest wait that a registry may ask for where there is no deadline, in seconds."""

STORMS = 2
"""All requests to a host wait so many times as long as one that is tried to the last attempt."""


@dataclass
class Tally:
    """What was sent: HTTP requests, token requests included, and attempts that were repeated."""

    requests: int = 0
    retries: int = 0


@dataclass
class _Tries:
    """The number of the attempt that failed last."""

    number: int = 0


@dataclass(frozen=True, kw_only=True)
class Policy:
    """Repeats what fails for a while: `attempts` in all, waits that double, a deadline over all.

    A wait is 1 s, then 2, 4, 8 …, up to a quarter more or less, and 30 s at most; a
    Retry-After (RFC 9110, 10.2.3) is the least wait. Both count anew where an attempt had got
    further than any before it failed.
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
        tries = _Tries()

        async def once() -> T:  # tenacity awaits what is declared to be awaitable, and only that
            nonlocal is_first, last
            try:
                if is_first:
                    is_first = False
                    raise last
                return await attempt()
            except Temporary as failure:
                last = failure
                tries.number = 1 if failure.has_advanced else tries.number + 1
                if failure.pace:
                    failure.pace.failed()
                raise

        retrying = AsyncRetrying(
            sleep=lambda wait: self._rest(wait, last),
            stop=partial(self._is_over, tries),
            wait=partial(self._wait, tries),
            retry=retry_if_exception_type(Temporary),
            before_sleep=partial(self._tell, what, tries),
            reraise=True,
        )
        try:
            return await retrying(once)
        except Temporary:
            raise self._final(last, tries.number) from last

    def _wait(self, tries: _Tries, state: RetryCallState) -> float:
        """Decide on a wait, and for how long all others at a host wait that asks to slow down."""
        failure = _failure_of(state)
        backoff = 2.0 ** min(tries.number - 1, 10) * (0.75 + 0.5 * self.random())
        backoff = min(backoff, MAX_BACKOFF)
        wait = max(backoff, failure.least_wait or 0.0)
        if failure.pace and failure.slows and not self._is_too_long(wait):
            seconds = failure.least_wait or backoff
            failure.pace.hold(seconds, failure.slows, most=STORMS * self.attempts)
        return wait

    async def _rest(self, wait: float, failure: Temporary) -> None:
        if failure.pace:
            await failure.pace.pause(wait)
        else:
            await self.sleep(wait)

    def _is_over(self, tries: _Tries, state: RetryCallState) -> bool:
        return tries.number >= self.attempts or self._is_too_long(state.upcoming_sleep)

    def _is_too_long(self, wait: float) -> bool:
        left = self.deadline.left()
        return wait > (MAX_RETRY_AFTER if left is None else left)

    def _tell(self, what: str, tries: _Tries, state: RetryCallState) -> None:
        self.tally.retries += 1
        failure = _failure_of(state)
        self.observer.on_retry(
            Retry(
                what=what,
                why=failure.message,
                wait=state.upcoming_sleep,
                attempt=tries.number,
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
