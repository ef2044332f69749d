"""A registry far away: a proxy on the loopback that holds every byte back for a while."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

CHUNK = 64 * 1024


@contextmanager
def far_away(host: str, seconds: float) -> Iterator[str]:
    """Give the `host:port` of a proxy in front of `host`, `seconds` there and back.

    Bytes are held back by half of that each way, however many are on their way already: the
    distance costs time, not bandwidth. Opening a connection costs nothing here.
    """
    loop = asyncio.new_event_loop()
    proxy = _Proxy(host, seconds / 2)
    server = loop.run_until_complete(asyncio.start_server(proxy.serve, "127.0.0.1", 0))
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.run_until_complete(_cancel_all())
        loop.close()


class _Proxy:
    def __init__(self, host: str, delay: float) -> None:
        self._host, _, port = host.partition(":")
        self._port = int(port)
        self._delay = delay

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        far_reader, far_writer = await asyncio.open_connection(self._host, self._port)
        with suppress(OSError, asyncio.CancelledError):
            await asyncio.gather(self._pump(reader, far_writer), self._pump(far_reader, writer))

    async def _pump(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        loop = asyncio.get_running_loop()
        try:
            while chunk := await reader.read(CHUNK):
                loop.call_later(self._delay, writer.write, chunk)
        finally:
            loop.call_later(self._delay, writer.close)


async def _cancel_all() -> None:
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
