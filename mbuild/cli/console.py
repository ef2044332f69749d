"""What is told on stderr while a run is under way: progress, retries, warnings."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from types import TracebackType
from typing import TYPE_CHECKING, Self

from mbuild.cli.options import ViewOptions
from mbuild.cli.streams import tell
from mbuild.publish.write.progress import Progress, unwatched
from mbuild.registry.observer import Exchange, Retry
from mbuild.report.copying import Copying

if TYPE_CHECKING:
    from mbuild.cli.screen import Screen

LONG_WAIT = 5.0
"""A wait of this many seconds is told without being asked for."""


class Console:
    """Shows what happens: an observer of the wire, and on a terminal what is under way.

    Lines and what is drawn share stderr, so they are written here and nowhere else.
    `progress` is to be told of copies.
    """

    def __init__(self, view: ViewOptions, clock: Callable[[], float] = time.monotonic) -> None:
        self._verbose = view.verbose
        self._told: set[tuple[str, int]] = set()
        copying = Copying(clock, tell_done=self._on_copied, tell_long=self._on_long_copy)
        self._screen = _make_screen(copying) if sys.stderr.isatty() and not view.quiet else None
        is_watched = self._screen or self._verbose
        self.progress: Progress = copying if is_watched else unwatched

    def __enter__(self) -> Self:
        if self._screen:
            self._screen.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self._screen:
            self._screen.stop()

    def announce(self, text: str) -> None:
        """Show what is being done, on a terminal."""
        if self._screen:
            self._screen.announce(text)

    def line(self, text: str) -> None:
        """Write a line to stderr, above what is drawn if anything is."""
        if self._screen:
            self._screen.line(text)
        else:
            tell(text)

    def on_request(self, exchange: Exchange) -> None:
        """Tell of a request with `-vv`."""
        if self._verbose > 1:
            status = exchange.status or "no answer"
            milliseconds = round(exchange.seconds * 1000)
            self.line(f"{exchange.method} {exchange.url} {status} {milliseconds} ms")

    def on_retry(self, retry: Retry) -> None:
        """Tell of a retry with `-v`, or when the wait is long and not told of by `on_wait`.

        Of many that wait alike, for the same reason after as many attempts, one is told.
        """
        text = (
            f"{retry.what}: {retry.why}; attempt {retry.attempt} of {retry.attempts}, "
            f"again in {retry.wait:.1f} s"
        )
        if self._verbose or self._is_news(retry):
            self.line(f"retry: {text}")
        elif not retry.is_shared:
            self.announce(text)

    def _is_news(self, retry: Retry) -> bool:
        if retry.wait < LONG_WAIT or retry.is_shared:
            return False
        alike = (retry.why, retry.attempt)
        is_told = alike in self._told
        self._told.add(alike)
        return not is_told

    def _on_copied(self, text: str) -> None:
        """Tell of a blob that was copied, with `-v`."""
        if self._verbose:
            self.line(text)

    def _on_long_copy(self, text: str) -> None:
        """Tell of a blob that takes long, with `-v`, where no terminal shows it."""
        if self._verbose and not self._screen:
            self.line(text)

    def on_wait(self, text: str) -> None:
        """Tell why nothing goes on, and leave it in the status line."""
        self.line(f"wait: {text}")
        self.announce(text)

    def on_note(self, text: str) -> None:
        """Tell with `-v` which way was taken because another was not open."""
        if self._verbose:
            self.line(f"note: {text}")

    def on_warning(self, text: str) -> None:
        """Tell of something a person should read."""
        self.line(f"warning: {text}")


def _make_screen(copying: Copying) -> Screen | None:
    """Make what is drawn; None for a terminal that can only print (TERM=dumb)."""
    # Imported here, since rich takes longer to load than most commands to run.
    from rich.console import Console as RichConsole

    from mbuild.cli.screen import Screen

    console = RichConsole(stderr=True)
    return None if console.is_dumb_terminal else Screen(console, copying)
