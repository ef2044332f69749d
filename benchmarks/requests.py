"""The CPU that a request costs the program, against a server that costs next to nothing."""

from __future__ import annotations

import asyncio
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

from benchmarks.table import Figure
from mbuild.registry.client import Registry
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings

RUNS = 5
REQUESTS = 2000
UNDER_WAY = (32, 64)
DIGEST = f"sha256:{'a' * 64}"
ANSWER = (
    "HTTP/1.1 200 OK\r\n"
    "Content-Length: 1609\r\n"
    "Content-Type: application/vnd.oci.image.index.v1+json\r\n"
    "Docker-Distribution-Api-Version: registry/2.0\r\n"
    f"Docker-Content-Digest: {DIGEST}\r\n"
    f'Etag: "{DIGEST}"\r\n'
    "X-Content-Type-Options: nosniff\r\n"
    "Date: Thu, 01 Jan 2026 00:00:00 GMT\r\n\r\n"
).encode()


class _Answering(asyncio.Protocol):
    """Answers each request of a connection alike; nothing has a body."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._rest = b""

    def data_received(self, data: bytes) -> None:
        *heads, self._rest = (self._rest + data).split(b"\r\n\r\n")
        self._transport.write(ANSWER * len(heads))


async def _serve() -> None:
    loop = asyncio.get_running_loop()
    server = await loop.create_server(_Answering, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


@contextmanager
def cheap_server() -> Iterator[str]:
    """Give the `host:port` of a server in a process of its own, whose CPU is not ours."""
    command = [sys.executable, "-m", "benchmarks.requests"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        try:
            yield f"127.0.0.1:{process.stdout.readline().strip()}"
        finally:
            process.terminate()


def measure_requests() -> Iterator[Figure]:
    """Give the milliseconds of CPU of a HEAD, by the number under way."""
    with cheap_server() as host:
        for jobs in UNDER_WAY:
            costs = [asyncio.run(_cost_of_heads(host, jobs)) for _ in range(RUNS + 1)]
            cost = statistics.median(costs[1:])
            yield Figure(f"CPU of a request, {jobs} under way", f"{cost * 1000:.2f} ms")


async def _cost_of_heads(host: str, jobs: int) -> float:
    settings = Settings(jobs=jobs, plain_http=frozenset({host}))
    async with Registries(settings) as registries:
        registry = registries.registry(host)
        await _head(registry, jobs, jobs)
        started = time.process_time()
        await _head(registry, REQUESTS, jobs)
        return (time.process_time() - started) / REQUESTS


async def _head(registry: Registry, times: int, jobs: int) -> None:
    numbers = iter(range(times))

    async def work() -> None:
        for number in numbers:
            assert await registry.head_manifest("team/app", f"1.{number}")

    async with asyncio.TaskGroup() as group:
        for _ in range(jobs):
            group.create_task(work())


if __name__ == "__main__":
    asyncio.run(_serve())
