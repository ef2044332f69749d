"""Blobs of one registry: fetch, stream, look, measure, mount."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from urllib.parse import quote

from mbuild.errors import Denied, ProtocolError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.registry.downloads import Download, refuse_pages
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.redirects import target_of
from mbuild.registry.session import Request, Session
from mbuild.registry.source import wrong_digest, wrong_size

_REFUSED = frozenset({400, 401, 403, 404, 405, 501})
"""Statuses of registries that do not mount, or not from there."""


class Blobs:
    """What distribution-spec's "Pulling blobs" and "Mounting a blob" say."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._sessions: dict[tuple[str, Digest], str] = {}
        self._unmountable: set[tuple[str, str]] = set()
        self._told: set[tuple[str, str]] = set()

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
        """Ask that a blob of another repository here be in this one too; False if declined.

        A registry that declines opens an upload (202), which `take_session` gives; one that
        refuses is not asked again to mount from there.
        """
        if (path, from_path) in self._unmountable:
            return False
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
        except Denied as error:
            self._refused(path, from_path, error.message)
            return False
        if answer.status == 201:
            return True
        if answer.status == 202:
            self._keep_session(path, digest, answer)
            self._tell_declined(path, from_path, "202")
        elif answer.status in _REFUSED:
            self._refused(path, from_path, str(answer.status))
        else:
            raise self._session.failure(answer, request.where)
        return False

    def take_session(self, path: str, digest: Digest) -> str:
        """Give the upload session that a declined mount has opened, once; empty without one."""
        return self._sessions.pop((path, digest), "")

    def _keep_session(self, path: str, digest: Digest, answer: Answer) -> None:
        location = answer.headers.get("location", "")
        with suppress(ProtocolError):  # without an address that serves, the copy begins another
            where = self._session.where(path, digest)
            if location:
                self._sessions[path, digest] = str(target_of(answer.url, location, where=where))

    def _refused(self, path: str, from_path: str, why: str) -> None:
        self._unmountable.add((path, from_path))
        self._tell_declined(path, from_path, why)

    def _tell_declined(self, path: str, from_path: str, why: str) -> None:
        """Tell, once for two repositories, that blobs go the longer way."""
        if (path, from_path) not in self._told:
            self._told.add((path, from_path))
            domain = self._session.host.domain
            self._session.policy.observer.on_note(
                f"{domain} declined to mount from {from_path} into {path} ({why}): blobs are copied"
            )

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
