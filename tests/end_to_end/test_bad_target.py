"""Targets that refuse, lose, or take their time: the exit code, the message, what the tag holds."""

from pathlib import Path

from tests.support import faults
from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import Setup
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.fixtures import StartRegistry
from tests.support.images import make_image, make_index
from tests.support.loopback import LoopbackServer
from tests.support.pushing import push_image, tags_of
from tests.support.specs import write_spec

AMD64 = make_image("linux/amd64")
OTHER = make_image("linux/amd64", seed="other")
INDEX = "sha256:318da81822615ed0ece3a9b89ec844e8df8e8d47311de3768df01f2f42380847"
"""The digest of the index that these tests would publish."""
LOG_IN = "no login for it was found: log in with `docker login HOST`"


def push(folder: Path, host: str) -> Result:
    """Push the amd64 image as `team/app:1.0`, in two attempts at most."""
    write_spec(folder, f"{host}/team/app:1.0", {"linux/amd64": f"{host}/team/app:amd64"})
    return run_mbuild("push", "--attempts", "2", cwd=folder)


def test_denied_target(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A registry that lets nobody write says so, once, and the tag stays as it was."""
    fake.put("team/app", "1.0", make_index(OTHER))
    fake.faults.append(faults.READ_ONLY)
    result = push(tmp_path, server.host)
    assert result.told(server.host) == [
        f"error: HOST/team/app@{INDEX}: HOST answered 403 Forbidden (DENIED: read-only); {LOG_IN}",
    ]
    assert result.code == 5
    assert fake.repository("team/app").tags["1.0"] == make_index(OTHER).digest


def test_registry_in_maintenance(
    start_registry: StartRegistry, repository: str, tmp_path: Path
) -> None:
    """A real registry in read-only mode, which answers 405 to writes, is a target that denies."""
    writable = start_registry()
    push_image(writable.url, repository, "amd64", AMD64)
    host = start_registry(Setup(read_only=True), storage=writable.storage).host
    source = f"{host}/{repository}:amd64"
    write_spec(tmp_path, f"{host}/{repository}:1.0", {"linux/amd64": source})
    result = run_mbuild("push", "--attempts", "2", cwd=tmp_path)
    assert tags_of(f"http://{host}", repository) == ["amd64"]
    assert result.code == 5


def test_immutable_tag(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A tag that the registry will not move is refused, and holds what it held."""
    fake.put("team/app", "1.0", make_index(OTHER))
    fake.faults.append(Fault("PUT", "/manifests/", faults.immutable_tags()))
    result = push(tmp_path, server.host)
    assert result.told(server.host) == [
        (
            "error: HOST/team/app:1.0: the tag was refused: HOST answered 400 Bad Request "
            "(TAG_INVALID: tag 1.0 is immutable); "
            "it may be immutable; choose another tag, or allow it in the registry"
        ),
    ]
    assert result.code == 6
    assert fake.repository("team/app").tags["1.0"] == make_index(OTHER).digest


def test_lost_reply_to_a_tag(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A PUT that was done, and whose answer was lost, is settled by looking."""
    fake.faults.append(Fault("PUT", "/manifests/1.0", faults.lost_reply(), times=1))
    result = push(tmp_path, server.host)
    assert (result.code, result.lines) == (0, [])
    assert fake.log.writes.count("PUT /v2/team/app/manifests/1.0") == 1


def test_registry_that_settles_late(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """Children that are there, and not yet found, are waited for."""
    fake.faults.append(faults.late_children(1))
    result = push(tmp_path, server.host)
    assert result.code == 0
    assert "1.0" in fake.repository("team/app").tags


def test_unreadable_tag(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A tag that may not be read before a first push is pushed all the same."""
    fake.faults.append(Fault("HEAD", "/manifests/1.0", faults.status(403, "DENIED")))
    result = push(tmp_path, server.host)
    assert (result.code, result.lines) == (0, [])
    assert "1.0" in fake.repository("team/app").tags


def test_registry_without_head(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A registry that answers no HEAD is asked by GET."""
    fake.faults.append(faults.NO_HEAD)
    result = push(tmp_path, server.host)
    assert (result.code, result.lines) == (0, [])
    assert "1.0" in fake.repository("team/app").tags
