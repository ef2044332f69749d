"""Uploading a blob: one that breaks goes on from the byte to which the registry has it."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from urllib.parse import quote

from mbuild.errors import IntegrityError, MbuildError, ProtocolError, RegistryError
from mbuild.oci.descriptor import Descriptor
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.failures import Temporary
from mbuild.registry.http.redirects import target_of
from mbuild.registry.session import Request, Session
from mbuild.registry.source import OpenSource, checked

WORTH_RESUMING = 1024 * 1024
"""Fewer bytes than this are sent again as fast as the registry is asked for them."""

_COMMIT_TIMEOUT = 600.0
"""Seconds that a registry may take to store a blob after its last byte."""

_ARRIVED = re.compile(r"(?:bytes[= ])?0-(\d+)")
_ACCEPTED = frozenset({200, 201, 202, 204})
_GONE = frozenset({400, 404})
"""Statuses to a session that was left alone for a while, and is not there any more."""

_MISPLACED = 416


class Upload:
    """One blob on its way (distribution-spec, "Pushing blobs").

    A POST opens a session, one streamed PUT fills and closes it. Where the PUT breaks, the
    registry is asked how far it came; a PATCH brings the rest, and another PUT closes the
    session. One that the registry knows no more is begun anew. What is around the bytes is
    tried again by itself, and so a bad network costs each request its own attempts only.
    """

    def __init__(
        self, session: Session, path: str, *, descriptor: Descriptor, open_source: OpenSource
    ) -> None:
        self._session = session
        self._path = path
        self._descriptor = descriptor
        self._where = session.where(path, descriptor.digest)
        self._open_source = checked(descriptor, open_source, where=self._where)
        self._scopes = (session.scope(path, push=True),)
        self._location = ""
        self._sent = 0
        self._furthest = 0
        self._is_lost = False
        self._is_renewed = False

    async def run(self, location: str = "") -> None:
        """Upload it, perhaps in a session that is open already.

        Raises what the source raises, Denied, or RegistryError and its kinds.
        """
        self._location = location
        await self._session.policy.run(self._where, self._attempt)

    async def _attempt(self) -> None:
        is_whole = self._sent == self._descriptor.size
        if self._is_lost and is_whole and await self._is_there():
            return
        offset = await self._find_offset() if self._sent and self._location else 0
        has_advanced = offset >= self._furthest + WORTH_RESUMING
        self._furthest = max(self._furthest, offset)
        try:
            await self._send(offset)
        except Temporary as failure:
            self._is_lost = failure.lost
            if self._sent < WORTH_RESUMING:
                self._location = ""
            failure.has_advanced = has_advanced
            raise

    async def _find_offset(self) -> int:
        """Ask how many bytes the session holds; 0 where it is to be begun anew.

        `Range: 0-0` is what registries answer for one byte, and for none.
        """
        location, self._location = self._location, ""
        try:
            answer = await self._session.call(self._request("GET", location))
        except RegistryError:  # whoever cannot say it may still take the blob anew
            return 0
        found = _ARRIVED.fullmatch(answer.headers.get("range", "").strip())
        held = int(found[1]) + 1 if found and answer.is_success else 0
        if not 1 < held <= self._sent:
            return 0
        self._location = location
        self._note_location(answer)
        return held

    async def _send(self, offset: int) -> None:
        self._sent = offset
        if offset and offset == self._descriptor.size:
            await self._close()
            return
        async with self._open_source(offset) as chunks:
            if offset:
                await self._append(offset, chunks)
            else:
                is_new = not self._location
                self._location = self._location or await self._begin()
                await self._fill(chunks, is_new=is_new)
        if offset:
            await self._close()

    async def _begin(self) -> str:
        """Open an upload session and give its URL."""
        target = f"{self._path}/blobs/uploads/"
        answer = await self._session.call(self._request("POST", target, {"Content-Length": "0"}))
        if answer.status != 202:
            raise self._refusal(answer)
        location = answer.headers.get("location", "")
        if not location:
            raise ProtocolError(
                "the registry opened an upload and did not say where",
                where=self._where,
                hint="try again; if it stays, tell whoever runs the registry",
            )
        return str(target_of(answer.url, location, where=self._where))

    async def _fill(self, chunks: AsyncIterator[bytes], *, is_new: bool) -> None:
        """Send all bytes, and have the registry store them as the blob."""
        headers = {"Content-Length": str(self._descriptor.size)}
        answer = await self._stream("PUT", self._closing, headers, chunks)
        self._judge(answer, is_new=is_new)
        if self._sent < self._descriptor.size and not await self._is_there():
            raise self._too_early(answer)

    async def _append(self, offset: int, chunks: AsyncIterator[bytes]) -> None:
        """Send the rest of the bytes, for the registry to lay beside those it has."""
        size = self._descriptor.size
        headers = {
            "Content-Length": str(size - offset),
            "Content-Range": f"{offset}-{size - 1}",
        }
        answer = await self._stream("PATCH", self._location, headers, chunks)
        self._judge(answer, is_new=False)
        if self._sent < size:
            raise self._too_early(answer)
        self._note_location(answer)

    async def _close(self) -> None:
        """Have the registry store what it was sent as the blob."""
        request = self._request("PUT", self._closing, {"Content-Length": "0"})
        answer = await self._session.attempt(request.with_patience(_COMMIT_TIMEOUT))
        self._judge(answer, is_new=False)

    async def _stream(
        self, method: str, target: str, headers: dict[str, str], chunks: AsyncIterator[bytes]
    ) -> Answer:
        headers = {**headers, "Content-Type": "application/octet-stream"}
        request = self._request(method, target, headers).with_content(self._counted(chunks))
        answer = await self._session.attempt(request.with_patience(_COMMIT_TIMEOUT))
        if answer.status == 401 and not self._is_renewed:
            # A token that ended while others were served: the stream is spent, so start again.
            self._is_renewed = True
            raise Temporary(self._session.failure(answer, self._where), lost=False)
        return answer

    async def _counted(self, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for chunk in chunks:
            self._sent += len(chunk)  # a part of it may arrive before the line breaks
            yield chunk

    def _judge(self, answer: Answer, *, is_new: bool) -> None:
        if answer.status in _ACCEPTED:
            self._check_digest(answer)
            return
        error = self._refusal(answer)
        if is_new or answer.status not in (*_GONE, _MISPLACED):
            raise error
        if answer.status in _GONE:
            self._location = ""
        raise Temporary(error, lost=False)

    def _check_digest(self, answer: Answer) -> None:
        said, digest = answer.digest, self._descriptor.digest
        if said and said.algorithm == digest.algorithm and said != digest:
            raise IntegrityError(f"the registry stored {said}", where=self._where)

    def _too_early(self, answer: Answer) -> Temporary:
        """Give what a success is that comes before the end: of bytes nobody has checked."""
        text = f"{answer.describe()} before all of the blob was sent"
        hint = "try again; if it stays, tell whoever runs the registry, or the proxy before it"
        return Temporary(ProtocolError(text, where=self._where, hint=hint))

    def _refusal(self, answer: Answer) -> MbuildError:
        if answer.status == 413:
            size = self._descriptor.size
            return RegistryError(
                f"{answer.describe()}: its limit is below this blob's {size} bytes",
                where=self._where,
                hint="raise the limit of the registry, or of the proxy before it",
            )
        return self._session.write_failure(answer, self._where)

    async def _is_there(self) -> bool:
        target = f"{self._path}/blobs/{self._descriptor.digest}"
        return (await self._session.call(self._request("HEAD", target))).is_success

    def _note_location(self, answer: Answer) -> None:
        """Go on at the address that the registry gave last, where it gave one."""
        if location := answer.headers.get("location", ""):
            self._location = str(target_of(answer.url, location, where=self._where))

    @property
    def _closing(self) -> str:
        """Give the address that stores what was sent as the blob."""
        separator = "&" if "?" in self._location else "?"
        digest = quote(str(self._descriptor.digest), safe="")
        return f"{self._location}{separator}digest={digest}"

    def _request(self, method: str, target: str, headers: dict[str, str] | None = None) -> Request:
        return Request(
            method=method,
            target=target,
            where=self._where,
            scopes=self._scopes,
            headers=headers or {},
        )
