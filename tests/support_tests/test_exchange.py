"""The arithmetic of round trips."""

import pytest

from tests.support.exchange import Exchange, Request, depths, most_at_once


def exchanges(*spans: tuple[int, int]) -> list[Exchange]:
    """Exchanges that begin and end at these events."""
    return [Exchange(Request("GET", "/"), 200, started, ended) for started, ended in spans]


@pytest.mark.parametrize(
    ("spans", "expected"),
    [
        ([], []),
        ([(1, 4), (2, 3)], [1, 1]),
        ([(1, 2), (3, 4), (5, 6)], [1, 2, 3]),
        ([(1, 3), (2, 6), (4, 5), (7, 8)], [1, 1, 2, 3]),
    ],
    ids=["none", "side by side", "one by one", "two chains"],
)
def test_depths(spans: list[tuple[int, int]], expected: list[int]) -> None:
    """A request is one deeper than the deepest that ended before it began."""
    assert depths(exchanges(*spans)) == expected


@pytest.mark.parametrize(
    ("spans", "expected"),
    [([], 0), ([(1, 2), (3, 4)], 1), ([(1, 4), (2, 3), (5, 6)], 2)],
    ids=["none", "one by one", "side by side"],
)
def test_most_at_once(spans: list[tuple[int, int]], expected: int) -> None:
    """What counts is how many are under way between two events."""
    assert most_at_once(exchanges(*spans)) == expected
