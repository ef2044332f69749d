"""A registry far away: a proxy on the loopback that holds every byte back for a while."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from tests.support.cli import environment


@contextmanager
def far_away(host: str, seconds: float) -> Iterator[str]:
    """Give the `host:port` of a proxy in front of `host`, `seconds` there and back.

    Bytes are held back by half of that each way, however many are on their way already: the
    distance costs time, not bandwidth. Opening a connection costs nothing here.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "tests.support.proxy", host, str(seconds)],
        env=environment(),
        stdout=subprocess.PIPE,
        text=True,
    ) as proxy:
        try:
            assert proxy.stdout
            yield f"127.0.0.1:{int(proxy.stdout.readline())}"
        finally:
            proxy.terminate()
