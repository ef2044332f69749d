"""A threaded HTTP/1.1 server on a free loopback port: every answer comes from one function."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler
from itertools import count
from socketserver import ThreadingTCPServer
from urllib.parse import parse_qsl, unquote, urlsplit

from tests.support.certificates import TlsFiles
from tests.support.exchange import Answer, Handler, Request, RequestLog

TLS_HANDSHAKE = b"\x16"
# What Go's server sends to a client that begins with a handshake where it expects HTTP.
NOT_TLS = b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n400 Bad Request"


class LoopbackServer(ThreadingTCPServer):
    """Where the server listens, what it was asked, and what it was not asked properly.

    `handshakes` counts connections that wanted TLS from a server without it, or failed at it.
    """

    allow_reuse_address = True
    request_queue_size = 256
    daemon_threads = False

    def __init__(self, handler: Handler, log: RequestLog, tls: ssl.SSLContext | None) -> None:
        super().__init__(("127.0.0.1", 0), _Connection)
        self.answer = handler
        self.log = log
        self.tls = tls
        self.handshakes = 0
        self.numbers = count(1)
        self.faults: list[Exception] = []
        self._open: set[socket.socket] = set()

    @property
    def host(self) -> str:
        """The `host:port` it listens on."""
        return f"127.0.0.1:{self.socket.getsockname()[1]}"

    @property
    def url(self) -> str:
        """The address of its root, without a slash at the end."""
        return f"{'https' if self.tls else 'http'}://{self.host}"

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        """Accept a connection, and remember it until it is closed."""
        connection, address = super().get_request()
        assert isinstance(connection, socket.socket)
        self._open.add(connection)
        return connection, address

    def shutdown_request(self, request: object) -> None:
        """Close a connection, and forget it."""
        assert isinstance(request, socket.socket)
        self._open.discard(request)
        super().shutdown_request(request)

    def handle_error(self, request: object, client_address: object) -> None:
        """Nothing to do: `_Connection` keeps what went wrong in `faults`."""

    def stop(self) -> None:
        """End the loop, hang up on every client, wait for the threads."""
        self.shutdown()
        for connection in list(self._open):
            with suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
        self.server_close()


@contextmanager
def serve_loopback(
    handler: Handler, *, log: RequestLog | None = None, tls: TlsFiles | None = None
) -> Iterator[LoopbackServer]:
    """Serve answers of `handler` until the block ends; a fault in `handler` is raised then."""
    context = None
    if tls:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(tls.certificate, tls.key)
    server = LoopbackServer(handler, log or RequestLog(), context)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield server
    finally:
        server.stop()
        thread.join()
    if server.faults:
        raise server.faults[0]


class _Connection(BaseHTTPRequestHandler):
    """One connection: requests read one after another, each answered by the server's function."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    server: LoopbackServer

    def handle(self) -> None:
        """Answer requests until either side hangs up."""
        self.number = next(self.server.numbers)
        with suppress(ConnectionError, ssl.SSLError):
            if self._is_speaking_http():
                super().handle()

    def _is_speaking_http(self) -> bool:
        if self.connection.recv(1, socket.MSG_PEEK) != TLS_HANDSHAKE:
            return self.server.tls is None
        if self.server.tls is None:
            self.server.handshakes += 1
            self.wfile.write(NOT_TLS)
            return False
        return self._shake_hands(self.server.tls)

    def _shake_hands(self, context: ssl.SSLContext) -> bool:
        """Go on in TLS; the plain socket's own object stays, for `shutdown_request` to close."""
        try:
            wrapped = context.wrap_socket(self.connection.dup(), server_side=True)
        except (ssl.SSLError, OSError):
            self.server.handshakes += 1
            return False
        self.connection = wrapped
        self.rfile = wrapped.makefile("rb")
        self.wfile = wrapped.makefile("wb", buffering=0)  # type: ignore[assignment]
        return True

    def finish(self) -> None:
        """Close what was opened for TLS, then the rest."""
        with suppress(OSError, ValueError):
            super().finish()
        if isinstance(self.connection, ssl.SSLSocket):
            self.connection.close()

    def _serve(self) -> None:
        request = self._read_request()
        number = self.server.log.begin(request)
        try:
            answer = self.server.answer(request)
        except Exception as error:  # noqa: BLE001  # raised again by serve_loopback
            self.server.faults.append(error)
            answer = Answer(HTTPStatus.INTERNAL_SERVER_ERROR, body=repr(error).encode())
        time.sleep(answer.delay)
        self.server.log.end(number, 0 if answer.lost else answer.status)
        self._write_answer(answer)

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815

    def _read_request(self) -> Request:
        url = urlsplit(self.path)
        scheme = "https" if self.server.tls else "http"
        return Request(
            self.command,
            unquote(url.path),
            dict(parse_qsl(url.query, keep_blank_values=True)),
            # A header may be given in several lines, as docker does with Accept.
            {name.lower(): ", ".join(self.headers.get_all(name, [])) for name in self.headers},
            self._read_body(),
            f"{scheme}://{self.headers.get('host', self.server.host)}",
            self.number,
            self.path,
        )

    def _read_body(self) -> bytes:
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self._read_as_far(int(self.headers.get("content-length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _read_as_far(self, length: int) -> bytes:
        """Read a body, or of one that is broken off what has arrived."""
        body = bytearray()
        with suppress(OSError):
            while len(body) < length and (part := self.rfile.read1(length - len(body))):
                body += part
        return bytes(body)

    def _write_answer(self, answer: Answer) -> None:
        if answer.lost:
            self.close_connection = True
            return
        headers = {name.lower(): value for name, value in answer.headers.items()}
        if answer.status != HTTPStatus.NO_CONTENT:
            headers.setdefault("content-length", str(len(answer.body)))
        phrase = HTTPStatus(answer.status).phrase
        head = f"HTTP/1.1 {answer.status} {phrase}\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        body = b"" if self.command == "HEAD" else answer.body[: answer.cut]
        self.wfile.write(head.encode("latin-1") + b"\r\n" + body)
        if answer.cut is not None:
            self.close_connection = True

    def log_message(self, *_: object) -> None:
        """Keep stderr clean: the server has a log of its own."""
