"""Time as everything here is given it: to measure with, to read dates with, to wait in."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Clocks:
    """Time in seconds: `measure` for spans, `wall` as Unix time, `sleep` to let some pass.

    Only `measure` may decide how long something lasts: `wall` can be set, and then jumps.
    """

    measure: Callable[[], float]
    wall: Callable[[], float]
    sleep: Callable[[float], Awaitable[None]]
