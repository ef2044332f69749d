"""Work in steps: done in threads, side by side, and stopped between two steps."""

import asyncio
import threading
import time

import pytest

from mbuild.store.archive.steps import Steps, drain, in_thread, run_all, run_steps


def counting(steps: int, seen: list[object]) -> Steps[int]:
    """Work of so many steps that says in which thread they were done, and when it was closed."""
    try:
        for _ in range(steps):
            seen.append(threading.current_thread())
            time.sleep(0.001)
            yield
    finally:
        seen.append("closed")
    return steps


def failing(steps: int) -> Steps[int]:
    """Work that fails after so many steps."""
    for _ in range(steps):
        yield
    raise ValueError("it failed")


def test_result() -> None:
    """All steps are done elsewhere than in the event loop, and the result is given."""
    seen: list[object] = []
    assert asyncio.run(run_steps(counting(3, seen))) == 3
    assert len(seen) == 4
    assert threading.main_thread() not in seen
    assert drain(counting(2, [])) == 2


def test_failure() -> None:
    """What the work raises is raised."""
    with pytest.raises(ValueError, match="it failed"):
        asyncio.run(run_steps(failing(2)))


def test_side_by_side() -> None:
    """Results come in order; so many works are under way at a time, and a failure stops all."""
    assert asyncio.run(run_all((counting(number, []) for number in range(5)), width=2)) == [
        0, 1, 2, 3, 4,
    ]  # fmt: skip
    seen: list[object] = []
    with pytest.raises(ValueError, match="it failed"):
        asyncio.run(run_all([counting(10_000, seen), failing(3)], width=2))
    assert seen[-1] == "closed"
    assert len(seen) < 10_000


def test_cancelled() -> None:
    """Work that is cancelled ends after the step that is under way, and is closed."""
    seen: list[object] = []

    async def main() -> None:
        task = asyncio.create_task(run_steps(counting(10_000, seen)))
        await asyncio.sleep(0.01)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert seen[-1] == "closed"

    asyncio.run(main())
    assert 1 < len(seen) < 10_000


def test_cancelled_step() -> None:
    """A step that fails after it was cancelled is heard of by nobody."""
    begun, goes_on = threading.Event(), threading.Event()

    def work() -> None:
        begun.set()
        goes_on.wait(5)
        raise ValueError("too late")

    async def main() -> None:
        task = asyncio.create_task(in_thread(work))
        await asyncio.to_thread(begun.wait, 5)
        task.cancel()
        await asyncio.sleep(0)
        goes_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task

    asyncio.run(main())
