"""Where redirects lead, what they may not lead to, and what stays behind."""

import httpx
import pytest

from mbuild.errors import ProtocolError
from mbuild.registry.http.redirects import redirected

URL = "https://reg.test/v2/team/app/blobs/sha256:aa?x=1"
WHERE = "reg.test/team/app@sha256:aa"


def answer(
    status: int, location: str | None, *, url: str = URL, method: str = "GET"
) -> httpx.Response:
    """An answer to a request with a token."""
    headers = {"Authorization": "Bearer secret", "Accept": "a/b", "User-Agent": "mbuild"}
    request = httpx.Request(method, url, headers=headers, extensions={"timeout": {"read": 1.0}})
    return httpx.Response(
        status, headers={} if location is None else {"Location": location}, request=request
    )


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_followed(status: int, method: str) -> None:
    """A redirect keeps method, headers and timeouts, and names the new host."""
    request = redirected(answer(status, "https://cdn.test:444/b?sig=1", method=method), where=WHERE)
    assert request
    assert (request.method, str(request.url)) == (method, "https://cdn.test:444/b?sig=1")
    assert dict(request.headers) == {
        "host": "cdn.test:444", "accept": "a/b", "user-agent": "mbuild",
    }  # fmt: skip
    assert request.extensions == {"timeout": {"read": 1.0}}


@pytest.mark.parametrize(
    ("status", "location", "method"),
    [
        (200, "https://cdn.test/", "GET"),
        (201, "https://cdn.test/", "PUT"),
        (304, "https://cdn.test/", "GET"),
        (307, "https://cdn.test/", "PUT"),
        (307, None, "GET"),
        (307, "", "GET"),
    ],
)
def test_not_followed(status: int, location: str | None, method: str) -> None:
    """Other statuses and methods lead nowhere, and so does a redirect that names no place."""
    assert redirected(answer(status, location, method=method), where=WHERE) is None


@pytest.mark.parametrize(
    ("url", "location", "keeps"),
    [
        (URL, "/v2/other", True),
        (URL, "https://REG.test/v2/other", True),
        (URL, "https://reg.test:443/v2/other", True),
        (URL, "//cdn.test/v2/other", False),
        (URL, "https://cdn.test/", False),
        (URL, "https://reg.test:8443/", False),
        ("http://reg.test/v2/", "https://reg.test/v2/", False),
        ("http://reg.test:5000/v2/", "http://reg.test:5000/v2/x", True),
        ("http://reg.test:5000/v2/", "http://reg.test/v2/x", False),
    ],
)
def test_authorization(url: str, location: str, keeps: bool) -> None:
    """The token goes on only where scheme, host and port are the same."""
    request = redirected(answer(307, location, url=url), where=WHERE)
    assert request
    assert ("authorization" in request.headers) is keeps


NO_ADDRESS = (
    f"{WHERE}: reg.test sends on to what is no http or https address;"
    " tell whoever runs the registry"
)
DOWNGRADE = (
    f"{WHERE}: reg.test sends on from https to plain http, at cdn.test; nothing was asked there;"
    " whoever runs the registry has to offer https"
)


@pytest.mark.parametrize(
    ("location", "message"),
    [
        ("ftp://cdn.test/b", NO_ADDRESS),
        ("https://:444/b", NO_ADDRESS),
        ("https://cdn.test:port/b", NO_ADDRESS),
        ("https://cdn.test/\x00", NO_ADDRESS),
        ("http:////]cdn", NO_ADDRESS),
        ("http://xn--\\-", NO_ADDRESS),
        (
            "http://user:word@cdn.test/b",
            DOWNGRADE,
        ),
    ],
)
def test_refused(location: str, message: str) -> None:
    """An address that is none is said so; nobody is led from https to plain http."""
    with pytest.raises(ProtocolError) as raised:
        redirected(answer(307, location), where=WHERE)
    assert str(raised.value) == message
