"""Asking token services on behalf of one registry, each at a pace of its own."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

from mbuild.registry.hosts import Host
from mbuild.registry.http.answers import Answer
from mbuild.registry.http.failures import Temporary, located
from mbuild.registry.http.wire import Wire, host_of
from mbuild.registry.login.token import (
    MAX_TOKEN_BODY,
    Token,
    TokenQuestion,
    TokenRequest,
    token_flow,
)
from mbuild.registry.retry.clocks import Clocks
from mbuild.registry.retry.temporary import check_answer
from mbuild.registry.retry.transport import Policy


class TokenClient:
    """Carries out token flows over the registry's wire; what fails is said of the registry.

    A token service on another host that asks to slow down, or is dead, stops tokens only.
    """

    def __init__(self, host: Host, *, wire: Wire, policy: Policy, clocks: Clocks) -> None:
        self._host = host
        self._wire = wire
        self._policy = policy
        self._clocks = clocks
        self._elsewhere: dict[str, Wire] = {}

    async def ask(self, question: TokenQuestion) -> Token:
        """Carry out a token flow: each of its requests is retried on its own."""
        flow = token_flow(question)
        request = next(flow)
        while True:
            attempt = partial(self._attempt, request)
            answer = await self._policy.run(self._host.domain, attempt)
            try:
                request = flow.send(answer)
            except StopIteration as done:
                token: Token = done.value
                return token

    async def close(self) -> None:
        """Stop what is still waiting at a gate; the registry's own is not closed here."""
        for wire in self._elsewhere.values():
            await wire.pace.close()

    async def _attempt(self, request: TokenRequest) -> Answer:
        built = self._wire.build(request.method, request.url, content=request.form or None)
        if request.form:
            built.headers["Content-Type"] = "application/x-www-form-urlencoded"
        if request.authorization:
            built.headers["Authorization"] = request.authorization
        where = self._host.domain
        wire = self._wire_to(host_of(built.url))
        try:
            with located(wire.pace.host, where):
                answer = await wire.send(built, limit=MAX_TOKEN_BODY, where=where)
            check_answer(answer, where=where, now=self._clocks.wall())
        except Temporary as failure:
            failure.befell(wire.pace)
            raise
        wire.pace.answered()
        return answer

    def _wire_to(self, host: str) -> Wire:
        if host == self._host.address:
            return self._wire
        if host not in self._elsewhere:
            self._elsewhere[host] = replace(self._wire, pace=self._wire.pace.beside(host))
        return self._elsewhere[host]
