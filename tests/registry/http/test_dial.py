"""A host's addresses are tried in turn, and no socket is left behind."""

import asyncio
import socket
from collections.abc import Iterator

import pytest

from mbuild.registry.http.dial import dial

Address = tuple[str, int]


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    """A port at which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener


@pytest.fixture
def nobody() -> Iterator[Address]:
    """A port at which nobody listens."""
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()


@pytest.fixture
def silent() -> Iterator[Address]:
    """A port whose queue is full: it answers no new connection."""
    with socket.socket() as full, socket.socket() as first:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        yield full.getsockname()


async def _dial(*addresses: Address) -> Address:
    """Dial a name that has these addresses; give the one that was reached."""
    loop = asyncio.get_running_loop()

    async def getaddrinfo(*_: object, **__: object) -> list[object]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in addresses]

    loop.getaddrinfo = getaddrinfo  # type: ignore[method-assign,assignment]
    with await dial("registry.test", 5000, patience=0.05) as connection:
        found: Address = connection.getpeername()
        return found


def test_one_address(listener: socket.socket) -> None:
    """A name with one address is reached there."""
    assert asyncio.run(_dial(listener.getsockname())) == listener.getsockname()


def test_refused_address(listener: socket.socket, nobody: Address) -> None:
    """An address that refuses is left for the next."""
    address = listener.getsockname()
    assert asyncio.run(_dial(nobody, address)) == address


def test_silent_address(listener: socket.socket, silent: Address) -> None:
    """An address that does not answer is left for the next, soon."""
    address = listener.getsockname()
    assert asyncio.run(_dial(silent, address)) == address


def test_no_address(nobody: Address) -> None:
    """Where all refuse, it is a refusal."""
    with pytest.raises(ConnectionRefusedError):
        asyncio.run(_dial(nobody, nobody))


def test_cancelled(silent: Address) -> None:
    """Whoever stops waiting leaves no socket open: an unclosed one would fail this test."""

    async def scenario() -> None:
        async with asyncio.timeout(0.05):
            await _dial(silent)

    with pytest.raises(TimeoutError):
        asyncio.run(scenario())
