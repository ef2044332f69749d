"""Work that is brought to its end when the process is asked to stop: writing tags."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Iterable

GRACE_SECONDS = 5.0
"""How long tags under way are waited for when the process is asked to stop."""


async def side_by_side(work: Iterable[Awaitable[None]]) -> None:
    """Run all at once; a cancellation stops them at once."""
    async with asyncio.TaskGroup() as group:
        for one in work:
            group.create_task(_wait_for(one))


async def finish(work: Iterable[Awaitable[None]]) -> None:
    """Run all at once, each to its end; when cancelled, wait a while for those under way."""
    tasks = [asyncio.create_task(_wait_for(one)) for one in work]
    if not tasks:
        return
    try:
        await asyncio.wait(tasks)
    except asyncio.CancelledError:
        await asyncio.wait(tasks, timeout=GRACE_SECONDS)
        raise
    finally:
        for task in tasks:
            task.cancel()
    for task in tasks:
        task.result()


async def _wait_for(work: Awaitable[None]) -> None:
    await work
