"""The ways out of this machine: direct or by proxy, with TLS or without, made when needed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping

import httpx

from mbuild.errors import UsageError
from mbuild.registry.proxies import proxy_for
from mbuild.registry.tls import make_bare_context


class Routes(httpx.AsyncBaseTransport):
    """A transport that picks the way by the request's URL.

    The TLS context is asked for at the first https request: it is slow to make, and a host
    spoken to in plain http never needs it.
    """

    def __init__(
        self,
        *,
        environment: Mapping[str, str],
        make_tls: Callable[[], ssl.SSLContext],
        limits: httpx.Limits,
    ) -> None:
        self._environment = environment
        self._make_tls = make_tls
        self._limits = limits
        self._ways: dict[tuple[str, str], httpx.AsyncHTTPTransport] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request on its way."""
        return await self._way(request.url).handle_async_request(request)

    async def aclose(self) -> None:
        """Close every way that was made."""
        for way in self._ways.values():
            await way.aclose()

    def _way(self, url: httpx.URL) -> httpx.AsyncHTTPTransport:
        port = url.port or (443 if url.scheme == "https" else 80)
        host = f"[{url.host}]" if ":" in url.host else url.host
        proxy = proxy_for(url.scheme, f"{host}:{port}", self._environment)
        key = (url.scheme, proxy)
        if key not in self._ways:
            self._ways[key] = self._make_way(url.scheme, proxy)
        return self._ways[key]

    def _make_way(self, scheme: str, proxy: str) -> httpx.AsyncHTTPTransport:
        try:
            return httpx.AsyncHTTPTransport(
                verify=self._make_tls() if scheme == "https" else make_bare_context(),
                trust_env=False,
                limits=self._limits,
                proxy=proxy or None,
            )
        except (ValueError, ImportError, httpx.InvalidURL):
            raise UsageError(
                f"the proxy for {scheme} cannot be used: it must be http://HOST:PORT or https://HOST:PORT"
            ) from None
