"""The one retry policy: what is tried again, how long it waits, when it stops."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mbuild.errors import IntegrityError, MbuildError, RegistryError, TransportError
from mbuild.registry.http.failures import Temporary
from mbuild.registry.retry.deadline import Deadline
from mbuild.registry.retry.transport import Policy, Tally
from tests.registry.world import Recorder


def policy(
    recorder: Recorder, *, attempts: int = 6, deadline: float | None = None, random: float = 0.5
) -> Policy:
    """A policy in a world whose time only passes when it is slept."""
    return Policy(
        attempts=attempts,
        deadline=Deadline(deadline, recorder.clock),
        sleep=recorder.sleep,
        random=lambda: random,
        observer=recorder,
        tally=Tally(),
    )


def failing(times: int, *, least_wait: float | None = None) -> Callable[[], Awaitable[str]]:
    """An attempt that fails a number of times, then succeeds."""
    left = [times]

    async def attempt() -> str:
        if left[0]:
            left[0] -= 1
            raise Temporary(RegistryError("busy", where="w", hint="h"), least_wait=least_wait)
        return "done"

    return attempt


def run(policy: Policy, attempt: Callable[[], Awaitable[str]]) -> str:
    """Run one operation to its end."""
    return asyncio.run(policy.run("what", attempt))


def message(policy: Policy, attempt: Callable[[], Awaitable[str]]) -> str:
    """The whole message of an operation that fails."""
    with pytest.raises(MbuildError) as raised:
        run(policy, attempt)
    return str(raised.value)


def test_backoff(recorder: Recorder) -> None:
    """Waits double, to thirty seconds at most."""
    assert run(policy(recorder, attempts=9), failing(8)) == "done"
    assert recorder.waits == [1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0, 30.0]


@pytest.mark.parametrize(("random", "expected"), [(0.0, 0.75), (1.0, 1.25)])
def test_jitter(recorder: Recorder, random: float, expected: float) -> None:
    """A wait is up to a quarter shorter or longer."""
    run(policy(recorder, random=random), failing(1))
    assert recorder.waits == [expected]


def test_attempts_are_bounded(recorder: Recorder) -> None:
    """The last failure is raised, with the number of attempts."""
    assert message(policy(recorder, attempts=3), failing(9)) == "w: busy, after 3 attempts; h"
    assert recorder.waits == [1.0, 2.0]


def test_single_attempt(recorder: Recorder) -> None:
    """One attempt is one attempt."""
    assert message(policy(recorder, attempts=1), failing(9)) == "w: busy; h"
    assert recorder.waits == []


def test_retry_after_is_the_least_wait(recorder: Recorder) -> None:
    """A registry that asks for a longer wait gets it, one that asks for a shorter does not."""
    run(policy(recorder), failing(2, least_wait=1.5))
    assert recorder.waits == [1.5, 2.0]


def test_retry_after_too_long(recorder: Recorder) -> None:
    """More than ten minutes are not waited for."""
    assert message(policy(recorder), failing(1, least_wait=601.0)) == (
        "w: busy, and asks to wait 601 s, longer than the 600 s that mbuild waits; h"
    )
    assert recorder.waits == []


def test_retry_after_beyond_the_deadline(recorder: Recorder) -> None:
    """A wait that the deadline does not allow is not begun; one it allows may be long."""
    assert message(policy(recorder, deadline=60), failing(1, least_wait=61.0)) == (
        "w: busy, and asks to wait 61 s, longer than the deadline of 60 s allows; h"
    )
    assert run(policy(recorder, deadline=3600), failing(1, least_wait=900.0)) == "done"


def test_backoff_beyond_the_deadline(recorder: Recorder) -> None:
    """An attempt that would come after the deadline is not waited for."""
    assert message(policy(recorder, deadline=4), failing(9)) == (
        "w: busy, after 3 attempts; the deadline of 4 s leaves no time for another; h"
    )


def test_deadline_over_a_hung_request(recorder: Recorder) -> None:
    """A request that never ends is ended by the deadline."""

    async def hang() -> str:
        await asyncio.sleep(30)
        return ""

    assert message(policy(recorder, deadline=0.02), hang) == (
        "what: not done within the deadline of 0.02 s; raise --deadline, or look why the"
        " registry is slow (-vv shows each request)"
    )


def test_deadline_already_over(recorder: Recorder) -> None:
    """Nothing is begun after the deadline."""
    late = policy(recorder, deadline=5)
    recorder.now = 5.0
    with pytest.raises(TransportError, match="not done within the deadline of 5 s"):
        run(late, failing(0))


def test_final_errors_are_not_retried(recorder: Recorder) -> None:
    """What is not temporary is raised at once, as it is."""
    error = IntegrityError("wrong bytes")

    async def attempt() -> str:
        raise error

    with pytest.raises(IntegrityError) as raised:
        run(policy(recorder), attempt)
    assert raised.value is error
    assert recorder.retries == []


def test_observer_is_told(recorder: Recorder) -> None:
    """Each retry is told, and counted."""
    one = policy(recorder)
    run(one, failing(1))
    assert one.tally.retries == 1
    assert [(r.what, r.why, r.wait, r.attempt, r.attempts) for r in recorder.retries] == [
        ("what", "busy", 1.0, 1, 6)
    ]
