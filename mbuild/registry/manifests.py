"""Manifests and tags of one registry: fetch, head, put."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from urllib.parse import quote

from mbuild.errors import IntegrityError, MbuildError, NotFound, ProtocolError, TransportError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, digest_of, parse_digest
from mbuild.oci.manifest import Content, media_type_of
from mbuild.registry.http.answers import Answer
from mbuild.registry.put import Put
from mbuild.registry.session import Request, Session

_ACCEPT = {"Accept": ", ".join(media_types.ACCEPTED)}
MOST_TAGS = 10
"""Tags in one request: distribution-spec asks registries to take that many."""

_KNOWN = media_types.INDEXES | media_types.IMAGE_MANIFESTS | media_types.SCHEMA1


class Manifests:
    """What distribution-spec's "Pulling manifests" and "Pushing manifests" say.

    `takes_tags` tells whether the registry takes tags with a manifest (OCI-Tag, end-7b);
    None until that was tried.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._locks: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self.takes_tags: bool | None = None

    async def fetch(self, path: str, reference: str) -> Content:
        """Fetch a manifest by tag or digest, hashed and compared."""
        request = self._request("GET", path, reference)
        answer = await self._session.call(request)
        if not answer.is_success:
            raise self._session.failure(answer, request.where)
        return self._read(answer, reference, request.where)

    async def head(self, path: str, reference: str) -> Descriptor | None:
        """Ask what a tag or digest holds; None where there is nothing."""
        request = self._request("HEAD", path, reference)
        answer = await self._session.call(request)
        if answer.status == 404:
            return None
        if answer.status == 405 or answer.is_success:
            found = _described(answer, reference, request.where)
            return found or await self._head_by_get(path, reference)
        raise self._session.failure(answer, request.where)

    async def put(self, path: str, reference: str, content: Content) -> Answer | None:
        """Put a manifest under a tag or its digest, and give the answer; see `Put`."""
        return await self._put(path, reference, content)

    async def put_tagged(
        self, path: str, content: Content, tags: tuple[str, ...]
    ) -> frozenset[str]:
        """Put a manifest under its digest, and name tags beside that are to move to it.

        Gives the tags that the registry took. One that has shown to take none is not asked
        again; one that answers with any failure gets the manifest alone.
        """
        digest = str(content.digest)
        if self.takes_tags is not False:
            try:
                answer = await self._put(path, digest, content, tags[:MOST_TAGS])
            except (TransportError, IntegrityError):
                raise
            except MbuildError:  # whatever it says, it may be meant for the tags
                pass
            else:
                return self._taken(answer, tags)
        await self._put(path, digest, content)
        self.takes_tags = bool(self.takes_tags)
        return frozenset()

    def _taken(self, answer: Answer | None, tags: tuple[str, ...]) -> frozenset[str]:
        if answer is None:  # its reply was lost, and with it what it says of tags
            return frozenset()
        self.takes_tags = self.takes_tags or bool(answer.tags)
        return answer.tags.intersection(tags)

    async def _put(
        self, path: str, reference: str, content: Content, tags: tuple[str, ...] = ()
    ) -> Answer | None:
        query = "&".join(f"tag={quote(tag, safe='')}" for tag in tags)
        request = Request(
            method="PUT",
            target=_target(path, reference) + (f"?{query}" if query else ""),
            where=self._session.where(path, reference),
            scopes=(self._session.scope(path, push=True),),
            headers={"Content-Type": content.media_type},
            content=content.raw,
        )
        look = self._request("GET" if self._looks_by_get() else "HEAD", path, reference)
        put = Put(self._session, request, content=content, look=look, lock=self._locks[path])
        return await put.run()

    async def read_back(self, path: str, reference: str) -> Digest | None:
        """Read what a tag or digest holds now; None where there is none.

        The bytes are fetched and hashed, but where a GET counts as a pull: there the
        registry's word is taken.
        """
        if not self._looks_by_get():
            found = await self.head(path, reference)
            return found.digest if found else None
        request = self._request("GET", path, reference)
        answer = await self._session.call(request)
        if answer.status == 404:
            return None
        if not answer.is_success:
            raise self._session.failure(answer, request.where)
        return digest_of(answer.body)

    def _looks_by_get(self) -> bool:
        return not self._session.host.is_hub

    def _request(self, method: str, path: str, reference: str) -> Request:
        return Request(
            method=method,
            target=_target(path, reference),
            where=self._session.where(path, reference),
            scopes=(self._session.scope(path),),
            headers=_ACCEPT,
        )

    async def _head_by_get(self, path: str, reference: str) -> Descriptor | None:
        try:
            return (await self.fetch(path, reference)).descriptor()
        except NotFound:
            return None

    def _read(self, answer: Answer, reference: str, where: str) -> Content:
        if answer.is_html:
            raise ProtocolError("answered with HTML, not a manifest", where=where)
        if not answer.body:
            raise ProtocolError(f"answered {answer.status} without a manifest", where=where)
        digest = digest_of_answer(answer, reference, where)
        try:
            media_type = media_type_of(answer.body, answer.headers.get("content-type", ""))
        except ValueError as error:
            raise ProtocolError(f"not a manifest: {error}", where=where) from None
        return Content(media_type, digest, answer.body)


def digest_of_answer(answer: Answer, reference: str, where: str) -> Digest:
    """Hash a manifest's bytes, and compare with what was asked and what the registry says.

    A digest asked for must be met. For a tag the registry's own Docker-Content-Digest must
    be, if it is of the same algorithm. Raises IntegrityError.
    """
    if ":" in reference:
        asked = parse_digest(reference)
        if not asked.matches(answer.body):
            raise IntegrityError(
                f"the registry sent other bytes than were asked for: sha256 is"
                f" {digest_of(answer.body).encoded}",
                where=where,
            )
        return asked
    digest = digest_of(answer.body)
    said = answer.digest
    if said and said.algorithm == digest.algorithm and said != digest:
        raise IntegrityError(
            f"the registry says that its digest is {said}, and sent bytes whose digest is {digest}",
            where=where,
        )
    return digest


def _described(answer: Answer, reference: str, where: str) -> Descriptor | None:
    """Read a HEAD's headers as a descriptor; None where they do not say enough."""
    media_type = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    length = answer.headers.get("content-length", "")
    said = answer.digest
    if answer.status == 405 or media_type not in _KNOWN or not said:
        return None
    if not length.isdecimal() or int(length) == 0:
        return None
    if ":" in reference:
        asked = parse_digest(reference)
        if asked.algorithm == said.algorithm and asked != said:
            raise IntegrityError(f"the registry says that its digest is {said}", where=where)
        said = asked
    return Descriptor(media_type, said, int(length))


def _target(path: str, reference: str) -> str:
    return f"{path}/manifests/{quote(reference, safe=':')}"
