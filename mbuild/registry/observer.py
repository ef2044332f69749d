"""What happens at the wire, told to whoever shows it: requests, retries and warnings."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

import httpx


@dataclass(frozen=True, slots=True)
class Exchange:
    """One HTTP request and its answer.

    `status` is None where no answer came; `seconds` ends with the answer's headers.
    """

    method: str
    target: httpx.URL = field(repr=False)
    status: int | None
    seconds: float

    @property
    def url(self) -> str:
        """Give the address as it may be shown: a query may hold a secret, and so may a user."""
        return str(self.target.copy_with(query=None, fragment=None, userinfo=b""))


@dataclass(frozen=True, slots=True)
class Retry:
    """An attempt that failed, and the wait in seconds before the next one.

    `attempt` is the number of the one that failed, `attempts` the most there will be.
    `is_shared` says that all requests to the host wait too, which `on_wait` has told.
    """

    what: str
    why: str
    wait: float
    attempt: int
    attempts: int
    is_shared: bool = False


class Observer(Protocol):
    """Is told what happens, and never a secret."""

    def on_request(self, exchange: Exchange) -> None:
        """Take note of a request that was answered, or was not."""

    def on_retry(self, retry: Retry) -> None:
        """Take note that something is tried again."""

    def on_wait(self, text: str) -> None:
        """Take note of why nothing goes on for a while."""

    def on_note(self, text: str) -> None:
        """Take note of a way that was taken because another was not open."""

    def on_warning(self, text: str) -> None:
        """Take note of something a person should read."""


class Silent:
    """An observer that does nothing."""

    def on_request(self, exchange: Exchange) -> None:
        """Do nothing."""

    def on_retry(self, retry: Retry) -> None:
        """Do nothing."""

    def on_wait(self, text: str) -> None:
        """Do nothing."""

    def on_note(self, text: str) -> None:
        """Do nothing."""

    def on_warning(self, text: str) -> None:
        """Do nothing."""


silent: Observer = Silent()
