"""A network that is slow, or gone, as a user meets it: what is waited for, told, and given up."""

import json
import re
import socket
import time
from itertools import pairwise
from pathlib import Path

from tests.support.cli import run_mbuild
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, status
from tests.support.images import make_image
from tests.support.loopback import LoopbackServer

PLATFORMS = ("linux/amd64", "linux/arm64", "linux/s390x", "linux/ppc64le")
TARGETS = 16


def write_catalogue(folder: Path, host: str) -> None:
    """Write a spec of many targets with four images each."""
    images = "\n".join(
        f"  - {{image: '{host}/team/app{number}:1.0', platforms: {{"
        + ", ".join(
            f"{name}: '{host}/team/app{number}:{name.partition('/')[2]}'" for name in PLATFORMS
        )
        + "}}"
        for number in range(TARGETS)
    )
    (folder / "manifests.yaml").write_text(f"images:\n{images}\n")


class Storm:
    """A registry that answers 429 for some seconds after the first request."""

    def __init__(self, seconds: float) -> None:
        self.refused: list[float] = []
        self.accepted: list[float] = []
        self._seconds = seconds

    def __call__(self, request: Request, registry: Handler) -> Answer:
        """Refuse, or note when the storm was over; the fake lets one request in at a time."""
        now = time.monotonic()
        if now - (self.refused or [now])[0] < self._seconds:
            self.refused.append(now)
            return status(429, "TOOMANYREQUESTS", retry_after=1)(request, registry)
        self.accepted.append(now)
        return registry(request)

    @property
    def bursts(self) -> list[int]:
        """How many were refused in each of the times between waits."""
        sizes = [1]
        for before, after in pairwise(self.refused):
            if after - before > 0.7:
                sizes.append(0)
            sizes[-1] += 1
        return sizes


def test_storm(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """While a registry refuses, the 64 reads keep away together; then everything is published.

    There is one line on stderr for each wait, however many requests it is for.
    """
    for number in range(TARGETS):
        for name in PLATFORMS:
            fake.put(f"team/app{number}", name.partition("/")[2], make_image(name))
    storm = Storm(1.5)
    fake.faults.append(Fault("*", "/v2/", storm))
    write_catalogue(tmp_path, server.host)
    result = run_mbuild("push", "--output", "json", "--plain-http", server.host, cwd=tmp_path)
    document = json.loads(result.stdout)
    assert (result.code, document["ok"]) == (0, True)
    assert document["retries"] == len(storm.refused)
    assert [one["tags"][0]["action"] for one in document["targets"]] == ["created"] * TARGETS
    waiting = "wait: HOST asks to slow down (429): all requests wait 1 s"
    assert result.told(server.host) == [waiting] * len(storm.bursts)
    assert len(storm.bursts) in (2, 3)
    assert max(storm.bursts) <= 32
    assert storm.accepted[0] - storm.refused[-1] > 0.7


def test_dead_host(tmp_path: Path) -> None:
    """A batch at a registry that is gone ends when the first operations are given up."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{unused.getsockname()[1]}"
    write_catalogue(tmp_path, host)
    begun = time.monotonic()
    result = run_mbuild("push", "--attempts", "2", "--plain-http", host, cwd=tmp_path)
    assert result.code == 6
    assert time.monotonic() - begun < 15
    (told,) = [line for line in result.told(host) if "not tried any more" in line]
    refused = "cannot connect: connection refused (HOST), after 2 attempts"
    assert re.sub(r"[0-9]+ questions", "N questions", told) == (
        "error: HOST: not tried any more: HOST has failed 5 operations in a row, the last one "
        f"with: {refused}; N questions were not answered; see what ails it, then run the same "
        "command again"
    )
