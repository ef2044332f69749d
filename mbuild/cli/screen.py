"""The part of a terminal that is drawn anew all the time: what is done, and how far copies are."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from mbuild.report.copying import BlobCopy, Copying
from mbuild.report.text import human_size, human_time

MOST_ROWS = 8
"""So many blobs are shown, fewer where the terminal has less room."""

OTHER_ROWS = 4
"""The status line, the blobs that are not shown, the totals, and the line of the cursor."""

SPINNER = 2
"""What stands before the words of the status line."""

BAR = 12
WIDE = 72
"""A terminal that is narrower has no room for bars."""


class Screen:
    """A status line, and below it a line for each blob under way and one for all of them.

    It is gone when it stops; lines that are printed stand above it.
    """

    def __init__(self, console: Console, copying: Copying) -> None:
        self._console = console
        self._copying = copying
        self._status = "starting"
        self._spinner = Spinner("dots")
        self._live = Live(
            console=console, get_renderable=self.render, refresh_per_second=10, transient=True
        )

    def start(self) -> None:
        """Begin to draw."""
        self._live.start()

    def stop(self) -> None:
        """End, and leave nothing behind."""
        self._live.stop()

    def announce(self, text: str) -> None:
        """Change the status line."""
        self._status = text
        self._spinner.update(text=self._status_line())

    def line(self, text: str) -> None:
        """Print a line above."""
        self._live.console.print(text, markup=False, highlight=False, soft_wrap=True)

    def render(self) -> RenderableType:
        """Draw what there is to be seen now."""
        self._spinner.update(text=self._status_line())  # anew: the terminal may be narrower now
        copies = self._copying.under_way
        if not copies:
            return self._spinner
        most = max(1, min(MOST_ROWS, self._console.size.height - OTHER_ROWS))
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(no_wrap=True, overflow="ellipsis", ratio=1)
        for _ in range(4 if self._is_wide else 3):
            table.add_column(no_wrap=True, justify="right")
        for copy in copies[:most]:
            table.add_row(*self._row(copy))
        if len(copies) > most:
            table.add_row(f"and {len(copies) - most} more")
        table.add_row(*self._total())
        return Group(self._spinner, table)

    def _status_line(self) -> Text:
        """Give what fits into one line, as the others are counted on."""
        # Not as markup: it may hold a registry's own words.
        line = Text(self._status)
        line.truncate(max(self._console.size.width - SPINNER, 1), overflow="ellipsis")
        return line

    @property
    def _is_wide(self) -> bool:
        return self._console.size.width >= WIDE

    def _row(self, copy: BlobCopy) -> Iterator[RenderableType]:
        """Draw a blob: its digest and its way, then how far it is."""
        size = copy.blob.size
        yield Text(f"{copy.blob.digest.encoded[:12]} {copy.source} → {copy.target}")
        yield from self._numbers(copy.done, size, copy.pace.speed)
        yield Text(_time(copy.pace.left(size - copy.done)))

    def _total(self) -> Iterator[RenderableType]:
        copying = self._copying
        yield Text(f"{copying.blobs_done} of {copying.blobs} blobs")
        yield from self._numbers(copying.size_done, copying.size, copying.pace.speed)
        yield Text(_time(copying.left))

    def _numbers(self, done: int, size: int, speed: float) -> Iterator[RenderableType]:
        if self._is_wide:
            yield ProgressBar(total=max(size, 1), completed=done, width=BAR)
        yield Text(f"{human_size(done)} of {human_size(size)}")
        yield Text(f"{human_size(round(speed))}/s")


def _time(seconds: float | None) -> str:
    return "" if seconds is None else human_time(seconds)
