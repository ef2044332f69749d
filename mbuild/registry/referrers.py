"""Referrers in one registry: listed by its API, or else by a tag that clients keep."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace

from mbuild.errors import NotFound, ProtocolError, RegistryError
from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest
from mbuild.oci.index import Index, parse_index, to_content
from mbuild.oci.manifest import Content
from mbuild.oci.referrers import referrers_tag
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.redirects import target_of
from mbuild.registry.manifests import Manifests
from mbuild.registry.session import Request, Session

_NO_API = frozenset({303, 400, 401, 403, 404, 405, 406, 501})
"""Statuses with which registries answer that have no referrers API.

404 is distribution-spec's; 400, 405 and 406 are met as well, and ghcr.io leads with a 303 to a
page of another kind. Who may not read (401, 403) is refused the tag too, and told so then.
"""

_ACCEPT = {"Accept": media_types.OCI_INDEX}
_EMPTY = Index(media_types.OCI_INDEX, ())
_NO_LIST = "the tag is kept for a list of referrers, and holds none"
_HINT = "run the same command again, or leave out 'referrers: copy'"
_MOST_PAGES = 100
_MOST_LISTED = 10_000
_ROUNDS = 4


class Referrers:
    """What distribution-spec's "Listing Referrers" and "Referrers Tag Schema" say.

    That a registry has no such API at all is found out once, and then only the tag is asked.
    """

    def __init__(self, session: Session, manifests: Manifests) -> None:
        self._session = session
        self._manifests = manifests
        self._has_api: bool | None = None
        self._is_asked = False
        self._first = asyncio.Lock()
        self._locks: defaultdict[tuple[str, str], asyncio.Lock] = defaultdict(asyncio.Lock)

    async def list(self, path: str, subject: Digest) -> tuple[Descriptor, ...]:
        """List the referrers of a manifest, each once; none where there are none."""
        found = await self._by_api(path, subject)
        if found is None:
            found = (await self._by_tag(path, subject)).manifests
        return tuple({one.digest: one for one in found}.values())

    async def put(self, path: str, subject: Digest, content: Content) -> bool:
        """Put a manifest by its digest; False where the tag has to name it as a referrer."""
        answer = await self._manifests.put(path, str(content.digest), content)
        if answer is None:  # its reply was lost, and with it what it says of the subject
            return bool(self._has_api)
        return answer.subject == subject

    async def add(self, path: str, subject: Digest, referrers: Sequence[Descriptor]) -> None:
        """Name referrers in the tag, beside those that it names already.

        No registry lets this be done as one step. So the tag is read back, and written again
        where another client wrote it at the same time. Raises RegistryError where that goes on.
        """
        tag = referrers_tag(subject)
        where = self._session.where(path, tag)
        async with self._locks[path, tag]:
            for _ in range(_ROUNDS):
                index = await self._to_extend(path, subject)
                named = {one.digest for one in index.manifests}
                missing = tuple(one for one in referrers if one.digest not in named)
                if not missing:
                    return
                longer = replace(index, manifests=(*index.manifests, *missing))
                await self._manifests.put(path, tag, to_content(longer))
        raise RegistryError(
            "the tag that lists referrers does not keep what is written to it",
            where=where,
            hint="other clients may be writing it at the same time: run the same command again",
        )

    async def _by_api(self, path: str, subject: Digest) -> tuple[Descriptor, ...] | None:
        """List by the API; None where the registry has none. The first question is asked alone."""
        if not self._is_asked:
            async with self._first:
                if not self._is_asked:
                    found = await self._pages(path, subject)
                    self._is_asked = True
                    return found
        return None if self._has_api is False else await self._pages(path, subject)

    async def _pages(self, path: str, subject: Digest) -> tuple[Descriptor, ...] | None:
        target, found = f"{path}/referrers/{subject}", list[Descriptor]()
        where, scopes = self._session.where(path, subject), (self._session.scope(path),)
        for number in range(_MOST_PAGES):
            answer = await self._session.call(
                Request(
                    method="GET",
                    target=target,
                    where=where,
                    scopes=scopes,
                    headers=_ACCEPT,
                    leaves_other_pages=True,
                )
            )
            if number:
                self._check_further(answer, where)
            elif not self._is_list(answer, path, where):
                return None
            found += _read(answer, where)
            if len(found) > _MOST_LISTED:
                break
            if not (following := answer.next_page):
                return tuple(found)
            target = str(target_of(answer.url, following, where=where))
        raise ProtocolError("the list of its referrers does not end", where=where, hint=_HINT)

    def _check_further(self, answer: Answer, where: str) -> None:
        """Raise the error that a further page is; never is it a sign that there is no API.

        What the first pages have listed would be left behind, and nobody told.
        """
        if answer.status in _NO_API - {401, 403}:
            text = f"the list of its referrers breaks off: {answer.describe()}"
            raise ProtocolError(text, where=where, hint=_HINT)
        if not answer.is_success:
            raise self._session.failure(answer, where)

    def _is_list(self, answer: Answer, path: str, where: str) -> bool:
        """Tell a list of referrers from the ways in which registries say that they have none."""
        is_page = answer.is_success and answer.is_html
        if not is_page and answer.status not in _NO_API:
            if not answer.is_success:
                raise self._session.failure(answer, where)
            self._has_api = True
            return True
        # Without a code in it a 404 is not about the repository: there is no such address.
        is_for_all = answer.status == 303 or (answer.status == 404 and not answer.codes)
        if is_for_all and not self._has_api:
            self._has_api = False
        self._session.policy.observer.on_note(
            f"{self._session.host.domain}/{path}: no referrers API ({answer.describe()}); the tag "
            "for referrers is asked instead"
        )
        return False

    async def _by_tag(self, path: str, subject: Digest) -> Index:
        """Read the tag's list; a tag that holds none says nothing (distribution-spec)."""
        content = await self._tagged(path, subject)
        try:
            return parse_index(content.raw) if content else _EMPTY
        except ValueError as error:
            where = self._session.where(path, referrers_tag(subject))
            self._session.policy.observer.on_note(f"{where}: {_NO_LIST}: {error}")
            return _EMPTY

    async def _to_extend(self, path: str, subject: Digest) -> Index:
        """Read the tag's list to write a longer one; what else it holds is not written over."""
        content = await self._tagged(path, subject)
        try:
            return parse_index(content.raw) if content else _EMPTY
        except ValueError as error:
            raise RegistryError(
                f"{_NO_LIST}: {error}",
                where=self._session.where(path, referrers_tag(subject)),
                hint="delete the tag, or move what it holds to another one",
            ) from None

    async def _tagged(self, path: str, subject: Digest) -> Content | None:
        try:
            content = await self._manifests.fetch(path, referrers_tag(subject))
        except NotFound:
            return None
        # registry.gitlab.com takes the tag for the digest itself, and gives the image.
        return None if content.digest == subject else content


def _read(answer: Answer, where: str) -> tuple[Descriptor, ...]:
    try:
        return parse_index(answer.body).manifests
    except ValueError as error:
        raise ProtocolError(f"not a list of referrers: {error}", where=where) from None
