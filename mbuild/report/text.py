"""What all text for a person is made of: tables, digests, sizes, numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

SHORT_DIGEST = 19
"""How much of a digest is shown where the whole would not help: `sha256:` and 12 digits."""


def table(rows: Sequence[Sequence[str]], *, indent: int = 0) -> Iterator[str]:
    """Give rows as lines, their columns aligned two spaces apart."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        yield " " * indent + "  ".join(cells).rstrip()


def short(digest: str) -> str:
    """Give the beginning of a digest, enough to tell it from others."""
    return digest[:SHORT_DIGEST]


def human_size(size: int) -> str:
    """Give a size in bytes as a person reads it: 512 B, 3.2 kB, 41.7 MB."""
    thousands = min((len(str(size)) - 1) // 3, 3)
    if not thousands:
        return f"{size} B"
    return f"{size / 1000**thousands:.1f} {('kB', 'MB', 'GB')[thousands - 1]}"


def human_time(seconds: float) -> str:
    """Give a duration as a person reads it: 0.4 s, 12 s, 3 min 20 s, 2 h 5 min."""
    if seconds < 9.95:  # what is shown as 9.9 s at most
        return f"{seconds:.1f} s"
    minutes, whole = divmod(round(seconds), 60)
    if not minutes:
        return f"{whole} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {whole} s"


def count(number: int, noun: str) -> str:
    """Give a number with its noun, in the plural where it is one."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
