"""Bytes to and from a host, over TCP or TLS; what goes wrong is raised as httpx raises it."""

from __future__ import annotations

import asyncio
import socket
import ssl

import httpx

from mbuild.registry.http.dial import dial

CHUNK = 64 * 1024
"""The most bytes that are read at once."""


class _Arrivals(asyncio.StreamReaderProtocol):
    """Puts what arrives into a reader; `unread` bytes of it were not taken out."""

    def __init__(self) -> None:
        loop = asyncio.get_running_loop()
        self.reader = asyncio.StreamReader(limit=CHUNK, loop=loop)
        self.unread = 0
        super().__init__(self.reader, loop=loop)

    def data_received(self, data: bytes) -> None:
        self.unread += len(data)
        super().data_received(data)

    def connection_lost(self, exc: Exception | None) -> None:
        # A reader that knows of a failure does not give what arrived before it.
        super().connection_lost(None if self.unread else exc)


class Stream:
    """An open connection, over `connection`. Timeouts are in seconds, None for none."""

    def __init__(
        self, arrivals: _Arrivals, writer: asyncio.StreamWriter, connection: socket.socket
    ) -> None:
        self._arrivals = arrivals
        self._writer = writer
        self._connection = connection

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing has arrived that was not read, the end included."""
        arrivals = self._arrivals
        if arrivals.unread or arrivals.reader.at_eof() or self._writer.is_closing():
            return False
        try:  # A busy event loop may not have come to read what the system has for it.
            self._connection.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    async def read(self, timeout: float | None) -> bytes:  # noqa: ASYNC109  # mapped to httpx's
        """Wait for bytes; none are the end. Raises httpx.ReadTimeout and ReadError."""
        arrivals = self._arrivals
        try:
            async with asyncio.timeout(timeout):
                chunk = await arrivals.reader.read(CHUNK)
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error
        arrivals.unread -= len(chunk)
        return chunk

    def write(self, chunk: bytes) -> None:
        """Send bytes, or keep them until they can be sent; `drain` waits for that."""
        self._writer.write(chunk)

    async def drain(self, timeout: float | None) -> None:  # noqa: ASYNC109  # mapped to httpx's
        """Wait until more may be written. Raises httpx.WriteTimeout and WriteError."""
        try:
            async with asyncio.timeout(timeout):
                await self._writer.drain()
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def close(self) -> None:
        """Hang up at once: whoever closes expects no more, and waits for nobody."""
        self._writer.transport.abort()


async def open_stream(url: httpx.URL, tls: ssl.SSLContext | None, wait: float | None) -> Stream:
    """Connect to a URL's host. Raises httpx.ConnectTimeout and ConnectError."""
    loop = asyncio.get_running_loop()
    host = url.raw_host.decode("ascii")
    try:
        async with asyncio.timeout(wait):
            connection = await dial(host, url.port or (443 if url.scheme == "https" else 80))
            transport, arrivals = await loop.create_connection(
                _Arrivals, sock=connection, ssl=tls, server_hostname=host if tls else None
            )
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error)) from error
    writer = asyncio.StreamWriter(transport, arrivals, arrivals.reader, loop)
    return Stream(arrivals, writer, connection)
