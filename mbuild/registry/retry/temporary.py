"""Which answers are failures that pass, and how long they ask to wait."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from mbuild.errors import RegistryError
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.failures import Temporary

TEMPORARY_STATUSES = frozenset({408, 429, 500, 502, 503, 504})
"""Statuses that another attempt may not meet."""


def check_answer(answer: Answer, *, where: str, now: float) -> Answer:
    """Give an answer; Temporary where another attempt may get a better one.

    `now` is Unix time. 429, and 503 with Retry-After, ask all of the run to slow down. A full
    disk is no failure that passes soon.
    """
    status = answer.status
    if status not in TEMPORARY_STATUSES or answer.is_full:
        return answer
    asked = retry_after(answer.headers, now)
    is_slow = status == 429 or (status == 503 and asked is not None)
    raise Temporary(
        RegistryError(answer.describe(), where=where, hint="try again later"),
        least_wait=asked,
        lost=status != 429,
        slows=status if is_slow else 0,
    )


def retry_after(headers: Mapping[str, str], now: float) -> float | None:
    """Give the seconds that an answer asks to wait, None where it does not say.

    A date is compared with the answer's own Date, if it has one, rather than with `now`
    (Unix time): a clock that is wrong here, or jumps, then changes nothing.
    """
    sent = parse_date(headers.get("date", ""))
    return parse_retry_after(headers.get("retry-after", ""), now if sent is None else sent)


def parse_retry_after(text: str, now: float) -> float | None:
    """Read a Retry-After header, seconds or HTTP-date, as seconds from `now` (Unix time).

    A moment that has passed is 0; anything unreadable is None.
    """
    if re.fullmatch(r"[0-9]{1,9}", text.strip()):
        return float(text)
    moment = parse_date(text)
    return None if moment is None else max(0.0, moment - now)


def parse_date(text: str) -> float | None:
    """Read an HTTP-date as Unix time; None where it is none."""
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
