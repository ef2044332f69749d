"""Bytes to and from a host, over TCP or TLS; what goes wrong is raised as httpx raises it."""

from __future__ import annotations

import asyncio
import socket
import ssl
from functools import partial

import httpx

from mbuild.registry.http.dial import dial
from mbuild.registry.http.flow import Flow


class Stream:
    """An open connection, over `connection`. Timeouts are in seconds, None for none."""

    def __init__(self, flow: Flow, transport: asyncio.Transport, connection: socket.socket) -> None:
        self._flow = flow
        self._transport = transport
        self._connection = connection

    @property
    def is_quiet(self) -> bool:
        """Tell whether nothing has arrived that was not read, the end included."""
        if not self._flow.is_quiet or self._transport.is_closing():
            return False
        try:  # A busy event loop may not have come to read what the system has for it.
            self._connection.recv(1, socket.MSG_PEEK)
        except OSError as error:
            return isinstance(error, BlockingIOError)
        return False

    @property
    def has_arrived(self) -> bool:
        """Tell whether bytes can be read at once."""
        return self._flow.has_arrived

    async def read(self, timeout: float | None) -> bytes:  # noqa: ASYNC109  # mapped to httpx's
        """Wait for bytes; none are the end. Raises httpx.ReadTimeout and ReadError."""
        flow = self._flow
        try:
            if flow.is_quiet:  # a timeout that is not needed costs more than all the rest
                async with asyncio.timeout(timeout):
                    await flow.arrival()
            return flow.take()
        except TimeoutError as error:
            raise httpx.ReadTimeout(str(error)) from error
        except OSError as error:
            raise httpx.ReadError(str(error)) from error

    def write(self, chunk: bytes) -> None:
        """Send bytes, or keep them until they can be sent; `drain` waits for that."""
        self._transport.write(memoryview(chunk))  # of which the transport cuts what is left

    async def drain(self, timeout: float | None) -> None:  # noqa: ASYNC109  # mapped to httpx's
        """Wait until more may be written, or something has arrived.

        Raises httpx.WriteTimeout and WriteError.
        """
        if self._flow.is_open:
            return
        try:
            async with asyncio.timeout(timeout):
                await self._flow.drain()
        except TimeoutError as error:
            raise httpx.WriteTimeout(str(error)) from error
        except OSError as error:
            raise httpx.WriteError(str(error)) from error

    def close(self) -> None:
        """Hang up at once: whoever closes expects no more, and waits for nobody."""
        self._transport.abort()


async def open_stream(url: httpx.URL, tls: ssl.SSLContext | None, wait: float | None) -> Stream:
    """Connect to a URL's host. Raises httpx.ConnectTimeout and ConnectError."""
    loop = asyncio.get_running_loop()
    host = url.raw_host.decode("ascii")
    try:
        async with asyncio.timeout(wait):
            connection = await dial(host, url.port or (443 if url.scheme == "https" else 80))
            transport, flow = await loop.create_connection(
                partial(Flow, is_tls=tls is not None),
                sock=connection,
                ssl=tls,
                server_hostname=host if tls else None,
            )
    except TimeoutError as error:
        raise httpx.ConnectTimeout(str(error)) from error
    except (OSError, UnicodeError) as error:
        raise httpx.ConnectError(str(error)) from error
    return Stream(flow, transport, connection)
