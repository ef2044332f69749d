"""Putting a manifest: late registries are given time, a lost reply is settled by looking."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

from mbuild.errors import IntegrityError, MbuildError, RegistryError, TagRefused
from mbuild.oci.manifest import Content
from mbuild.registry.foreign import explained
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.failures import Temporary
from mbuild.registry.session import Request, Session

_UNSETTLED = frozenset({"BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID"})
"""Codes of registries that have not yet settled what was pushed a moment ago."""

_UNSETTLED_RETRIES = 2
_MISSING_REPOSITORY = "NAME_UNKNOWN"
_ACCEPTED = frozenset({200, 201, 202, 204})
_REFUSED = frozenset({405, 409, 412, 423})
"""Statuses that refuse a tag: it may not be moved, or not be made."""


class Put:
    """One PUT of a manifest, by tag or by digest (distribution-spec, "Pushing manifests").

    `look` asks what the reference holds; `lock` lets the repository's retries of unsettled
    manifests through one at a time.
    """

    def __init__(
        self, session: Session, request: Request, *, content: Content, look: Request,
        lock: asyncio.Lock,
    ) -> None:  # fmt: skip
        self._session = session
        self._request = request
        self._content = content
        self._look = look
        self._lock = lock
        self._unsettled = 0
        self._is_lost = False

    async def run(self) -> Answer | None:
        """Put it, and give the answer; None where a look showed that it is there.

        Raises Denied, TagRefused, IntegrityError, RegistryError or TransportError. A refused
        tag that holds these very bytes is as good as put: somebody else was first.
        """
        try:
            return await self._session.policy.run(self._request.where, self._attempt)
        except RegistryError as error:
            is_open = self._is_lost or isinstance(error, TagRefused)
            if not is_open or not await self._is_there_after_all():
                raise
            return None

    async def _attempt(self) -> Answer | None:
        # A look is tried again by itself: it takes no attempt away from the PUT.
        if self._is_lost and self._is_there(await self._session.call(self._look)):
            return None
        async with AsyncExitStack() as stack:
            if self._unsettled:
                await stack.enter_async_context(self._lock)
            answer = await self._send()
        self._judge(answer)
        return answer

    async def _send(self) -> Answer:
        try:
            return await self._session.attempt(self._request)
        except Temporary as failure:
            reason = explained(failure.error, self._content)
            if reason is not failure.error:
                raise reason from failure
            self._is_lost |= failure.lost
            raise

    def _judge(self, answer: Answer) -> None:
        if answer.status in _ACCEPTED:
            self._check_digest(answer)
            return
        error = self._error(answer)
        if _UNSETTLED.intersection(answer.codes) and isinstance(error, RegistryError):
            self._unsettled += 1
            if self._unsettled <= _UNSETTLED_RETRIES:
                raise Temporary(error, lost=False)
        elif _MISSING_REPOSITORY not in answer.codes:
            error.refusal = answer.status
        raise explained(error, self._content)

    def _check_digest(self, answer: Answer) -> None:
        stored, sent = answer.digest, self._content.digest
        if stored and stored.algorithm == sent.algorithm and stored != sent:
            raise IntegrityError(
                f"the registry stored {stored} where {sent} was sent",
                where=self._request.where,
            )

    def _error(self, answer: Answer) -> MbuildError:
        where, said = self._request.where, answer.describe()
        codes = answer.codes
        if answer.status in (401, 403):
            return self._session.failure(answer, where)
        if answer.status == 404 and _MISSING_REPOSITORY in codes:
            hint = "the repository may have to be created first"
            return RegistryError(said, where=where, hint=hint)
        if answer.status == 413:
            return RegistryError(
                f"{said}: its limit is below this manifest's {self._content.size} bytes",
                where=where,
            )
        if not self._is_by_digest() and (answer.status in _REFUSED or "TAG_INVALID" in codes):
            return TagRefused(
                f"the tag was refused: {said}",
                where=where,
                hint="it may be immutable; choose another tag, or allow it in the registry",
            )
        if answer.status == 405:
            return self._session.write_failure(answer, where)
        return RegistryError(said, where=where)

    def _is_by_digest(self) -> bool:
        return "@" in self._request.where

    def _is_there(self, answer: Answer) -> bool:
        """Tell of the answer to a look whether the reference holds the bytes that were sent."""
        if not answer.is_success:
            return False
        if self._look.method == "GET":
            return self._content.digest.matches(answer.body)
        return answer.digest == self._content.digest

    async def _is_there_after_all(self) -> bool:
        """Look a last time, when no attempt is left."""
        try:
            async with self._session.policy.deadline.bound(self._request.where):
                return self._is_there(await self._session.attempt(self._look))
        except MbuildError:
            return False
