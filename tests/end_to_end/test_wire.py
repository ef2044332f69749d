"""The critical path, counted at the wire in front of a real registry."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image, make_index
from tests.support.pushing import fetch_manifest, push_image
from tests.support.specs import write_spec
from tests.support.wire import Wire, listen_at_the_wire

PLATFORMS = (
    "linux/386", "linux/amd64", "linux/arm/v5", "linux/arm/v6", "linux/arm/v7",
    "linux/arm64", "linux/ppc64le", "linux/riscv64", "linux/s390x", "windows/amd64:10.0.1.2",
)  # fmt: skip
TAGS = ("1.4.2", "1.4", "1", "latest")
MOST_REQUESTS = 49
MOST_ROUND_TRIPS = 8


@pytest.fixture
def wire(registry: DockerRegistry) -> Iterator[Wire]:
    """The shared registry, listened to."""
    with listen_at_the_wire(registry.url) as listening:
        yield listening


@pytest.fixture
def spec(registry: DockerRegistry, wire: Wire, repository: str, tmp_path: Path) -> Path:
    """Ten images by tag in the target's own repository, and a spec that names four tags."""
    sources = {}
    for number, platform in enumerate(PLATFORMS):
        push_image(registry.url, repository, f"build-{number}", make_image(platform))
        name = platform.partition(":")[0]
        sources[name] = f"{wire.host}/{repository}:build-{number}"
    return write_spec(tmp_path, f"{wire.host}/{repository}", sources, tags=TAGS)


def push(spec: Path, wire: Wire, *more: str) -> Result:
    """Push over plain http, and forget what was asked before."""
    wire.clear()
    words = ("push", "--plain-http", wire.host, "--output", "json", *more)
    result = run_mbuild(*words, cwd=spec.parent)
    assert (result.code, result.stderr) == (0, "")
    return result


def actions(result: Result) -> list[str]:
    """What became of each tag."""
    (target,) = json.loads(result.stdout)["targets"]
    return [tag["action"] for tag in target["tags"]]


def check_cost(wire: Wire) -> None:
    """Hold the promise, and show the log where it is broken."""
    assert len(wire.exchanges) <= MOST_REQUESTS, wire.report
    assert wire.round_trips <= MOST_ROUND_TRIPS, wire.report


def test_new_tags(spec: Path, wire: Wire) -> None:
    """Ten sources and four new tags, compared before they are written, keep the promise."""
    assert actions(push(spec, wire)) == ["created"] * 4
    check_cost(wire)


def test_moved_tags(spec: Path, wire: Wire, registry: DockerRegistry, repository: str) -> None:
    """So do four tags that hold another index now."""
    old = make_index(make_image("linux/amd64", seed="old"))
    for tag in TAGS:
        push_image(registry.url, repository, tag, old)
    assert actions(push(spec, wire)) == ["moved"] * 4
    check_cost(wire)


def test_loopback_without_plain_http(spec: Path, wire: Wire) -> None:
    """On the loopback TLS is tried first and costs no request: it is a handshake that failed."""
    result = run_mbuild("push", "--output", "json", cwd=spec.parent)
    assert (result.code, result.stderr) == (0, "")
    assert wire.server
    assert wire.server.handshakes > 0
    assert json.loads(result.stdout)["requests"] == len(wire.exchanges)
    check_cost(wire)


def test_order_of_writes(spec: Path, wire: Wire) -> None:
    """The index goes up by digest, its answer is awaited, then the tags go side by side."""
    result = push(spec, wire)
    digest = json.loads(result.stdout)["targets"][0]["digest"]
    writes = [exchange for exchange in wire.exchanges if exchange.method == "PUT"]
    first, *tags = [exchange.path.rpartition("/")[2] for exchange in writes]
    assert first == digest
    assert sorted(tags) == sorted(TAGS)
    assert all(writes[0].ended < exchange.started for exchange in writes[1:])
    assert {exchange.request.method for exchange in wire.exchanges} == {"GET", "HEAD", "PUT"}


def test_requests_are_counted_right(spec: Path, wire: Wire) -> None:
    """The number of requests that the program reports is the number the registry saw."""
    result = push(spec, wire)
    assert json.loads(result.stdout)["requests"] == len(wire.exchanges)


def test_nothing_to_do(spec: Path, wire: Wire) -> None:
    """A second push writes nothing: a HEAD a tag, then the index once and a HEAD a source."""
    push(spec, wire, "--no-cache")
    assert actions(push(spec, wire, "--no-cache")) == ["kept"] * 4
    assert [exchange.method for exchange in wire.exchanges].count("HEAD") == 14
    assert [exchange.method for exchange in wire.exchanges].count("GET") == 1
    assert (len(wire.exchanges), wire.round_trips) == (15, 2), wire.report


def test_nothing_to_do_with_a_cache(spec: Path, wire: Wire) -> None:
    """What the first push kept leaves the second a HEAD a tag and a HEAD a source, all at once."""
    push(spec, wire)
    assert actions(push(spec, wire)) == ["kept"] * 4
    assert [exchange.method for exchange in wire.exchanges] == ["HEAD"] * 14, wire.report
    assert wire.round_trips == 1, wire.report


def test_nothing_to_do_by_digest(spec: Path, wire: Wire, repository: str) -> None:
    """Sources given by digest cost nothing: what is left is a HEAD a tag."""
    by_digest = {
        platform.partition(":")[0]: f"{wire.host}/{repository}@{make_image(platform).digest}"
        for platform in PLATFORMS
    }
    write_spec(spec.parent, f"{wire.host}/{repository}", by_digest, tags=TAGS)
    push(spec, wire)
    assert actions(push(spec, wire)) == ["kept"] * 4
    assert [exchange.method for exchange in wire.exchanges] == ["HEAD"] * 4, wire.report
    assert wire.round_trips == 1, wire.report


def test_moved_source_with_a_cache(
    spec: Path, wire: Wire, registry: DockerRegistry, repository: str
) -> None:
    """Of ten sources one has moved: its bytes are fetched, and every tag moves to what holds it."""
    push(spec, wire)
    moved = make_image("linux/amd64", seed="new")
    push_image(registry.url, repository, "build-1", moved)
    assert actions(push(spec, wire)) == ["moved"] * 4
    gets = [
        exchange.path.rpartition("/")[2] for exchange in wire.exchanges if exchange.method == "GET"
    ]
    assert [one for one in gets if one not in TAGS][:1] == ["build-1"], wire.report
    held = json.loads(fetch_manifest(registry.url, repository, "latest").content)
    assert [entry["digest"] for entry in held["manifests"]][1] == moved.digest
    check_cost(wire)


def test_published(spec: Path, wire: Wire, registry: DockerRegistry, repository: str) -> None:
    """What was counted is what was published: each tag holds the ten images, in order."""
    push(spec, wire)
    for tag in TAGS:
        held = json.loads(fetch_manifest(registry.url, repository, tag).content)
        digests = [entry["digest"] for entry in held["manifests"]]
        assert digests == [make_image(platform).digest for platform in PLATFORMS]
