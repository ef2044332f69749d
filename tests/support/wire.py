"""A proxy in front of a registry that counts requests and dependent round trips at the wire."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import httpx

from tests.support.exchange import Answer, Exchange, Request, depths
from tests.support.loopback import LoopbackServer, serve_loopback

HOP_BY_HOP = ("connection", "keep-alive", "transfer-encoding", "content-length")


class Wire:
    """Passes requests on, and holds the answers back until the client has nothing more to ask.

    When every request under way is answered, and no new one has come for `settle` seconds,
    all the answers are let go at once: that is one round trip. So what a request had to wait
    for shows in the order of events, not in how fast a machine is. Connections, and
    handshakes that found no TLS, are no requests.
    """

    def __init__(self, upstream: str, client: httpx.Client, *, settle: float) -> None:
        self.server: LoopbackServer | None = None
        self._upstream = upstream
        self._client = client
        self._settle = settle
        self._change = threading.Condition()
        self._under_way = 0
        self._held = 0
        self._round = 0
        self._last = 0.0
        self._is_open = True

    @property
    def host(self) -> str:
        """The `host:port` to use in the registry's place."""
        assert self.server
        return self.server.host

    @property
    def exchanges(self) -> tuple[Exchange, ...]:
        """All requests, in the order of their arrival."""
        assert self.server
        return self.server.log.exchanges

    @property
    def round_trips(self) -> int:
        """The length of the longest chain of requests that waited for one another."""
        return max(depths(self.exchanges), default=0)

    @property
    def report(self) -> str:
        """The log for people: each request with the round trip it belongs to."""
        marked = zip(depths(self.exchanges), self.exchanges, strict=True)
        return "\n".join(f"{depth} {exchange}" for depth, exchange in marked)

    def clear(self) -> None:
        """Forget all requests so far."""
        assert self.server
        self.server.log.clear()

    def handle(self, request: Request) -> Answer:
        """Ask the registry at once, and answer when the round is over."""
        with self._change:
            self._under_way += 1
            self._last = time.monotonic()
        answer = self._forward(request)
        with self._change:
            self._under_way -= 1
            self._held += 1
            self._last = time.monotonic()
            mine = self._round
            self._change.wait_for(lambda: self._round > mine or not self._is_open)
        return answer

    def _forward(self, request: Request) -> Answer:
        headers = {name: value for name, value in request.headers.items() if name not in HOP_BY_HOP}
        asked = httpx.Request(
            request.method,
            f"{self._upstream}{request.target}",
            headers=headers,
            content=request.body,
        )
        answer = self._client.send(asked, stream=True)
        try:
            body = b"".join(answer.iter_raw())
        finally:
            answer.close()
        kept = {name: value for name, value in answer.headers.items() if name not in HOP_BY_HOP}
        if request.method == "HEAD" and "content-length" in answer.headers:
            kept["content-length"] = answer.headers["content-length"]
        return Answer(answer.status_code, kept, body)

    def release_rounds(self) -> None:
        """Let answers go, round by round, until `close`."""
        while self._is_open:
            time.sleep(self._settle / 10)
            with self._change:
                is_quiet = time.monotonic() - self._last >= self._settle
                if self._held and not self._under_way and is_quiet:
                    self._held = 0
                    self._round += 1
                    self._change.notify_all()

    def close(self) -> None:
        """Hold nothing back any more."""
        with self._change:
            self._is_open = False
            self._change.notify_all()


@contextmanager
def listen_at_the_wire(upstream: str, *, settle: float = 0.1) -> Iterator[Wire]:
    """Serve a registry's content through a proxy that counts, until the block ends."""
    limits = httpx.Limits(max_connections=None, max_keepalive_connections=100)
    with httpx.Client(limits=limits, trust_env=False, verify=False, timeout=30) as client:
        wire = Wire(upstream, client, settle=settle)
        thread = threading.Thread(target=wire.release_rounds)
        with serve_loopback(wire.handle) as server:
            wire.server = server
            thread.start()
            try:
                yield wire
            finally:
                wire.close()
                thread.join()
