"""The parts of all text for a person."""

import pytest

from mbuild.report.text import human_size, table


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3249, "3.2 kB"), (41_700_000, "41.7 MB"),
        (5_000_000_000, "5.0 GB"), (7_000_000_000_000, "7000.0 GB"),
    ],
)  # fmt: skip
def test_human_size(size: int, expected: str) -> None:
    """Sizes are shown as people read them."""
    assert human_size(size) == expected


def test_table() -> None:
    """Columns are aligned, with nothing after the last; no rows are no lines."""
    rows = [("a", "bb", ""), ("ccc", "d", "e")]
    assert list(table(rows, indent=1)) == [" a    bb", " ccc  d   e"]
    assert list(table([])) == []
