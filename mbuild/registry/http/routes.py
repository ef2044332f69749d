"""The ways out of this machine: direct or by proxy, with TLS or without, made when needed."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from mbuild.errors import UsageError
from mbuild.registry.http.connection import Connection
from mbuild.registry.http.lanes import Lanes
from mbuild.registry.http.proxies import proxy_for
from mbuild.registry.http.tls import make_bare_context

_PORTS = {"http": 80, "https": 443}
_LAST_PORT = 65535
_ONE = httpx.Limits(max_connections=1)


@dataclass(frozen=True, kw_only=True)
class Outside:
    """What routes need of the world.

    `make_tls` is asked at the first https request: a TLS context is slow to make, and a host
    spoken to in plain http never needs it.
    """

    environment: Mapping[str, str]
    make_tls: Callable[[], ssl.SSLContext]
    clock: Callable[[], float]


class Routes(httpx.AsyncBaseTransport):
    """A transport that picks the way by the request's URL: each origin has its own lanes.

    Of an origin's connections, at most `most_idle` stay open while nothing is sent.
    """

    def __init__(self, outside: Outside, *, most_idle: int) -> None:
        self._outside = outside
        self._most_idle = most_idle
        self._ways: dict[tuple[bytes, bytes, int | None], Lanes] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send the request on its way."""
        url = request.url
        key = (url.raw_scheme, url.raw_host, url.port)
        way = self._ways.get(key)
        if way is None:
            way = self._ways[key] = Lanes(self._make_lane_maker(url), most_idle=self._most_idle)
        return await way.handle_async_request(request)

    async def aclose(self) -> None:
        """Close every way that was made."""
        for way in self._ways.values():
            await way.aclose()

    def _make_lane_maker(self, url: httpx.URL) -> Callable[[], httpx.AsyncBaseTransport]:
        """Give what makes a connection to a URL's origin."""
        scheme = url.scheme
        if scheme not in _PORTS:
            raise httpx.UnsupportedProtocol(f"{scheme!r} is neither http nor https")
        host = f"[{url.host}]" if ":" in url.host else url.host
        address = f"{host}:{url.port or _PORTS[scheme]}"
        proxy = proxy_for(scheme, address, self._outside.environment)
        is_tls = scheme == "https"
        if not proxy:
            tls = self._outside.make_tls() if is_tls else None
            return lambda: Connection(tls, self._outside.clock)
        is_tls = is_tls or proxy.startswith("https:")
        context = self._outside.make_tls() if is_tls else make_bare_context()
        return lambda: _make_proxied(scheme, proxy, context)


def _make_proxied(scheme: str, proxy: str, context: ssl.SSLContext) -> httpx.AsyncHTTPTransport:
    """Make a connection through a proxy: its ways are httpx's business.

    `context` says who is trusted, the host and the proxy itself.
    """
    try:
        way = _proxy(httpx.URL(proxy), context)
        return httpx.AsyncHTTPTransport(verify=context, trust_env=False, limits=_ONE, proxy=way)
    except (ValueError, ImportError, httpx.InvalidURL):
        raise UsageError(
            f"the proxy for {scheme} cannot be used: it must be http://HOST:PORT or https://HOST:PORT"
        ) from None


def _proxy(url: httpx.URL, context: ssl.SSLContext) -> httpx.Proxy:
    if (url.port or 0) > _LAST_PORT:
        raise ValueError(url.port)
    return httpx.Proxy(url, ssl_context=context if url.scheme == "https" else None)
