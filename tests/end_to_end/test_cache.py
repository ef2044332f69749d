"""The cache as its users meet it: where it lies, what it spares, and that it is never in the way."""

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.support.cli import Result, run_mbuild
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, challenge, status
from tests.support.images import make_image, write_layout
from tests.support.loopback import LoopbackServer
from tests.support.specs import write_spec

Run = Callable[..., Result]


@pytest.fixture
def cache(clean_environment: Path) -> Path:
    """The folder that the cache makes for itself."""
    return clean_environment / ".cache" / "mbuild"


@pytest.fixture
def run(server: LoopbackServer, tmp_path: Path) -> Run:
    """Run a command on a spec of two images that are given by tag."""
    image = f"{server.host}/team/app"
    platforms = {f"linux/{arch}": f"{image}:{arch}" for arch in ("amd64", "arm64")}
    write_spec(tmp_path, f"{image}:1.0", platforms)

    def run(*words: str, **options: object) -> Result:
        network = ("--plain-http", server.host)
        return run_mbuild(*words, *network, cwd=tmp_path, **options)  # type: ignore[arg-type]

    return run


def asked(fake: FakeRegistry) -> list[str]:
    """The requests so far, which are then forgotten: `HEAD 1.0`."""
    lines = [f"{one.method} {one.path.rpartition('/')[2]}" for one in fake.log.exchanges]
    fake.log.clear()
    return sorted(lines)


def test_warm(run: Run, fake: FakeRegistry, cache: Path) -> None:
    """What plan has fetched, push need not fetch; the folder is the user's own."""
    assert run("plan").code == 0
    fake.log.clear()
    assert run("push").code == 0
    assert [one for one in asked(fake) if one.startswith("GET sha256") or "amd64" in one] == [
        "HEAD amd64"
    ]
    assert run("push", "--output", "json").code == 0
    assert asked(fake) == ["HEAD 1.0", "HEAD amd64", "HEAD arm64"]
    assert [path.name for path in cache.iterdir()] == ["content.db"]
    assert cache.stat().st_mode & 0o777 == 0o700


@pytest.mark.parametrize(
    ("words", "env"),
    [(["--no-cache"], {}), ([], {"MBUILD_NO_CACHE": "1"})],
    ids=["option", "variable"],
)
def test_no_cache(
    run: Run, fake: FakeRegistry, cache: Path, words: list[str], env: dict[str, str]
) -> None:
    """Without a cache nothing is read from it, and no folder is made."""
    for _ in range(2):
        fake.log.clear()
        assert run("plan", *words, env=env).code == 0
        assert {"GET amd64", "GET arm64"} <= set(asked(fake))
    assert not cache.exists()


def test_inspect(run: Run, fake: FakeRegistry, server: LoopbackServer) -> None:
    """Inspect shows what the cache holds once the registry has said that the tag still holds it."""
    reference = f"{server.host}/team/app:amd64"
    first = run("inspect", reference)
    assert asked(fake) == ["GET amd64"]
    second = run("inspect", reference)
    assert asked(fake) == ["HEAD amd64"]
    assert (first, first.code) == (second, 0)


def test_layouts_need_none(tmp_path: Path, cache: Path) -> None:
    """A run that speaks to no registry makes no cache."""
    write_layout(tmp_path / "builds", {"amd64": make_image()})
    assert run_mbuild("create", "oci:dist:1.0", "oci:builds:amd64", cwd=tmp_path).code == 0
    assert not cache.exists()


def test_homeless(run: Run, fake: FakeRegistry) -> None:
    """Without a home folder there is no cache, and nothing to say of it."""
    result = run("push", env={"HOME": "", "XDG_CACHE_HOME": ""})
    assert (result.code, result.stderr) == (0, "")
    assert asked(fake)


@pytest.mark.parametrize("command", ["push", "plan"])
def test_unusable(run: Run, cache: Path, command: str) -> None:
    """A cache that cannot be used is one warning, and changes neither output nor exit code."""
    expected = run("plan", "--no-cache").stdout if command == "plan" else ""
    cache.write_text("in the way")
    result = run(command)
    assert result.code == 0
    warning = f"the cache '{cache}/content.db' cannot be used: file exists"
    assert result.lines == [f"warning: {warning}; the run goes on without it"]
    assert command == "push" or result.stdout == expected


def test_broken(run: Run, cache: Path) -> None:
    """A broken cache is made anew, and the next run says nothing any more."""
    cache.mkdir()
    (cache / "content.db").write_bytes(b"no database" * 1000)
    first, second = run("push"), run("push")
    warning = f"warning: the cache '{cache}/content.db' was broken, and was made anew"
    assert (first.code, first.lines) == (0, [warning])
    assert (second.code, second.lines) == (0, [])


def test_wrong_content(run: Run, fake: FakeRegistry, cache: Path) -> None:
    """Content that was changed in the file is fetched again; the result is the same."""
    first = json.loads(run("push", "--output", "json").stdout)
    with closing(sqlite3.connect(cache / "content.db", isolation_level=None)) as connection:
        connection.execute("UPDATE contents SET raw = CAST(upper(raw) AS BLOB)")
    fake.log.clear()
    result = run("push", "--output", "json")
    (target,) = json.loads(result.stdout)["targets"]
    assert target["digest"] == first["targets"][0]["digest"]
    assert [tag["action"] for tag in target["tags"]] == ["kept"]
    assert "GET amd64" in asked(fake)
    run("push")
    assert [one for one in asked(fake) if one.startswith("GET")] == []


def test_image_that_was_deleted(run: Run, fake: FakeRegistry) -> None:
    """A child that the cache has and the registry has lost is found out before a tag moves."""
    assert run("push").code == 0
    held = fake.repository("team/app")
    digest = held.tags["amd64"]
    del held.manifests[digest], held.tags["amd64"]
    result = run("push")
    assert result.code == 4
    assert "MANIFEST_UNKNOWN" in result.stderr


def test_secrets_stay_out(
    run: Run, fake: FakeRegistry, server: LoopbackServer, cache: Path
) -> None:
    """No credential ever gets into the file."""
    fake.faults.append(Fault("*", "", challenge('Basic realm="fake"'), times=1))
    config = cache.parents[1] / ".docker" / "config.json"
    config.write_text(json.dumps({"auths": {server.host: {"auth": "YWxpY2U6c2VzYW1l"}}}))
    assert run("push").code == 0
    used = [one.request.headers.get("authorization") for one in fake.log.exchanges]
    assert "Basic YWxpY2U6c2VzYW1l" in used
    content = (cache / "content.db").read_bytes()
    assert not any(word in content for word in (b"YWxpY2U6c2VzYW1l", b"sesame", b"alice"))


def test_failed_run_keeps_what_it_has(run: Run, fake: FakeRegistry) -> None:
    """A run that fails leaves what it fetched to the next one."""
    fault = Fault("PUT", "/manifests/", status(403, "DENIED"))
    fake.faults.append(fault)
    assert run("push").code == 5
    fake.faults.clear()
    fake.log.clear()
    assert run("push").code == 0
    requests = asked(fake)
    assert {"HEAD amd64", "HEAD arm64"} <= set(requests)
    assert not {"GET amd64", "GET arm64"} & set(requests)
