"""Answers whose bodies are streamed, and whose failures are told as those of their host."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from typing import TYPE_CHECKING

import httpx

from mbuild.registry.http.failures import Temporary, located, translated
from mbuild.registry.http.wire import checked_length, host_of
from mbuild.registry.retry.pace import Pace
from mbuild.registry.retry.transport import Policy

if TYPE_CHECKING:
    from mbuild.registry.session import Request


class Opening(ABC):
    """Whoever asks one host: a registry's session, or what asks a layer's URL."""

    def __init__(self, pace: Pace, policy: Policy) -> None:
        self._pace = pace
        self.policy = policy

    @asynccontextmanager
    async def open(self, request: Request) -> AsyncIterator[httpx.Response]:
        """Send a request without trying it again; the body of 2xx is not read.

        Raises Temporary for temporary failures, and the error that any other answer is.
        """
        async with AsyncExitStack() as stack:
            with self._blamed(request.where):
                response = await self._opened(request, stack)
            yield response  # outside of the blame: what fails now may be the reader's own doing

    async def chunks(self, response: httpx.Response, where: str) -> AsyncIterator[bytes]:
        """Give the body of an opened answer; Temporary where it ends early, and whose it is."""
        with self._blamed(where), translated(host_of(response.url), where):
            async for chunk in checked_length(response, where):
                yield chunk

    @contextmanager
    def _blamed(self, where: str) -> Iterator[None]:
        """Say of a failure which host it befell, and while which reference was asked for."""
        with located(self._pace.host, where):
            try:
                yield
            except Temporary as failure:
                failure.befell(self._pace)
                raise

    @abstractmethod
    async def _opened(self, request: Request, stack: AsyncExitStack) -> httpx.Response:
        """Open the answer in `stack`, which is left empty where that fails."""
