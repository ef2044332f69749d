"""Work done side by side, in which every failure counts and none hides another."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine, Iterable, Sequence
from typing import Any, TypeVar, cast

from mbuild.errors import Failures, MbuildError

T = TypeVar("T")
U = TypeVar("U")


async def all_together(work: Iterable[Coroutine[Any, Any, T]]) -> tuple[T, ...]:
    """Run coroutines side by side and give their results in order.

    All are run to their end even when some fail; then one error is raised as itself and
    several as `Failures`. Any other exception, a cancellation too, stops them all at once.
    """
    results, errors = await settled(work)
    raise_any(errors)
    return results


async def settled(
    work: Iterable[Coroutine[Any, Any, T]],
) -> tuple[tuple[T, ...], tuple[MbuildError, ...]]:
    """Run coroutines side by side, and give the results of some and the errors of the others."""
    async with asyncio.TaskGroup() as group:
        tasks = [group.create_task(_caught(one)) for one in work]
    results = [task.result() for task in tasks]
    return (
        tuple(result for result in results if not isinstance(result, MbuildError)),
        tuple(result for result in results if isinstance(result, MbuildError)),
    )


async def each(
    items: Collection[T], work: Callable[[T], Coroutine[Any, Any, U]], *, width: int
) -> tuple[U, ...]:
    """Do the same work for every item, `width` of them at a time; give the results in order.

    However many items there are, no more than `width` tasks are.
    """
    numbered = enumerate(items)
    results: dict[int, U] = {}

    async def worker() -> None:
        for number, item in numbered:
            results[number] = await work(item)

    async with asyncio.TaskGroup() as group:
        for _ in range(min(width, len(items))):
            group.create_task(worker())
    return tuple(results[number] for number in range(len(results)))


def raise_any(errors: Sequence[MbuildError]) -> None:
    """Raise one error as itself, several as `Failures`, and do nothing without any."""
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise Failures(errors)


async def both(first: Coroutine[Any, Any, T], second: Coroutine[Any, Any, U]) -> tuple[T, U]:
    """Run two coroutines of different results side by side, as `all_together` does."""
    return cast("tuple[T, U]", await all_together((first, second)))


async def _caught(work: Coroutine[Any, Any, T]) -> T | MbuildError:
    try:
        return await work
    except MbuildError as error:
        return error
