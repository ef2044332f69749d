"""The lock of a folder, waited for as long as the run may take, and not in silence."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

from mbuild.registry.retry.deadline import Deadline
from mbuild.store.files import Sleep, try_lock

POLL_SECONDS = 0.05
TOLD_AFTER_SECONDS = 2.0


@dataclass(frozen=True, kw_only=True)
class LockWait:
    """How a lock that another holds is waited for: until when, and who is told of it."""

    deadline: Deadline = field(default_factory=lambda: Deadline(None, time.monotonic))
    tell: Callable[[str], None] = lambda _text: None
    sleep: Sleep = asyncio.sleep


FOR_EVER = LockWait()
"""Waits as long as it takes."""


@contextlib.asynccontextmanager
async def lock_folder(
    folder: Path, *, name: str, where: str, wait: LockWait
) -> AsyncIterator[None]:
    """Hold the folder's lock (flock on the folder itself, so no file is left behind).

    Waits for other holders, of this process or another, without blocking the event loop.
    `name` is the folder's and `where` the reference that is written, as messages show them.
    Raises TransportError when the deadline comes first.
    """
    wait.deadline.check(where)
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        if not try_lock(descriptor):
            hint = (
                f"another process holds the lock of {name}: wait for its end, or raise --deadline"
            )
            async with wait.deadline.bound(where, hint):
                await _wait_for(descriptor, name, wait)
        yield
    finally:
        os.close(descriptor)


async def _wait_for(descriptor: int, name: str, wait: LockWait) -> None:
    polls = 0
    while not try_lock(descriptor):
        if polls == round(TOLD_AFTER_SECONDS / POLL_SECONDS):
            wait.tell(f"the lock of {name} is held by another process")
        await wait.sleep(POLL_SECONDS)
        polls += 1
