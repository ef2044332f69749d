"""What a run promises beside its result: secrets stay home, limits hold, targets are independent."""

import base64
import json
from pathlib import Path

import pytest

from tests.support import faults
from tests.support.cli import Result, run_mbuild
from tests.support.exchange import most_at_once
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import digest_of, make_image, make_index
from tests.support.loopback import LoopbackServer
from tests.support.specs import SPEC, write_spec

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
OLD = make_index(make_image("linux/amd64", seed="old"))
LOGIN = base64.b64encode(b"alice:open:sesame").decode()


def describe(folder: Path, host: str, *tags: str) -> Path:
    """Write the spec of `team/app` with both images."""
    sources = {
        "linux/amd64": f"{host}/team/app:amd64",
        "linux/arm64": f"{host}/team/app:arm64",
    }
    return write_spec(folder, f"{host}/team/app", sources, tags=tags or ("1.0",))


def log_in(home: Path, *hosts: str) -> None:
    """Leave the same login for hosts, as docker does."""
    auths = {host: {"auth": LOGIN} for host in hosts}
    (home / ".docker" / "config.json").write_text(json.dumps({"auths": auths}))


def only_target(result: Result) -> dict[str, object]:
    """The only target of a run's document."""
    (target,) = json.loads(result.stdout)["targets"]
    return dict(target)


@pytest.mark.parametrize("verbosity", [[], ["-vv"]], ids=["quiet", "verbose"])
def test_secrets_stay_home(
    fake: FakeRegistry,
    server: LoopbackServer,
    tmp_path: Path,
    clean_environment: Path,
    verbosity: list[str],
) -> None:
    """A login goes to its registry, not to where a blob is redirected, and is never shown."""
    elsewhere = FakeRegistry()
    elsewhere.put("team/app", "", AMD64)
    elsewhere.put("team/app", "", ARM64)
    basic = f"Basic {LOGIN}"
    with serve_fake(elsewhere) as other:
        fake.faults += [
            Fault("*", "/v2/", faults.challenge('Basic realm="registry"', unless=basic)),
            Fault("GET", "/blobs/", faults.redirect(other.url)),
        ]
        describe(tmp_path, server.host)
        log_in(clean_environment, server.host)
        result = run_mbuild("push", *verbosity, cwd=tmp_path)
    assert result.code == 0, result.stderr
    received = [one.request.headers.get("authorization") for one in elsewhere.log.exchanges]
    assert received == [None, None]
    shown = result.stdout + result.stderr
    assert not any(secret in shown for secret in (LOGIN, "open:sesame", "sesame"))


def test_verbose_shows_each_request(server: LoopbackServer, tmp_path: Path) -> None:
    """With -vv every request is a line on stderr, and stdout is as without."""
    describe(tmp_path, server.host)
    plain = run_mbuild("plan", cwd=tmp_path)
    result = run_mbuild("plan", "-vv", cwd=tmp_path)
    assert (result.code, result.stdout) == (0, plain.stdout)
    assert sum("/v2/team/app/manifests/amd64" in line for line in result.lines) == 1


def test_jobs(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """No more requests are under way at a registry than --jobs allows, and several are."""
    fake.faults.append(Fault("*", "/v2/", faults.slow(0.05)))
    describe(tmp_path, server.host, *(f"tag-{number}" for number in range(12)))
    assert run_mbuild("push", "--jobs", "3", cwd=tmp_path).code == 0
    assert most_at_once(fake.log.exchanges) == 3


def test_retry_after(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A registry that asks for patience gets it: one repeat, told in the document."""
    busy = faults.status(429, "TOOMANYREQUESTS", retry_after=1)
    fake.faults.append(Fault("GET", "/manifests/amd64", busy, times=1))
    describe(tmp_path, server.host)
    result = run_mbuild("push", "--output", "json", cwd=tmp_path)
    assert (result.code, json.loads(result.stdout)["retries"]) == (0, 1)


def test_deadline(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A deadline ends the run in an error of the network, whatever may still be tried."""
    fake.faults.append(Fault("GET", "/manifests/amd64", faults.status(503)))
    describe(tmp_path, server.host)
    result = run_mbuild("push", "--deadline", "1.5", cwd=tmp_path)
    assert result.code == 6
    assert "deadline of 1.5 s" in result.stderr
    assert fake.log.writes == []


def test_plan_check(server: LoopbackServer, tmp_path: Path) -> None:
    """`plan --check` is 7 while something would change, and 0 when nothing would."""
    describe(tmp_path, server.host)
    before = run_mbuild("plan", "--check", cwd=tmp_path)
    pushed = run_mbuild("push", cwd=tmp_path)
    after = run_mbuild("plan", "--check", cwd=tmp_path)
    assert (before.code, pushed.code, after.code) == (7, 0, 0)


@pytest.mark.parametrize("command", [["plan"], ["push", "--dry-run"]], ids=" ".join)
def test_nothing_is_written(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path, command: list[str]
) -> None:
    """A plan and a dry run write nothing, and say what each tag would become."""
    fake.put("team/app", "1.0", OLD)
    describe(tmp_path, server.host, "1.0", "new")
    result = run_mbuild(*command, "--output", "json", cwd=tmp_path)
    tags = [("1.0", "moved", OLD.digest), ("new", "created", None)]
    expected = [{"tag": tag, "action": what, "previous": old} for tag, what, old in tags]
    assert (result.code, only_target(result)["tags"]) == (0, expected)
    assert fake.log.writes == []


def test_failure_as_json(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A refused tag is in the document and on stderr, beside the new one that stays behind."""
    refused = faults.status(400, "TAG_INVALID", message="immutable")
    fake.faults.append(Fault("PUT", "/manifests/1.0", refused))
    describe(tmp_path, server.host, "1.0", "new")
    result = run_mbuild("push", "--output", "json", cwd=tmp_path)
    target = only_target(result)
    assert (result.code, json.loads(result.stdout)["ok"]) == (6, False)
    assert isinstance(target["tags"], list)
    assert target["tags"][0]["action"] == "failed"
    assert isinstance(target["errors"], list)
    (error,) = target["errors"]
    assert (error["code"], error["where"]) == ("tag-refused", f"{server.host}/team/app:1.0")
    warning, _ = result.lines
    assert warning.startswith(f"warning: {server.host}/team/app:new: left behind: ")


def test_targets_are_independent(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """Of a batch all targets are tried; the worst of them gives the code."""
    targets = {"good": "amd64", "missing": "absent", "bad": "arm64"}
    lines = [
        f"- {{image: '{server.host}/team/app:{tag}', "
        f"platforms: {{linux/amd64: '{server.host}/team/app:{source}'}}}}"
        for tag, source in targets.items()
    ]
    (tmp_path / SPEC).write_text("\n".join(["images:", *lines]) + "\n")
    result = run_mbuild("push", cwd=tmp_path)
    assert result.code == 4
    assert len(result.lines) == 2
    assert {"good", "missing", "bad"} & fake.repository("team/app").tags.keys() == {"good"}


def test_a_spec_error_stops_the_batch(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """A wrong spec among right ones lets nothing be asked, let alone written."""
    describe(tmp_path, server.host)
    (tmp_path / "wrong.yaml").write_text("image: x\n")
    assert run_mbuild("push", SPEC, "wrong.yaml", cwd=tmp_path).code == 3
    assert fake.log.exchanges == ()


def test_children_before_the_index(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """Blobs go before the manifest that names them, children before the index, tags last."""
    fake.put("builds", "amd64", make_image("linux/amd64", seed=1))
    source = f"{server.host}/builds:amd64"
    write_spec(tmp_path, f"{server.host}/team/new:1.0", {"linux/amd64": source})
    assert run_mbuild("push", cwd=tmp_path).code == 0
    kinds = [
        "blob" if "/blobs/" in line else "digest" if "@" in line or "sha256:" in line else "tag"
        for line in fake.log.writes
    ]
    assert kinds == ["blob", "blob", "digest", "digest", "tag"]


def test_mount_that_is_refused(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A registry that will not mount gets the bytes instead."""
    fake.put("builds", "amd64", AMD64)
    refused = faults.status(401, "UNAUTHORIZED")
    fake.faults.append(Fault("POST", "/v2/team/new/blobs/uploads/", refused, times=2))
    source = f"{server.host}/builds:amd64"
    write_spec(tmp_path, f"{server.host}/team/new:1.0", {"linux/amd64": source})
    result = run_mbuild("push", "--output", "json", "--jobs", "1", cwd=tmp_path)
    assert result.code == 0, result.stderr
    assert set(fake.repository("team/new").blobs) == set(fake.repository("builds").blobs)


def test_blob_that_lies(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A layer that is not what the manifest says is never completed in the target."""
    source_registry = FakeRegistry()
    image = make_image("linux/amd64", size=100_000)
    source_registry.put("builds", "amd64", image)
    layer = digest_of(image.layers[0])
    wrong = bytes([image.layers[0][0] ^ 1]) + image.layers[0][1:]
    source_registry.faults.append(Fault("GET", layer, faults.content(wrong)))
    with serve_fake(source_registry) as other:
        write_spec(
            tmp_path, f"{server.host}/team/new:1.0", {"linux/amd64": f"{other.host}/builds:amd64"}
        )
        result = run_mbuild("push", "--attempts", "2", cwd=tmp_path)
    assert result.code == 6
    assert layer not in fake.repository("team/new").blobs
    assert fake.repository("team/new").tags == {}
    assert fake.repository("team/new").manifests == {}
