"""Blobs of one registry: fetch, stream, look, measure, mount."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import quote

from httpx import URL

from mbuild.errors import Denied, IntegrityError, MbuildError, ProtocolError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.manifest import MAX_MANIFEST_SIZE
from mbuild.registry.http.redirects import target_of
from mbuild.registry.session import Request, Session

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
        _refuse_pages(answer.headers, request.where)
        length = answer.headers.get("content-length", "")
        is_encoded = answer.headers.get("content-encoding", "identity") != "identity"
        return int(length) if length.isdecimal() and not is_encoded else None

    async def hash(self, path: str, descriptor: Descriptor) -> tuple[int, Digest]:
        """Read a blob to its end, and give the size and digest that it has.

        Of more bytes than the descriptor says only the first too many are read.
        """
        where = self._session.where(path, descriptor.digest)

        async def attempt() -> tuple[int, Digest]:
            async with self._stream(path, descriptor.digest) as chunks:
                return await measured(chunks, descriptor)

        return await self._session.policy.run(where, attempt)

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
    async def open(self, path: str, descriptor: Descriptor) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a blob; its end is only reached when size and digest are right.

        Opening it is tried again; Temporary where the bytes then stop coming.
        """
        async with self._stream(path, descriptor.digest) as chunks:
            yield checked(chunks, descriptor, self._session.where(path, descriptor.digest))

    @asynccontextmanager
    async def _stream(self, path: str, digest: Digest) -> AsyncIterator[AsyncIterator[bytes]]:
        request = self._request("GET", path, digest)
        policy = self._session.policy
        async with AsyncExitStack() as stack:
            response = await policy.run(
                request.where, lambda: stack.enter_async_context(self._session.open(request))
            )
            _refuse_pages(response.headers, request.where)
            chunks = self._session.chunks(response, request.where)
            yield policy.deadline.bound_each(chunks, request.where)

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


def _refuse_pages(headers: Mapping[str, str], where: str) -> None:
    """Raise ProtocolError for a web page, such as a proxy's login, in the place of a blob."""
    if headers.get("content-type", "").strip().lower().startswith("text/html"):
        raise ProtocolError("answered with HTML, not a blob", where=where)


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
        raise _wrong_size(len(content), descriptor, where)
    if not descriptor.digest.matches(content):
        raise _wrong_digest(descriptor, where)


async def checked(
    chunks: AsyncIterator[bytes], descriptor: Descriptor, where: str
) -> AsyncIterator[bytes]:
    """Pass on the bytes, hashed on the way; IntegrityError in place of the last chunk.

    So nobody ever holds all the bytes of wrong content, and an upload of it is never complete.
    """
    hasher = descriptor.digest.hasher()
    size = 0
    held = b""
    async for chunk in chunks:
        if held:
            yield held
        hasher.update(chunk)
        size += len(chunk)
        held = chunk
        if size > descriptor.size:
            raise _wrong_size(size, descriptor, where)
    if size != descriptor.size:
        raise _wrong_size(size, descriptor, where)
    if hasher.hexdigest() != descriptor.digest.encoded:
        raise _wrong_digest(descriptor, where)
    if held:
        yield held


def _wrong_size(size: int, descriptor: Descriptor, where: str) -> IntegrityError:
    relation = "more than" if size > descriptor.size else "not"
    return IntegrityError(
        f"{size} bytes arrived, {relation} the {descriptor.size} that its descriptor says",
        where=where,
    )


def _wrong_digest(descriptor: Descriptor, where: str) -> IntegrityError:
    return IntegrityError(
        f"the bytes that arrived are not those of {descriptor.digest}", where=where
    )
