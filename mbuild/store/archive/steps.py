"""Long work in threads, done in steps: it can be stopped between any two of them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Generator, Iterable
from typing import TypeVar

T = TypeVar("T")

Steps = Generator[None, None, T]
"""Work that pauses at each `yield`, so that it can be stopped there, and returns its result."""


def drain(work: Steps[T]) -> T:
    """Do work that is known to be short at once."""
    while True:
        try:
            next(work)
        except StopIteration as end:
            result: T = end.value
            return result


async def in_thread(work: Callable[[], T]) -> T:
    """Do short work in a thread; when cancelled, wait for its end before passing that on."""
    step = asyncio.get_running_loop().run_in_executor(None, work)
    try:
        return await asyncio.shield(step)
    except asyncio.CancelledError:
        await asyncio.wait([step])
        step.exception()  # seen, so that asyncio does not complain
        raise


async def run_steps(work: Steps[T]) -> T:
    """Do work step by step, each in a thread."""
    results: list[T] = []

    def advance() -> None:
        try:
            next(work)
        except StopIteration as end:
            results.append(end.value)

    try:
        while not results:
            await in_thread(advance)
        return results[0]
    finally:
        work.close()


async def run_all(works: Iterable[Steps[T]], *, width: int) -> list[T]:
    """Do works side by side, `width` at a time; the first failure stops the others."""
    slots = asyncio.Semaphore(width)

    async def run(work: Steps[T]) -> T:
        async with slots:
            return await run_steps(work)

    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(run(work)) for work in works]
    except BaseExceptionGroup as failed:
        raise failed.exceptions[0] from None
    return [task.result() for task in tasks]
