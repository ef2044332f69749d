"""An event loop whose time passes at once: sleeps and timeouts in order, and none is waited for."""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class _Selector(selectors.DefaultSelector):
    """Moves the time on where the loop would have waited for it."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> Any:
        """Give what is ready now; where nothing is, it is later by `timeout`."""
        ready = super().select(0 if timeout is not None else None)
        if not ready and timeout:
            self.now += timeout
        return ready


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop that begins at 0, for scenarios that wait for nothing but time."""

    def __init__(self) -> None:
        self._time = _Selector()
        super().__init__(self._time)

    def time(self) -> float:
        """Give the seconds since the beginning."""
        return self._time.now

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ASYNC109, ARG002
        """Wait for threads as long as it takes: their time is not the loop's."""
        await super().shutdown_default_executor()


def run_virtually(scenario: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run a scenario to its end; `asyncio.get_running_loop().time()` is its clock."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(scenario())


def now() -> float:
    """Give the running loop's time."""
    return asyncio.get_running_loop().time()
