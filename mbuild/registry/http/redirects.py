"""Where an answer sends a request on to, and what the request may take along."""

from __future__ import annotations

import httpx

from mbuild.errors import ProtocolError

LEAVES_OTHER_PAGES = "mbuild.leaves_other_pages"
"""The extension of a request for which a 303 ("See Other") is an answer, and not followed."""

_STATUSES = frozenset({301, 302, 303, 307, 308})


def redirected(response: httpx.Response, *, where: str) -> httpx.Request | None:
    """Give the request that an answer to a GET or HEAD leads to, None where it leads nowhere.

    Authorization stays behind when scheme, host or port is another. Raises ProtocolError for
    an address that is none, and for one that would lead from https to plain http.
    """
    request = response.request
    if response.status_code not in _STATUSES or request.method not in ("GET", "HEAD"):
        return None
    if response.status_code == 303 and LEAVES_OTHER_PAGES in request.extensions:
        return None
    if not (location := response.headers.get("location")):
        return None
    url = target_of(request.url, location, where=where)
    headers = request.headers.copy()
    headers["Host"] = _written(url)
    if _origin(url) != _origin(request.url):
        headers.pop("Authorization", None)
    return httpx.Request(request.method, url, headers=headers, extensions=request.extensions)


def target_of(base: httpx.URL, location: str, *, where: str) -> httpx.URL:
    """Give the address that an answer from `base` names, perhaps relative to it.

    Raises ProtocolError for what is none, and for one that would lead from https to plain http.
    """
    try:
        url = base.join(location)
        host = url.host
    except (httpx.InvalidURL, ValueError):  # ValueError is urllib's, and that of idna
        url, host = httpx.URL(), ""
    if url.scheme not in ("http", "https") or not host:
        raise ProtocolError(
            f"{_written(base)} sends on to what is no http or https address",
            where=where,
            hint="tell whoever runs the registry",
        )
    if base.scheme == "https" and url.scheme == "http":
        raise ProtocolError(
            f"{_written(base)} sends on from https to plain http, at {_written(url)}",
            where=where,
            hint="nothing was asked there; whoever runs the registry has to offer https",
        )
    return url


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port


def _written(url: httpx.URL) -> str:
    return url.netloc.decode("ascii")
