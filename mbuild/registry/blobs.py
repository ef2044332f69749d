"""Blobs of one registry: fetch, stream, look, measure, mount."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import quote

from httpx import URL

from mbuild.errors import Denied, MbuildError, ProtocolError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.registry.downloads import Download, refuse_pages
from mbuild.registry.http.redirects import target_of
from mbuild.registry.session import Request, Session
from mbuild.registry.source import wrong_digest, wrong_size

_DECLINED = frozenset({202, 400, 401, 403, 404, 405})


class Blobs:
    """What distribution-spec's "Pulling blobs" and "Mounting a blob" say."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def fetch(self, path: str, descriptor: Descriptor) -> bytes:
        """Fetch a small blob whole, size and digest compared."""
        where = self._session.where(path, descriptor.digest)
        if descriptor.size > MAX_MANIFEST_SIZE:
            raise ProtocolError(
                f"{descriptor.size} bytes is more than the {MAX_MANIFEST_SIZE} that are read here",
                where=where,
            )
        answer = await self._session.call(self._request("GET", path, descriptor.digest))
        if not answer.is_success:
            raise self._session.failure(answer, where)
        check_bytes(answer.body, descriptor, where)
        return answer.body

    async def has(self, path: str, digest: Digest) -> bool:
        """Ask whether the repository has a blob."""
        request = self._request("HEAD", path, digest)
        answer = await self._session.call(request)
        if answer.status == 404:
            return False
        if not answer.is_success:
            raise self._session.failure(answer, request.where)
        return True

    async def size(self, path: str, digest: Digest) -> int | None:
        """Ask how large a blob is, None where the answer does not say; NotFound for 404."""
        request = self._request("HEAD", path, digest)
        answer = await self._session.call(request)
        if not answer.is_success:
            raise self._session.failure(answer, request.where)
        refuse_pages(answer.headers, request.where)
        length = answer.headers.get("content-length", "")
        is_encoded = answer.headers.get("content-encoding", "identity") != "identity"
        return int(length) if length.isdecimal() and not is_encoded else None

    async def hash(self, path: str, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read a blob to its end, and give the size and digest that it has.

        Of more bytes than the descriptor says only the first too many are read.
        """
        async with self.open(path, descriptor) as chunks:
            return await measured(chunks, descriptor)

    async def mount(self, path: str, digest: Digest, from_path: str) -> bool:
        """Ask that a blob of another repository here be in this one too; False if declined."""
        request = Request(
            method="POST",
            target=f"{path}/blobs/uploads/?mount={quote(str(digest), safe='')}"
            f"&from={quote(from_path, safe='')}",
            where=self._session.where(path, digest),
            # The destination first: some registries read only the first scope.
            scopes=(self._session.scope(path, push=True), self._pull_scope(from_path)),
            headers={"Content-Length": "0"},
        )
        try:
            answer = await self._session.call(request)
        except Denied:
            return False
        if answer.status == 202 and (location := answer.headers.get("location")):
            await self._cancel(path, answer.url, location, where=request.where)
        if answer.status != 201 and answer.status not in _DECLINED:
            raise self._session.failure(answer, request.where)
        return answer.status == 201

    @asynccontextmanager
    async def open(
        self, path: str, descriptor: Descriptor, offset: int = 0
    ) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a blob from an offset on; its bytes are not compared with anything.

        A stream that breaks is opened again where it stopped.
        """
        request = self._request("GET", path, descriptor.digest)
        async with Download(self._session, request, offset=offset) as download:
            yield download.chunks()

    def _pull_scope(self, path: str) -> str:
        return f"repository:{path}:pull"

    def _request(self, method: str, path: str, digest: Digest) -> Request:
        return Request(
            method=method,
            target=f"{path}/blobs/{digest}",
            where=self._session.where(path, digest),
            scopes=(self._session.scope(path),),
        )

    async def _cancel(self, path: str, base: URL, location: str, *, where: str) -> None:
        """Give up an upload session that a mount began; the registry may refuse."""
        try:
            request = Request(
                method="DELETE",
                target=str(target_of(base, location, where=where)),
                where=where,
                scopes=(self._session.scope(path, push=True),),
            )
            async with self._session.policy.deadline.bound(where):
                await self._session.attempt(request)
        except MbuildError:
            return


async def measured(chunks: AsyncIterator[bytes], descriptor: Descriptor) -> tuple[int, Digest]:
    """Hash a stream as its descriptor's digest does; give the size and digest that it has.

    It is read to its end, or to the first piece that makes it too large.
    """
    hasher = descriptor.digest.hasher()
    size = 0
    async for chunk in chunks:
        hasher.update(chunk)
        size += len(chunk)
        if size > descriptor.size:
            break
    return size, Digest(descriptor.digest.algorithm, hasher.hexdigest())


def check_bytes(content: bytes, descriptor: Descriptor, where: str) -> None:
    """Compare whole content with its descriptor; IntegrityError."""
    if len(content) != descriptor.size:
        raise wrong_size(len(content), descriptor, where)
    if not descriptor.digest.matches(content):
        raise wrong_digest(descriptor, where)
