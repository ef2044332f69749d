"""A TCP connection to a host, by whichever of its addresses answers."""

from __future__ import annotations

import asyncio
import socket

PATIENCE = 1.0
"""Seconds after which an address that does not answer is left, if there is another."""

_Where = tuple[str, int] | tuple[str, int, int, int] | tuple[int, bytes]


async def dial(host: str, port: int, *, patience: float = PATIENCE) -> socket.socket:
    """Connect to a host; its addresses are tried in the order of the resolver.

    A machine whose IPv6 leads nowhere then still reaches hosts that have IPv4 too. Raises
    OSError, UnicodeError for what is no name.
    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    *others, last = [(family, address) for family, *_, address in found]
    for address in others:
        try:
            async with asyncio.timeout(patience):
                return await _connect(*address)
        except OSError:
            continue  # the failure of the last address is the one that is told
    return await _connect(*last)


async def _connect(family: socket.AddressFamily, where: _Where) -> socket.socket:
    connection = socket.socket(family, socket.SOCK_STREAM)
    try:
        connection.settimeout(0)  # as asyncio needs it
        await asyncio.get_running_loop().sock_connect(connection, where)
    except BaseException:
        connection.close()
        raise
    return connection
