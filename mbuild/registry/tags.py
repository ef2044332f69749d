"""Tags of one registry: listed page by page, and deleted where that deletes the tag alone."""

from __future__ import annotations

from urllib.parse import quote

from mbuild.errors import ProtocolError
from mbuild.oci.fields import parse_object
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.redirects import target_of
from mbuild.registry.session import Request, Session

DELETES_ONLY_TAG = frozenset({"quay.io", "registry.gitlab.com"})
"""Registries that take `DELETE` of a tag, and leave its manifest and its other tags alone.

Sources: quay.io, pull request 3128 of quay/quay; registry.gitlab.com, issue 1094 of
gitlab-org/container-registry. A registry that answers with OCI-Tag counts as one too: it
follows the version of distribution-spec that says so ("Deleting tags"). Others may delete the
manifest with all that names it (Harbor's API does), and distribution 2 refuses.
"""

_GONE = frozenset({200, 202, 204, 404})
_REFUSED = frozenset({400, 401, 403, 405, 501})
_MOST_PAGES = 1000


class Tags:
    """What distribution-spec's "Listing Tags" and "Deleting tags" say."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def delete(self, path: str, tag: str) -> bool:
        """Delete a tag; False where the registry refuses.

        Only this asks for the right to delete.
        """
        request = Request(
            method="DELETE",
            target=f"{path}/manifests/{quote(tag)}",
            where=self._session.where(path, tag),
            scopes=(f"repository:{path}:pull,push,delete",),
        )
        answer = await self._session.call(request)
        if answer.status in _GONE or answer.status in _REFUSED:
            return answer.status in _GONE
        raise self._session.failure(answer, request.where)

    async def list(self, path: str) -> tuple[str, ...]:
        """List a repository's tags, page by page; none where it does not exist."""
        target, tags = f"{path}/tags/list", list[str]()
        where, scopes = f"{self._session.host.domain}/{path}", (self._session.scope(path),)
        for _ in range(_MOST_PAGES):
            answer = await self._session.call(
                Request(method="GET", target=target, where=where, scopes=scopes)
            )
            if answer.status == 404 and not answer.is_html:
                return tuple(tags)
            if not answer.is_success:
                raise self._session.failure(answer, where)
            tags += _read(answer, where)
            if not (following := answer.next_page):
                return tuple(tags)
            target = str(target_of(answer.url, following, where=where))
        raise ProtocolError(f"the list of its tags has more than {_MOST_PAGES} pages", where=where)


def _read(answer: Answer, where: str) -> list[str]:
    try:
        tags = parse_object(answer.body).get("tags") or []
    except ValueError as error:
        raise ProtocolError(f"not a list of tags: {error}", where=where) from None
    if not isinstance(tags, list) or not all(isinstance(tag, str) for tag in tags):
        raise ProtocolError("not a list of tags", where=where)
    return tags
