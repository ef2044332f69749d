"""The figures, and the table in which they are printed."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

MEGABYTE = 1_000_000
Row = tuple[str, ...]
HEADS = ("what", "figure", "ratio", "limit", "")


@dataclass(frozen=True, slots=True)
class Limit:
    """The most that a figure may come to, and what it came to, both in `unit`."""

    amount: float
    most: float
    unit: str

    @property
    def is_kept(self) -> bool:
        """Tell whether the figure stays within it."""
        return self.amount <= self.most


@dataclass(frozen=True, slots=True)
class Figure:
    """One line of the table; `ratio` is to what `against` names."""

    what: str
    value: str
    ratio: float | None = None
    against: str = ""
    limit: Limit | None = None

    @property
    def is_good(self) -> bool:
        """Tell whether the figure keeps its limit, or has none."""
        return self.limit is None or self.limit.is_kept

    @property
    def cells(self) -> tuple[str, ...]:
        """Give the texts of the line's columns."""
        ratio = f"{self.ratio:.2f} × {self.against}" if self.ratio is not None else ""
        limit = f"≤ {self.limit.most:g} {self.limit.unit}" if self.limit else ""
        verdict = "" if self.limit is None else "ok" if self.is_good else "TOO MUCH"
        return (self.what, self.value, ratio, limit, verdict)


def limited(what: str, amount: float, most: float, unit: str) -> Figure:
    """Make the line of a figure that has a limit of its own."""
    shown = f"{amount:,.0f}" if amount >= 1000 else f"{amount:.3g}"
    return Figure(what, f"{shown} {unit}", limit=Limit(amount, most, unit))


def milliseconds(seconds: float) -> str:
    """Give a duration as text."""
    return f"{seconds * 1000:.0f} ms"


def megabytes(size: float) -> str:
    """Give an amount of memory as text."""
    return f"{size / MEGABYTE:.1f} MB"


def table_lines(figures: Sequence[Figure]) -> Iterator[str]:
    """Give the table of figures."""
    return aligned([HEADS, *(figure.cells for figure in figures)])


def aligned(rows: Sequence[Row]) -> Iterator[str]:
    """Give rows as lines, their columns aligned."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield "  ".join(cells).rstrip()
