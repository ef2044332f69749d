"""A proxy on the loopback whose connections break: after so many bytes, as often as a test says."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager, suppress

PIECE = 64 * 1024
SETTLING = 10.0


class Breaking:
    """Passes bytes on in both directions, and counts those of one.

    `breaks` are numbers of bytes towards the client, or with `is_upload` away from it: when so
    many more have been passed on, over all connections, the one they were passed on is broken.
    """

    def __init__(self, upstream: str, breaks: Iterable[int], *, is_upload: bool) -> None:
        host, _, port = upstream.rpartition(":")
        self._upstream = host, int(port)
        self._breaks = list(breaks)
        self._is_upload = is_upload
        self._tasks: set[asyncio.Task[None]] = set()
        self._open: set[asyncio.StreamWriter] = set()
        self._server: asyncio.Server | None = None
        self.passed = 0
        self.broken = 0

    @property
    def host(self) -> str:
        """The `host:port` to use in the registry's place."""
        assert self._server
        return f"127.0.0.1:{self._server.sockets[0].getsockname()[1]}"

    async def start(self) -> None:
        """Listen."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)

    async def stop(self) -> None:
        """Hang up on all."""
        assert self._server
        self._server.close()
        for writer in self._open:
            writer.transport.abort()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        far_reader, far_writer = await asyncio.open_connection(*self._upstream)
        self._open |= {writer, far_writer}
        ways = (
            self._pass_on(reader, far_writer, counts=self._is_upload),
            self._pass_on(far_reader, writer, counts=not self._is_upload),
        )
        tasks = [asyncio.create_task(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for one in tasks:
                one.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            if self._is_upload:
                await _end(far_reader, far_writer)
            self._open -= {writer, far_writer}
            writer.transport.abort()
            far_writer.close()

    async def _pass_on(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, counts: bool
    ) -> None:
        with suppress(OSError):
            while piece := await reader.read(PIECE):
                writer.write(piece)
                await writer.drain()
                if counts and self._is_broken(len(piece)):
                    return

    def _is_broken(self, count: int) -> bool:
        self.passed += count
        if not self._breaks:
            return False
        self._breaks[0] -= count
        if self._breaks[0] > 0:
            return False
        self._breaks.pop(0)
        self.broken += 1
        return True


async def _end(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Let a server have what was passed on, and see that there is no more, before the client does."""
    with suppress(OSError, TimeoutError):
        writer.write_eof()
        async with asyncio.timeout(SETTLING):
            while await reader.read(PIECE):
                """Whatever it answers comes too late."""


@asynccontextmanager
async def breaking(
    upstream: str, breaks: Iterable[int], *, is_upload: bool = False
) -> AsyncIterator[Breaking]:
    """Serve in the running loop until the block ends."""
    proxy = Breaking(upstream, breaks, is_upload=is_upload)
    await proxy.start()
    try:
        yield proxy
    finally:
        await proxy.stop()
