"""Indexes as sources, between real registries: passed on whole, started from, and tagged below."""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.fixtures import StartRegistry
from tests.support.images import (
    Image,
    Index,
    attests,
    make_attestation,
    make_image,
    make_index,
    nest,
)
from tests.support.pushing import delete_manifest, fetch_manifest, push_image, tags_of
from tests.support.wire import Wire, listen_at_the_wire

AMD64, ARM64, S390X = (make_image(f"linux/{name}") for name in ("amd64", "arm64", "s390x"))
NEW_AMD64 = make_image("linux/amd64", seed="new")
PROOF = make_attestation(AMD64)
UNKNOWN = {"platform": {"os": "unknown", "architecture": "unknown"}}
APART = make_image("linux/amd64", seed="apart")
INNER = make_index(S390X)
WHOLE = nest(
    (AMD64, {"annotations": {"of": "entry"}}),
    (PROOF, {"annotations": attests(AMD64.digest)}),
    (APART, UNKNOWN),
    (INNER, {}),
    (ARM64, {}),
)
EVERYTHING: tuple[Image | Index, ...] = (*WHOLE.children, *INNER.children, WHOLE)


@pytest.fixture
def wire(registry: DockerRegistry, repository: str) -> Iterator[Wire]:
    """The shared registry with all kinds of things in one index, listened to."""
    push_image(registry.url, repository, "", INNER)
    push_image(registry.url, repository, "1.4", WHOLE)
    with listen_at_the_wire(registry.url) as listening:
        yield listening


def create(wire: Wire, *words: str) -> Result:
    """Create over plain http, quietly."""
    wire.clear()
    options = ("--plain-http", wire.host, "--no-cache", "--quiet")
    return run_mbuild("create", *options, *words, cwd=Path())


def asked(wire: Wire, method: str, kind: str = "manifests") -> Counter[str]:
    """How often each manifest, or blob, was asked for by a method, and was there."""
    return Counter(
        one.path.rpartition("/")[2]
        for one in wire.exchanges
        if one.method == method and f"/{kind}/" in one.path and one.status < 300
    )


@pytest.mark.parametrize("by", ["tag", "digest"])
def test_promotion(wire: Wire, repository: str, start_registry: StartRegistry, by: str) -> None:
    """Another registry gets all of it byte for byte; each manifest and blob is read once."""
    prod = start_registry()
    name = f"{wire.host}/{repository}"
    source = f"{name}:1.4" if by == "tag" else f"{name}@{WHOLE.digest}"
    done = create(wire, f"{prod.host}/app:1.4", source)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == f"{prod.host}/app@{WHOLE.digest}\n"
    for content in EVERYTHING:
        held = fetch_manifest(prod.url, "app", content.digest)
        assert (held.content, held.headers["content-type"]) == (
            content.manifest,
            content.media_type,
        )
    assert tags_of(prod.url, "app") == ["1.4"]
    assert set(asked(wire, "GET").values()) == {1}, wire.report
    assert len(asked(wire, "GET")) == len(EVERYTHING), wire.report
    blobs = asked(wire, "GET", "blobs")
    assert set(blobs.values()) == {1}, wire.report


def test_promotion_of_a_broken_index(
    wire: Wire, registry: DockerRegistry, repository: str, start_registry: StartRegistry
) -> None:
    """What the source has lost is one error with code 4, and nothing is in the target."""
    prod = start_registry()
    delete_manifest(f"{registry.host}/{repository}", ARM64.digest)
    done = create(wire, f"{prod.host}/app:1.4", f"{wire.host}/{repository}:1.4")
    assert (done.code, done.stdout) == (4, "")
    assert ARM64.digest in done.stderr
    assert tags_of(prod.url, "app") == []


def test_append(wire: Wire, registry: DockerRegistry, repository: str) -> None:
    """Nothing of what the index lists is read but as proof, when the new index is in its place."""
    push_image(registry.url, repository, "base", make_index(AMD64, ARM64, S390X))
    push_image(registry.url, repository, "amd64", NEW_AMD64)
    name = f"{wire.host}/{repository}"
    done = create(wire, "--append", f"{name}:base", f"{name}:amd64")
    assert (done.code, done.stderr) == (0, "")
    index = json.loads(fetch_manifest(registry.url, repository, "base").content)
    listed = [entry["digest"] for entry in index["manifests"]]
    assert listed == [NEW_AMD64.digest, ARM64.digest, S390X.digest]
    puts = [n for n, one in enumerate(wire.exchanges) if one.method == "PUT"]
    before = "\n".join(map(str, wire.exchanges[: puts[0]]))
    assert f"HEAD /v2/{repository}/manifests/{ARM64.digest}" in before, wire.report
    assert f"GET /v2/{repository}/manifests/{ARM64.digest}" not in before, wire.report
    assert len(asked(wire, "GET", "blobs")) == 1, wire.report  # the config of the new image


def run_spec(folder: Path, registry: DockerRegistry, *words: str) -> Result:
    """Run a command on the spec of a folder."""
    return run_mbuild(*words, "--plain-http", registry.host, "--no-cache", cwd=folder)


def test_locked_base(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """A lock holds the base to what it was, whatever its tag holds by then."""
    name = f"{registry.host}/{repository}"
    push_image(registry.url, repository, "base", make_index(AMD64, ARM64))
    (tmp_path / "manifests.yaml").write_text(
        f"image: {name}:2\nbase: {name}:base\nremove: [linux/amd64]\n"
    )
    assert run_spec(tmp_path, registry, "lock", "--to", "l.json").code == 0
    push_image(registry.url, repository, "base", make_index(AMD64, S390X))
    done = run_spec(tmp_path, registry, "push", "--frozen", "l.json", "-o", "json")
    assert done.code == 0
    assert platforms_of(done) == [("linux/arm64", "added")]


def platforms_of(done: Result) -> list[tuple[str, str]]:
    """Each platform with how it differs from before."""
    document: dict[str, Any] = json.loads(done.stdout)
    return [(one["platform"], one["change"]) for one in document["targets"][0]["platforms"]]


def test_child_tags(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Each image has its tag in the target's repository; the second time nothing is to do."""
    push_image(registry.url, f"{repository}/builds", "1.4", make_index(AMD64, ARM64))
    (tmp_path / "manifests.yaml").write_text(
        f'image: {registry.host}/{repository}:1.4\nchild_tags: "{{tag}}-{{arch}}"\n'
        f"sources: [{registry.host}/{repository}/builds:1.4]\n"
    )
    done = run_spec(tmp_path, registry, "push", "-v")
    assert (done.code, done.stderr) == (0, "")
    assert "  + child tag :1.4-amd64  created" in done.stdout.splitlines()
    assert sorted(tags_of(registry.url, repository)) == ["1.4", "1.4-amd64", "1.4-arm64"]
    assert fetch_manifest(registry.url, repository, "1.4-arm64").content == ARM64.manifest
    again = run_spec(tmp_path, registry, "push", "-o", "json")
    (target,) = json.loads(again.stdout)["targets"]
    assert [tag["action"] for tag in (*target["tags"], *target["childTags"])] == ["kept"] * 3
