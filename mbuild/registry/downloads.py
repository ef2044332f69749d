"""Downloading a blob: a stream that breaks is opened again at the byte where it stopped."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

import httpx

from mbuild.errors import ProtocolError
from mbuild.registry.http.failures import Temporary
from mbuild.registry.opening import Opening
from mbuild.registry.session import Request

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(?:\d+|\*)")


class Download:
    """The bytes that a GET gives, from an offset on; an async context manager.

    To enter it opens the stream. Opening it, and each wait for more of it, is an operation
    that the policy repeats: so attempts count anew with every chunk that comes.
    """

    def __init__(self, session: Opening, request: Request, *, offset: int) -> None:
        self._session = session
        self._request = request
        self._offset = offset
        self._stack = AsyncExitStack()
        self._stream: AsyncIterator[bytes] | None = None

    async def __aenter__(self) -> Self:
        try:
            await self._session.policy.run(self._request.where, self._open)
        except BaseException:  # of a block that is not entered nobody calls the exit
            await self._stack.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._stack.aclose()

    async def chunks(self) -> AsyncIterator[bytes]:
        """Give the bytes; raises the error of the last attempt where they do not come."""
        policy, where = self._session.policy, self._request.where
        while (chunk := await policy.run(where, self._next)) is not None:
            self._offset += len(chunk)
            yield chunk

    async def _next(self) -> bytes | None:
        """Give the next bytes, None at the end."""
        stream = self._stream or await self._open()
        try:
            return await anext(stream, None)
        except Temporary:
            self._stream = None
            await self._stack.aclose()
            raise

    async def _open(self) -> AsyncIterator[bytes]:
        request = self._request.with_range(self._offset) if self._offset else self._request
        response = await self._stack.enter_async_context(self._session.open(request))
        refuse_pages(response.headers, request.where)
        surplus = self._offset - _first_byte(response, request.where)
        if surplus < 0:
            raise ProtocolError(
                f"asked for the bytes from {self._offset} on, the registry sent those from"
                f" {self._offset - surplus} on",
                where=request.where,
            )
        chunks = self._session.chunks(response, request.where)
        self._stream = _without(chunks, surplus) if surplus else chunks
        return self._stream


def _first_byte(response: httpx.Response, where: str) -> int:
    """Tell at which byte an answer begins (RFC 9110, 14.4); one that is not in parts, at 0."""
    if response.status_code != httpx.codes.PARTIAL_CONTENT:
        return 0
    said = response.headers.get("content-range", "")
    if not (found := _CONTENT_RANGE.fullmatch(said.strip())):
        raise ProtocolError(f"sent a part of a blob, and of it says only {said!r}", where=where)
    return int(found[1])


async def _without(chunks: AsyncIterator[bytes], surplus: int) -> AsyncIterator[bytes]:
    """Leave out the first bytes, which were not asked for."""
    async for chunk in chunks:
        if surplus < len(chunk):
            yield chunk[surplus:]
        surplus = max(0, surplus - len(chunk))


def refuse_pages(headers: Mapping[str, str], where: str) -> None:
    """Raise ProtocolError for a web page, such as a proxy's login, in the place of a blob."""
    if headers.get("content-type", "").strip().lower().startswith("text/html"):
        raise ProtocolError("answered with HTML, not a blob", where=where)
