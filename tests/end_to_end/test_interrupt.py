"""A run that is stopped says what it has done, ends with 130, and leaves nothing half moved."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.support import faults
from tests.support.cli import Result, check_no_traceback, environment, mbuild_command, run_mbuild
from tests.support.exchange import Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import digest_of, make_image, make_index
from tests.support.loopback import LoopbackServer
from tests.support.specs import write_spec

AMD64 = make_image("linux/amd64")
OLD = make_index(make_image("linux/amd64", seed="old"))
AMD64_CONFIG = f"/blobs/{digest_of(AMD64.config)}"
PUT_TAG = "PUT /v2/team/app/manifests/1.0"
PATIENCE = 30


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds the source, and a tag that will move."""
    registry = FakeRegistry()
    registry.put("team/app", "amd64", AMD64)
    registry.put("team/app", "1.0", OLD)
    return registry


def interrupt(
    fake: FakeRegistry, server: LoopbackServer, folder: Path, *, when: str, by: signal.Signals
) -> Result:
    """Push, and send the signal once a request that ends with `when` has arrived."""
    source = f"{server.host}/team/app:amd64"
    write_spec(folder, f"{server.host}/team/app", {"linux/amd64": source}, tags=["1.0", "new"])
    process = subprocess.Popen(
        mbuild_command("push"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    end = time.monotonic() + PATIENCE
    while not any(f"{one.method} {one.path}".endswith(when) for one in arrived(fake)):
        assert time.monotonic() < end, process.communicate()
        time.sleep(0.01)
    process.send_signal(by)
    stdout, stderr = process.communicate(timeout=PATIENCE)
    result = Result(process.returncode, stdout, stderr.replace(server.host, "HOST"))
    check_no_traceback(result)
    return result


def arrived(fake: FakeRegistry) -> list[Request]:
    """Requests that have reached the registry, answered or not."""
    return [exchange.request for exchange in fake.log.exchanges]


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGTERM], ids=["Ctrl-C", "SIGTERM"])
def test_while_reading(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path, by: signal.Signals
) -> None:
    """Before the first write, nothing has happened, and that is what is said."""
    fake.faults.append(Fault("GET", "/blobs/", faults.slow(1)))
    result = interrupt(fake, server, tmp_path, when=AMD64_CONFIG, by=by)
    assert result.code == 130
    assert result.lines == [
        "error: HOST/team/app: interrupted before anything was written; run the same command again"
    ]
    assert fake.log.writes == []


def test_while_tagging(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """While tags are written, those under way are finished and named."""
    fake.faults.append(Fault("PUT", "/manifests/1.0", faults.slow(1)))
    result = interrupt(fake, server, tmp_path, when=PUT_TAG, by=signal.SIGINT)
    assert result.code == 130
    assert result.lines == [
        "error: HOST/team/app: interrupted; written: new, 1.0; run the same command again to finish"
    ]
    tags = fake.repository("team/app").tags
    assert tags["1.0"] == tags["new"] != OLD.digest


def test_again_afterwards(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """The same command, run again, finishes."""
    fake.faults.append(Fault("PUT", "/manifests/1.0", faults.slow(1), times=1))
    interrupt(fake, server, tmp_path, when=PUT_TAG, by=signal.SIGINT)
    assert run_mbuild("push", cwd=tmp_path).code == 0
    tags = fake.repository("team/app").tags
    assert tags["1.0"] == tags["new"] != OLD.digest


def test_killed(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """Even a process that is killed leaves every tag at an index whose children are there."""
    fake.faults.append(Fault("PUT", "/manifests/1.0", faults.slow(1)))
    result = interrupt(fake, server, tmp_path, when=PUT_TAG, by=signal.SIGKILL)
    assert result.code == -signal.SIGKILL
    held = fake.repository("team/app")
    assert set(held.tags.values()) <= set(held.manifests)
