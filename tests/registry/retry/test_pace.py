"""The pace of one host: turns, a gate that is shut for a while, and one that is shut for good."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from mbuild.errors import GivenUp, RegistryError, TransportError
from mbuild.registry.retry.clocks import Clocks
from mbuild.registry.retry.pace import DEAD_AFTER_SECONDS, Pace
from tests.registry.world import NOON, Recorder
from tests.support.virtual_time import now, run_virtually

BROKEN = RegistryError("cannot connect: connection refused (registry.test), after 6 attempts")
DEAD = (
    "registry.test: not tried any more: registry.test has failed 5 operations in a row, the last"
    " one with: cannot connect: connection refused (registry.test), after 6 attempts; see what"
    " ails it, then run the same command again"
)


def make_pace(recorder: Recorder, *, most: int = 4) -> Pace:
    """A pace in the time of the running loop."""
    clocks = Clocks(measure=now, wall=lambda: NOON + now(), sleep=asyncio.sleep)
    return Pace("registry.test", most=most, clocks=clocks, observer=recorder)


def play(recorder: Recorder, scenario: Callable[[Pace], Awaitable[None]], *, most: int = 4) -> None:
    """Run a scenario with a pace, and close it."""

    async def run() -> None:
        pace = make_pace(recorder, most=most)
        await scenario(pace)
        await pace.close()

    run_virtually(run)


async def ask(pace: Pace, log: list[float]) -> None:
    """Make a request of one second, and note when it began."""
    async with pace.turns:
        log.append(now())
        await asyncio.sleep(1)


async def ask_many(pace: Pace, count: int) -> list[float]:
    """Make requests side by side; give when each began."""
    log: list[float] = []
    async with asyncio.TaskGroup() as group:
        for _ in range(count):
            group.create_task(ask(pace, log))
    return log


async def kill(pace: Pace) -> None:
    """Let five operations fail, each after six attempts, within half a second."""
    pace.failed()
    await asyncio.sleep(DEAD_AFTER_SECONDS)
    for _ in range(5):
        for _ in range(6):
            pace.failed()
        pace.gave_up(BROKEN)


def test_all_wait(recorder: Recorder) -> None:
    """Nothing is sent while the gate is shut, then half as many at a time."""

    async def scenario(pace: Pace) -> None:
        pace.hold(12, 429)
        assert await ask_many(pace, 5) == [12, 12, 13, 13, 14]

    play(recorder, scenario)
    assert recorder.told == ["registry.test asks to slow down (429): all requests wait 12 s"]


def test_those_in_the_queue_wait(recorder: Recorder) -> None:
    """A gate that is shut while requests wait for their turn stops them too."""

    async def scenario(pace: Pace) -> None:
        log: list[float] = []
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(ask(pace, log))
            await asyncio.sleep(0.5)
            pace.hold(10, 429)
        assert log == [0, 0, 0, 0, 10.5, 10.5]

    play(recorder, scenario)


def test_one_storm(recorder: Recorder) -> None:
    """However many are answered so, it is halved once, told once, and the longest wait counts."""

    async def scenario(pace: Pace) -> None:
        for wait in (1.0, 1.2, 0.8):
            pace.hold(wait, 503)
        await pace.pause(0)
        assert now() == pytest.approx(1.2)
        assert pace.turns.allowed == 2
        pace.hold(1, 503)
        assert pace.turns.allowed == 2

    play(recorder, scenario)
    assert recorder.told == ["registry.test asks to slow down (503): all requests wait 1 s"] * 2


def test_a_longer_wait_is_told_anew(recorder: Recorder) -> None:
    """A wait that grows while it lasts is told again."""

    async def scenario(pace: Pace) -> None:
        pace.hold(1, 429)
        await asyncio.sleep(0.5)
        pace.hold(20, 429)
        await pace.pause(0)
        assert now() == 20.5

    play(recorder, scenario)
    assert [text.rpartition(" requests ")[2] for text in recorder.told] == ["wait 1 s", "wait 20 s"]


def test_speeds_up_again(recorder: Recorder) -> None:
    """Each round of answers lets one more be under way, up to the most; a storm halves anew."""

    async def scenario(pace: Pace) -> None:
        pace.hold(1, 429)
        pace.answered()  # of one that was under way: nothing grows while all wait
        await pace.pause(0)
        seen = []
        for _ in range(7):
            pace.answered()
            seen.append(pace.turns.allowed)
        assert seen == [2, 3, 3, 3, 4, 4, 4]
        pace.hold(1, 429)
        assert pace.turns.allowed == 2

    play(recorder, scenario)


def test_growing_lets_one_more_through(recorder: Recorder) -> None:
    """A place that is new is taken at once by who waits for it."""

    async def scenario(pace: Pace) -> None:
        pace.hold(1, 429)
        await pace.pause(0)
        task = asyncio.create_task(ask_many(pace, 3))
        await asyncio.sleep(0.5)
        pace.answered()
        pace.answered()
        assert await task == [1, 1, 1.5]

    play(recorder, scenario)


def test_never_less_than_one(recorder: Recorder) -> None:
    """One request at a time is always allowed."""

    async def scenario(pace: Pace) -> None:
        pace.hold(1, 429)
        assert await ask_many(pace, 2) == [1, 2]

    play(recorder, scenario, most=1)


def test_dead(recorder: Recorder) -> None:
    """After five operations that were given up nothing is sent any more; all are told why."""

    async def scenario(pace: Pace) -> None:
        waiting = asyncio.create_task(ask_many(pace, 5))
        pausing = asyncio.create_task(pace.pause(30))
        await kill(pace)
        await pausing
        await pace.pause(30)
        assert now() == 0.5
        with pytest.raises(ExceptionGroup) as group:
            await waiting
        assert [str(error) for error in group.value.exceptions] == [DEAD]
        await pace.pause(0)
        with pytest.raises(TransportError, match="not tried any more"):
            await pace.turns.acquire()
        with pytest.raises(TransportError, match="not tried any more"):
            pace.check()

    play(recorder, scenario)


def test_dead_while_shut(recorder: Recorder) -> None:
    """Who waits at a shut gate is told too, and a dead host cannot have it shut again."""

    async def scenario(pace: Pace) -> None:
        pace.hold(600, 429)
        waiting = asyncio.gather(ask_many(pace, 1), pace.pause(0), return_exceptions=True)
        await kill(pace)
        await waiting
        pace.hold(600, 429)
        assert now() == 0.5
        assert pace.is_dead

    play(recorder, scenario)
    assert len(recorder.told) == 1


@pytest.mark.parametrize(
    ("operations", "attempts", "seconds", "is_dead"),
    [
        (5, 6, 0.5, True), (4, 6, 9, False), (5, 2, 0.5, True), (9, 1, 9, False), (10, 1, 0.5, True),
        (99, 1, 0.4, False),
    ],
)  # fmt: skip
def test_when_it_is_dead(
    recorder: Recorder, operations: int, attempts: int, seconds: float, is_dead: bool
) -> None:
    """Five operations make a dead host, if they stand for ten attempts and half a second."""

    async def scenario(pace: Pace) -> None:
        for number in range(operations):
            if number == operations - 1:
                await asyncio.sleep(seconds)
            for _ in range(attempts):
                pace.failed()
            pace.gave_up(BROKEN)
        assert pace.is_dead is is_dead

    play(recorder, scenario)


@pytest.mark.parametrize(
    ("holds", "seconds", "is_dead"),
    [(13, 10, True), (12, 10, False), (13, 9.9, False), (14, 9.9, True)],
)
def test_storm_without_end(recorder: Recorder, holds: int, seconds: float, is_dead: bool) -> None:
    """A host that only ever asks to slow down, often and for two minutes, is taken for dead."""

    async def scenario(pace: Pace) -> None:
        for _ in range(holds):
            pace.hold(seconds, 429, most=12)
            await pace.pause(0)
        assert pace.is_dead is is_dead
        if is_dead:
            with pytest.raises(GivenUp) as raised:
                pace.check()
            assert str(raised.value) == (
                f"registry.test: not tried any more: registry.test has asked to slow down (429)"
                f" {holds} times in a row, and answered nothing in between; see what ails it, then"
                " run the same command again"
            )

    play(recorder, scenario)


def test_an_answer_ends_the_storm(recorder: Recorder) -> None:
    """However often a host asks to slow down: while it answers in between it is alive."""

    async def scenario(pace: Pace) -> None:
        for number in range(100):
            if number % 12 == 0:
                pace.answered()
            pace.hold(60, 429, most=12)
            await pace.pause(0)
        assert not pace.is_dead

    play(recorder, scenario)


def test_an_answer_begins_the_count_anew(recorder: Recorder) -> None:
    """Whatever the host answers in between, it is alive."""

    async def scenario(pace: Pace) -> None:
        for number in range(100):
            if number % 4 == 0:
                pace.answered()
            for _ in range(6):
                pace.failed()
            pace.gave_up(BROKEN)
        assert not pace.is_dead

    play(recorder, scenario)


def test_a_pause_that_fails(recorder: Recorder) -> None:
    """What the clock raises is not swallowed, and who is cancelled does not go on sleeping."""

    async def fail(_: float) -> None:
        raise KeyError

    async def scenario(pace: Pace) -> None:
        task = asyncio.create_task(pace.pause(30))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait({task})
        assert len(asyncio.all_tasks()) <= 2
        pace._clocks = Clocks(measure=now, wall=now, sleep=fail)
        with pytest.raises(KeyError):
            await pace.pause(1)

    play(recorder, scenario)


def test_closed_while_shut(recorder: Recorder) -> None:
    """Closing does not wait for the gate."""

    async def scenario(pace: Pace) -> None:
        pace.hold(600, 429)
        await pace.close()
        assert now() == 0

    play(recorder, scenario)


def test_uploads_have_turns_of_their_own(recorder: Recorder) -> None:
    """They leave the others room, wait as all do, and get fewer as all do."""

    async def upload(pace: Pace, log: list[float]) -> None:
        async with pace.uploads:
            log.append(now())
            await ask(pace, [])

    async def scenario(pace: Pace) -> None:
        log: list[float] = []
        await asyncio.gather(*(upload(pace, log) for _ in range(3)))
        pace.hold(12, 429)
        await asyncio.gather(*(upload(pace, log) for _ in range(2)))
        assert log == [0, 0, 1, 14, 15]

    play(recorder, scenario, most=2)


def test_uploads_end_with_a_dead_host(recorder: Recorder) -> None:
    """An upload that waits for its turn is told that the host is dead."""

    async def scenario(pace: Pace) -> None:
        await pace.uploads.acquire()
        waiting = asyncio.create_task(pace.uploads.acquire())
        await kill(pace)
        with pytest.raises(GivenUp):
            await waiting

    play(recorder, scenario, most=1)
