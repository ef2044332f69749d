"""Uploading a blob: its bytes are sent again from the first one on, in a session of its own."""

from __future__ import annotations

from collections.abc import AsyncIterator
from urllib.parse import quote

from mbuild.errors import IntegrityError, ProtocolError
from mbuild.oci.descriptor import Descriptor
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.failures import Temporary
from mbuild.registry.http.redirects import target_of
from mbuild.registry.session import Request, Session
from mbuild.registry.source import OpenSource, checked

_COMMIT_TIMEOUT = 600.0
"""Seconds that a registry may take to store a blob after its last byte."""


class Upload:
    """One blob on its way (distribution-spec, "Pushing a blob monolithically").

    A POST opens a session, one streamed PUT fills and closes it. A session that failed is not
    trusted with more bytes. An attempt is one PUT: what goes before it is tried again by
    itself, and so a bad network costs each request its own attempts only.
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
        self._is_lost = False
        self._is_renewed = False

    async def run(self) -> None:
        """Upload it. Raises what the source raises, Denied, or RegistryError and its kinds."""
        await self._session.policy.run(self._where, self._attempt)

    async def _attempt(self) -> None:
        if self._is_lost and await self._is_there():
            return
        async with self._open_source(0) as chunks:
            location = await self._begin()
            try:
                await self._fill(location, chunks)
            except Temporary as failure:
                self._is_lost = failure.lost
                raise

    async def _begin(self) -> str:
        """Open an upload session and give its URL."""
        answer = await self._session.call(
            self._request("POST", f"{self._path}/blobs/uploads/", {"Content-Length": "0"})
        )
        if answer.status != 202:
            raise self._session.write_failure(answer, self._where)
        location = answer.headers.get("location", "")
        if not location:
            raise ProtocolError(
                "the registry opened an upload and did not say where",
                where=self._where,
                hint="try again; if it stays, tell whoever runs the registry",
            )
        return str(target_of(answer.url, location, where=self._where))

    async def _fill(self, location: str, chunks: AsyncIterator[bytes]) -> None:
        separator = "&" if "?" in location else "?"
        digest = quote(str(self._descriptor.digest), safe="")
        headers = {
            "Content-Length": str(self._descriptor.size),
            "Content-Type": "application/octet-stream",
        }
        request = self._request("PUT", f"{location}{separator}digest={digest}", headers)
        answer = await self._session.attempt(request.with_content(chunks, _COMMIT_TIMEOUT))
        if answer.status == 401 and not self._is_renewed:
            # A token that ended while others were served: the stream is spent, so start again.
            self._is_renewed = True
            raise Temporary(self._session.failure(answer, self._where), lost=False)
        self._judge(answer)

    def _judge(self, answer: Answer) -> None:
        if answer.status not in (200, 201, 202, 204):
            raise self._session.write_failure(answer, self._where)
        said, digest = answer.digest, self._descriptor.digest
        if said and said.algorithm == digest.algorithm and said != digest:
            raise IntegrityError(f"the registry stored {said}", where=self._where)

    async def _is_there(self) -> bool:
        target = f"{self._path}/blobs/{self._descriptor.digest}"
        return (await self._session.call(self._request("HEAD", target, {}))).is_success

    def _request(self, method: str, target: str, headers: dict[str, str]) -> Request:
        return Request(
            method=method, target=target, where=self._where, scopes=self._scopes, headers=headers
        )
