"""The figures, and the table in which they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MEGABYTE = 1_000_000
HEADS = ("what", "figure", "ratio", "limit", "")


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `ratio` is to what `against` names, and has to stay below `limit`."""

    what: str
    value: str
    ratio: float | None = None
    against: str = ""
    limit: float | None = None

    @property
    def is_good(self) -> bool:
        """Tell whether the ratio keeps its limit, or has none."""
        return self.limit is None or (self.ratio is not None and self.ratio < self.limit)

    @property
    def cells(self) -> tuple[str, ...]:
        """Give the texts of the line's columns."""
        ratio = f"{self.ratio:.2f} × {self.against}" if self.ratio is not None else ""
        limit = f"< {self.limit:g}" if self.limit is not None else ""
        verdict = "" if self.limit is None else "ok" if self.is_good else "TOO MUCH"
        return (self.what, self.value, ratio, limit, verdict)


def milliseconds(seconds: float) -> str:
    """Give a duration as text."""
    return f"{seconds * 1000:.0f} ms"


def megabytes(size: float) -> str:
    """Give an amount of memory as text."""
    return f"{size / MEGABYTE:.1f} MB"


def table_lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Give the table, its columns aligned."""
    rows = [HEADS, *(figure.cells for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
