"""Answers as values, and what the registry's own words in them say."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from mbuild.errors import Denied, MbuildError, NotFound, ProtocolError, RegistryError, StorageFull
from mbuild.oci.digest import Digest, parse_digest

MAX_ERROR_BODY = 64 * 1024
"""How much of an error's body is read, in bytes."""

_MAX_TEXT = 200
_NEXT = re.compile(r"""<([^>]*)>\s*;[^<]*?\brel\s*=\s*"?next\b""", re.IGNORECASE)
_MAX_ERRORS = 3

_FULL = re.compile(rb'"Err":\s*(?:28|122)\b|no space left on device|disk quota exceeded')
"""The numbers are ENOSPC and EDQUOT, which is how distribution's `filesystem` driver tells it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A response that was read: `url` is where it came from in the end, after redirects."""

    status: int
    headers: httpx.Headers
    body: bytes
    url: httpx.URL

    @property
    def is_success(self) -> bool:
        """Tell whether the status is 2xx."""
        return 200 <= self.status < 300

    @property
    def codes(self) -> tuple[str, ...]:
        """Give the error codes in the body (distribution-spec, "Error Codes")."""
        return tuple(code for code, _ in parse_errors(self.body))

    @property
    def digest(self) -> Digest | None:
        """Give Docker-Content-Digest, None where it is absent or malformed."""
        try:
            return parse_digest(self.headers.get("docker-content-digest", "").strip())
        except ValueError:
            return None

    @property
    def subject(self) -> Digest | None:
        """Give what a PUT is now a referrer of (OCI-Subject), None where it does not say."""
        try:
            return parse_digest(self.headers.get("oci-subject", "").strip())
        except ValueError:
            return None

    @property
    def tags(self) -> frozenset[str]:
        """Give the tags that a PUT has set by its query (OCI-Tag, repeated or a list)."""
        said = self.headers.get("oci-tag", "").split(",")
        return frozenset(tag.strip() for tag in said) - {""}

    @property
    def next_page(self) -> str:
        """Give the address of the next page as it is written (RFC 8288), empty without one."""
        for link in self.headers.get_list("link"):
            if found := _NEXT.search(link):
                return found[1].strip()
        return ""

    @property
    def is_full(self) -> bool:
        """Tell whether the registry's storage is full: 507, or what distribution says with 500."""
        return self.status == 507 or (self.status == 500 and bool(_FULL.search(self.body)))

    @property
    def is_html(self) -> bool:
        """Tell whether it is a web page, which no registry's API gives."""
        is_declared = self.headers.get("content-type", "").strip().lower().startswith("text/html")
        return is_declared or self.body.lstrip()[:1] == b"<"

    def describe(self) -> str:
        """Say in one line who answered what: `HOST answered 404 Not Found (CODE: message)`."""
        host = self.url.netloc.decode("ascii", "replace")
        words = "; ".join(_words(self.body))
        said = f" ({words})" if words else ""
        return f"{host} answered {self.status} {phrase(self.status)}".rstrip() + said


def phrase(status: int) -> str:
    """Give the standard words for a status, or empty text."""
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return ""


def printable(text: str, limit: int = _MAX_TEXT) -> str:
    """Give foreign text as one bounded line: control characters are escaped."""
    line = "".join(
        char if char.isprintable() else char.encode("unicode_escape").decode()
        for char in " ".join(text.split())[: limit + 1]
    )
    return line if len(line) <= limit else f"{line[:limit]}…"


def parse_errors(body: bytes) -> tuple[tuple[str, str], ...]:
    """Read code and message of each error in a body; anything else gives none.

    The text of a `detail` joins the message (distribution names the missing child there).
    """
    try:
        data = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    errors = data.get("errors") if isinstance(data, dict) else None
    return tuple(_read_errors(errors)) if isinstance(errors, list) else ()


def _read_errors(errors: list[Any]) -> Iterator[tuple[str, str]]:
    for error in errors:
        if isinstance(error, Mapping):
            code, message, detail = (error.get(key) for key in ("code", "message", "detail"))
            parts = (part for part in (message, detail) if isinstance(part, str) and part)
            yield str(code or "UNKNOWN"), " ".join(parts)


def _words(body: bytes) -> Iterator[str]:
    for code, message in parse_errors(body)[:_MAX_ERRORS]:
        yield printable(f"{code}: {message}" if message else code)


def failure(answer: Answer, *, where: str, login_hint: str) -> MbuildError:
    """Give the error that an answer is: Denied, NotFound, StorageFull or RegistryError.

    `login_hint` says what to do about a login that is missing or not enough.
    """
    if answer.is_full:
        return StorageFull(f"its storage is full: {answer.describe()}", where=where)
    if answer.status in (401, 403):
        return Denied(answer.describe(), where=where, hint=login_hint)
    if answer.status != 404:
        return RegistryError(answer.describe(), where=where)
    if answer.is_html:
        return ProtocolError(f"{answer.describe()}, as a web page", where=where)
    return NotFound(answer.describe(), where=where)
