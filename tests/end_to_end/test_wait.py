"""`push --wait`, as a release job that starts beside the builds meets it."""

from pathlib import Path

from tests.support.cli import run_mbuild
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import make_image
from tests.support.loopback import LoopbackServer
from tests.support.specs import write_spec

IMAGE = make_image("linux/amd64")


def write(folder: Path, server: LoopbackServer) -> None:
    """Write a spec of one image, which no build has pushed yet."""
    write_spec(folder, f"{server.host}/app:1.0", {"linux/amd64": f"{server.host}/app:amd64"})


def test_late_build(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A build that comes late is published; that it was waited for is told once."""
    write(tmp_path, server)
    asked = 0

    def pushed_when_missed(request: Request, registry: Handler) -> Answer:
        """Let the build be done only after it was looked for, and not found."""
        nonlocal asked
        answer = registry(request)
        asked += 1
        if asked == 1:
            fake.put("app", "amd64", IMAGE)
        return answer

    fake.faults.append(Fault("GET|HEAD", "/app/manifests/amd64", pushed_when_missed))
    result = run_mbuild("push", "--wait", "30", "--plain-http", server.host, cwd=tmp_path)
    assert result.code == 0
    assert asked > 1
    assert result.told(server.host) == [
        "HOST/app:amd64: not found yet, waiting for it for up to 30 s"
    ]


def test_wait_within_a_deadline(server: LoopbackServer, tmp_path: Path) -> None:
    """A build that never comes is told as what it is, not as a slow registry."""
    write(tmp_path, server)
    options = ("--wait", "30", "--deadline", "2", "--plain-http", server.host)
    result = run_mbuild("push", *options, cwd=tmp_path)
    assert result.code == 4
    waiting, error = result.told(server.host)
    assert waiting == "HOST/app:amd64: not found yet, waiting for it for up to 2 s"
    assert error.startswith("error: manifests.yaml:3:16: HOST/app:amd64: HOST answered 404")
