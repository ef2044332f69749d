"""Which answers are failures that pass, and what they say of how long."""

import httpx
import pytest

from mbuild.registry.http.answers import Answer
from mbuild.registry.http.failures import Temporary
from mbuild.registry.retry.temporary import check_answer, parse_retry_after, retry_after
from tests.registry.world import NOON


def answer(status: int, **headers: str) -> Answer:
    """An answer without a body."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, httpx.Headers(named), b"", httpx.URL("https://registry.test/v2/"))


@pytest.mark.parametrize("status", [200, 201, 307, 400, 401, 403, 404, 405, 416, 501, 505])
def test_final(status: int) -> None:
    """Every other status is an answer."""
    given = answer(status, retry_after="5")
    assert check_answer(given, where="w", now=NOON) is given


@pytest.mark.parametrize(
    ("given", "least_wait", "lost", "slows"),
    [
        (answer(408), None, True, 0),
        (answer(429), None, False, 429),
        (answer(429, retry_after="5"), 5.0, False, 429),
        (answer(500, retry_after="5"), 5.0, True, 0),
        (answer(502), None, True, 0),
        (answer(503), None, True, 0),
        (answer(503, retry_after="0"), 0.0, True, 503),
        (answer(504), None, True, 0),
    ],
    ids=lambda value: str(value.status) if isinstance(value, Answer) else None,
)
def test_temporary(given: Answer, least_wait: float | None, lost: bool, slows: int) -> None:
    """A failure that passes says how long, whether it may have been carried out, and for whom."""
    with pytest.raises(Temporary) as raised:
        check_answer(given, where="w", now=NOON)
    failure = raised.value
    assert (failure.least_wait, failure.lost, failure.slows) == (least_wait, lost, slows)
    assert str(failure.error) == f"w: {given.describe()}; try again later"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0", 0.0),
        (" 120 ", 120.0),
        ("Sun, 15 Jun 2025 15:07:40 GMT", 60.0),
        ("Sun, 15 Jun 2025 15:07:40 -0000", 60.0),
        ("Sun, 15 Jun 2025 15:00:00 GMT", 0.0),
        ("", None),
        ("-1", None),
        ("1.5", None),
        ("soon", None),
        ("9" * 400, None),
        ("Sun, 15 Jun 99999999 15:07:40 GMT", None),
    ],
)
def test_parse_retry_after(text: str, expected: float | None) -> None:
    """Seconds and dates are read, a moment that has passed is now, the rest is nothing."""
    assert parse_retry_after(text, NOON) == expected


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({"retry-after": "Sun, 15 Jun 2025 15:07:40 GMT"}, 60.0),
        (
            {
                "retry-after": "Sun, 15 Jun 2025 15:07:40 GMT",
                "date": "Sun, 15 Jun 2025 15:07:20 GMT",
            },
            20.0,
        ),
        ({"retry-after": "Sun, 15 Jun 2025 15:07:40 GMT", "date": "noon"}, 60.0),
        ({"retry-after": "7", "date": "Sun, 15 Jun 2025 15:07:20 GMT"}, 7.0),
        ({"date": "Sun, 15 Jun 2025 15:07:20 GMT"}, None),
    ],
)
def test_retry_after(headers: dict[str, str], expected: float | None) -> None:
    """A date to come back at counts from the answer's own date, if it has one."""
    assert retry_after(headers, NOON) == expected
