"""Layers that lie at URLs of their own: asked for by https, and without any login."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager

import httpx

from mbuild.errors import MbuildError, SourceError
from mbuild.oci.descriptor import Descriptor
from mbuild.registry.downloads import Download
from mbuild.registry.hosts import Host
from mbuild.registry.http.answers import MAX_ERROR_BODY, failure, printable
from mbuild.registry.http.failures import translated
from mbuild.registry.http.wire import Wire, host_of
from mbuild.registry.opening import Opening
from mbuild.registry.retry.clocks import Clocks
from mbuild.registry.retry.temporary import check_answer
from mbuild.registry.retry.transport import Policy
from mbuild.registry.session import Request

_NO_LOGIN = "a layer's URL is asked without a login; without --foreign-layers it stays there"


class Elsewhere:
    """The hosts that the URLs of layers name; `connect` gives the way to one.

    No credentials are sent there, and no challenge is answered, whoever the host is.
    """

    def __init__(self, connect: Callable[[Host], Wire], *, policy: Policy, clocks: Clocks) -> None:
        self._connect = connect
        self._policy = policy
        self._clocks = clocks
        self._hosts: dict[str, Outside] = {}

    async def close(self) -> None:
        """Stop what is still waiting at a gate."""
        for outside in self._hosts.values():
            await outside.close()

    @asynccontextmanager
    async def open(self, layer: Descriptor, offset: int = 0) -> AsyncIterator[AsyncIterator[bytes]]:
        """Stream a layer from an offset on, from the first of its URLs that answers.

        Its bytes are not compared with anything. Raises what came of the last URL, SourceError
        for one that is not https.
        """
        async with AsyncExitStack() as stack:
            download = await self._enter(layer, offset, stack)
            yield download.chunks()

    async def _enter(self, layer: Descriptor, offset: int, stack: AsyncExitStack) -> Download:
        *others, last = layer.urls
        for url in others:
            try:
                return await stack.enter_async_context(self._download(url, offset))
            except MbuildError as error:
                self._policy.observer.on_note(f"{error}; the layer's next URL is asked")
        return await stack.enter_async_context(self._download(last, offset))

    def _download(self, text: str, offset: int) -> Download:
        url = _parse(text)
        host = host_of(url)
        outside = self._hosts.get(host)
        if outside is None:
            wire = self._connect(Host(host, host))
            outside = self._hosts[host] = Outside(wire, policy=self._policy, clocks=self._clocks)
        request = Request(method="GET", target=str(url), where=printable(text))
        return Download(outside, request, offset=offset)


class Outside(Opening):
    """A host that is no registry: what it gives, it gives to everyone."""

    def __init__(self, wire: Wire, *, policy: Policy, clocks: Clocks) -> None:
        super().__init__(wire.pace, policy)
        self._wire = wire
        self._clocks = clocks

    async def close(self) -> None:
        """Stop what is still waiting at the gate."""
        await self._pace.close()

    async def _opened(self, request: Request, stack: AsyncExitStack) -> httpx.Response:
        pace, where = self._pace, request.where
        pace.check()
        built = self._wire.build(request.method, request.target, headers=request.headers)
        response = await stack.enter_async_context(self._wire.open(built, where=where))
        if not response.is_success:
            with translated(host_of(response.url), where):
                answer = await self._wire.read(response, limit=MAX_ERROR_BODY, where=where)
            check_answer(answer, where=where, now=self._clocks.wall())
            pace.answered()
            raise failure(answer, where=where, login_hint=_NO_LOGIN)
        pace.answered()
        return response


def _parse(text: str) -> httpx.URL:
    """Read a layer's URL; raises SourceError for one that is not to be asked."""
    try:
        url = httpx.URL(text)
        host = url.host
    except (httpx.InvalidURL, ValueError):  # ValueError is that of idna
        url, host = httpx.URL(), ""
    if url.scheme != "https" or not host or url.userinfo:
        raise SourceError(
            f"a layer lies at {printable(text)!r}; only https addresses without a user are asked",
            hint="build the image on a base whose layers are in registries",
        )
    return url
