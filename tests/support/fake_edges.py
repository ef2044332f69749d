"""How requests reach a fake registry: as an httpx transport, or over a loopback socket."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager

import httpx

from tests.support.certificates import TlsFiles
from tests.support.exchange import Answer, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.loopback import LoopbackServer, serve_loopback


class FakeTransport(httpx.AsyncBaseTransport):
    """Carries requests to fakes by `host[:port]`; any other host is a connection refused."""

    def __init__(self, hosts: Mapping[str, FakeRegistry]) -> None:
        self._hosts = dict(hosts)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Ask the host's fake, and answer or fail as a network would."""
        fake = self._hosts.get(request.url.netloc.decode())
        if fake is None:
            raise httpx.ConnectError("connection refused", request=request)
        asked = _to_request(request, await request.aread())
        number = fake.log.begin(asked)
        answer = fake.handle(asked)
        await asyncio.sleep(answer.delay)
        fake.log.end(number, 0 if answer.lost else answer.status)
        if answer.lost:
            raise httpx.ReadError("connection reset by peer", request=request)
        return _to_response(request, answer)


@contextmanager
def serve_fake(fake: FakeRegistry, *, tls: TlsFiles | None = None) -> Iterator[LoopbackServer]:
    """Serve a fake on a free loopback port until the block ends."""
    with serve_loopback(fake.handle, log=fake.log, tls=tls) as server:
        yield server


def plain_fake(fake: FakeRegistry) -> httpx.Client:
    """Give an httpx client that asks a fake directly: no fault is met, nothing is logged."""

    def answer(request: httpx.Request) -> httpx.Response:
        said = fake.handle_faultless(_to_request(request, request.read()))
        return httpx.Response(said.status, headers=dict(said.headers), content=said.body)

    return httpx.Client(base_url="http://registry.test", transport=httpx.MockTransport(answer))


def _to_request(request: httpx.Request, body: bytes) -> Request:
    url = request.url
    return Request(
        request.method,
        url.path,
        dict(url.params),
        {name.lower(): value for name, value in request.headers.items()},
        body,
        f"{url.scheme}://{url.netloc.decode()}",
        target=url.raw_path.decode(),
    )


def _to_response(request: httpx.Request, answer: Answer) -> httpx.Response:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    if answer.status != 204:
        headers.setdefault("content-length", str(len(answer.body)))
    body = b"" if request.method == "HEAD" else answer.body
    is_cut = answer.cut is not None and request.method != "HEAD"
    stream = _Body(body[: answer.cut], is_cut=is_cut)
    return httpx.Response(answer.status, headers=headers, stream=stream, request=request)


class _Body(httpx.AsyncByteStream):
    """A body in one piece, after which the connection may break."""

    def __init__(self, content: bytes, *, is_cut: bool) -> None:
        self._content = content
        self._is_cut = is_cut

    async def __aiter__(self) -> AsyncIterator[bytes]:
        if self._content:
            yield self._content
        if self._is_cut:
            raise httpx.RemoteProtocolError("peer closed connection without complete message body")
