"""Tags as a transaction, seen from outside: what a registry was sent, and what a run says."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.support import faults
from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import make_image, make_index
from tests.support.loopback import LoopbackServer
from tests.support.pushing import fetch_manifest, push_image
from tests.support.specs import write_spec

OLD = make_index(make_image("linux/amd64", seed="old"))
VERSION = "org.opencontainers.image.version"
TAGS = ("1.4.2", "1.4", "latest")


def describe(folder: Path, host: str, *tags: str) -> None:
    """Write the spec of `team/app` with two images."""
    sources = {f"linux/{one}": f"{host}/team/app:{one}" for one in ("amd64", "arm64")}
    write_spec(folder, f"{host}/team/app", sources, tags=tags or TAGS)


def push(folder: Path, *words: str) -> tuple[Result, dict[str, Any]]:
    """Push, and give the only target of the document beside the result."""
    result = run_mbuild("push", "--output", "json", *words, cwd=folder)
    (target,) = json.loads(result.stdout)["targets"]
    return result, target


def actions(target: dict[str, Any]) -> dict[str, str]:
    """What became of each tag."""
    return {tag["tag"]: tag["action"] for tag in target["tags"]}


def puts(fake: FakeRegistry) -> list[str]:
    """What was put, in order: a tag, `index` or `index?tag=…`, each with its status."""
    said = []
    for one in fake.log.asked("PUT", "/manifests/"):
        name = one.path.rpartition("/")[2].partition(":")[0].replace("sha256", "index")
        query = one.request.target.partition("?")[2]
        said.append(f"{name}{'?' if query else ''}{query} {one.status}")
    return said


@pytest.fixture
def held(fake: FakeRegistry) -> FakeRegistry:
    """The registry with two older tags."""
    for tag in ("1.4", "latest"):
        fake.put("team/app", tag, OLD)
    return fake


def test_order(held: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """The index by digest, then what is new, then what moves; each after the other was answered."""
    describe(tmp_path, server.host)
    result, target = push(tmp_path)
    assert result.code == 0
    assert actions(target) == {"1.4.2": "created", "1.4": "moved", "latest": "moved"}
    written = held.log.asked("PUT", "/manifests/")
    index, new, *moved = written
    assert puts(held)[:2] == ["index 201", "1.4.2 201"]
    assert sorted(puts(held)[2:]) == ["1.4 201", "latest 201"]
    compared = held.log.asked("HEAD", "/manifests/")[-3:]  # while the index goes up
    assert all(one.ended < new.started for one in (index, *compared))
    assert all(new.ended < one.started for one in moved)


def test_immutable_tag(held: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """One tag that is immutable: the other goes back, the new one is named, nothing is deleted."""
    refused = faults.status(400, "TAG_INVALID", message="tag is immutable")
    held.faults.append(Fault("PUT", "/manifests/latest", refused))
    describe(tmp_path, server.host)
    result, target = push(tmp_path)
    assert result.code == 6
    assert actions(target) == {"1.4.2": "created", "1.4": "restored", "latest": "failed"}
    digest = target["digest"]
    tags = held.repository("team/app").tags
    assert (tags["1.4"], tags["latest"], tags["1.4.2"]) == (OLD.digest, OLD.digest, digest)
    app = f"{server.host}/team/app"
    assert target["warnings"] == [
        (
            f"{app}:1.4.2: left behind: it holds {digest}, and held nothing: the registry is not known "
            "to delete a tag without its image; settle the refusal and run the same command again, or "
            "put the tag back by hand"
        )
    ]
    assert [error["code"] for error in target["errors"]] == ["tag-refused"]
    assert held.log.asked("DELETE") == []


def test_refused_and_deleted(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """Where the registry takes OCI-Tag, the new tags are deleted again, and only they."""
    fake.takes_tags = fake.deletes_tags = True

    def all_but_the_last(request: Request, registry: Handler) -> Answer:
        return registry(replace(request, target=request.target.removesuffix("&tag=2")))

    fake.faults += [
        Fault("PUT", "/manifests/sha256", all_but_the_last),
        Fault("PUT", "/manifests/2$", faults.status(400, "TAG_INVALID", message="immutable")),
    ]
    describe(tmp_path, server.host, "2.0.0", "2.0", "2")
    result, target = push(tmp_path)
    assert (result.code, target["warnings"]) == (6, [])
    assert actions(target) == {"2.0.0": "removed", "2.0": "removed", "2": "failed"}
    deleted = [one.path.rpartition("/")[2] for one in fake.log.asked("DELETE")]
    assert sorted(deleted) == ["2.0", "2.0.0"]
    assert set(fake.repository("team/app").tags) == {"amd64", "arm64"}
    assert target["digest"] in fake.repository("team/app").manifests


def test_tags_in_one_request(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A registry that takes OCI-Tag gets index and new tags in one request, and all is proven."""
    fake.takes_tags = True
    describe(tmp_path, server.host)
    result, target = push(tmp_path)
    assert (result.code, target["verified"]) == (0, True)
    assert puts(fake) == ["index?tag=1.4.2&tag=1.4&tag=latest 201"]
    assert dict.fromkeys(TAGS, target["digest"]).items() <= fake.repository("team/app").tags.items()


def test_tags_one_by_one(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """One that does not know it gets the same requests as ever, one of them with a query."""
    describe(tmp_path, server.host)
    assert push(tmp_path)[0].code == 0
    assert puts(fake)[0] == "index?tag=1.4.2&tag=1.4&tag=latest 201"
    assert sorted(puts(fake)[1:]) == sorted(f"{tag} 201" for tag in TAGS)


def test_no_clobber(held: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """Existing tags are named, all of them, and nothing is written; so says the plan."""
    describe(tmp_path, server.host)
    app = f"{server.host}/team/app"
    expected = [
        f"error: {app}:{tag}: the tag exists, and holds {OLD.digest}; no existing tag may move "
        "(--no-clobber); choose another tag, or leave the option out"
        for tag in ("1.4", "latest")
    ]
    for command in ("push", "plan"):
        result = run_mbuild(command, "--no-clobber", cwd=tmp_path)
        assert (result.code, result.lines) == (6, expected)
    assert held.log.writes == []


def test_no_downgrade(held: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """An older version leaves a floating tag where it is, with a warning and exit code 0."""
    newer = make_index(make_image(seed="newer"), annotations={VERSION: "2.0.0"})
    held.put("team/app", "latest", newer)
    describe(tmp_path, server.host)
    result, target = push(tmp_path, "--no-downgrade")
    assert result.code == 0
    assert actions(target) == {"1.4.2": "created", "1.4": "moved", "latest": "untouched"}
    assert target["tags"][2]["reason"] == "it holds 2.0.0, newer than 1.4.2"
    assert held.repository("team/app").tags["latest"] == newer.digest
    plan = run_mbuild("plan", "--no-downgrade", "--check", cwd=tmp_path)
    assert plan.code == 0
    assert "warning: " in plan.stderr


def test_two_runs_of_one_tag(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Of two runs that push one tag at a time, each has won or is told; the tag is whole."""
    indexes = set()
    folders = [tmp_path / "one", tmp_path / "two"]
    for number, folder in enumerate(folders):
        folder.mkdir()
        push_image(registry.url, repository, f"b{number}", make_image(seed=str(number)))
        source = f"{registry.host}/{repository}:b{number}"
        write_spec(folder, f"{registry.host}/{repository}:1.0", {"linux/amd64": source})
    with ThreadPoolExecutor() as threads:
        results = list(threads.map(push, folders))
    for result, target in results:
        indexes.add(target["digest"])
        assert result.code == 0 or "somebody else" in result.stderr or "read" in result.stderr
    assert any(result.code == 0 for result, _ in results)
    answer = fetch_manifest(registry.url, repository, "1.0")
    assert answer.headers["docker-content-digest"] in indexes
    (child,) = answer.json()["manifests"]
    assert fetch_manifest(registry.url, repository, child["digest"]).status_code == 200
