"""What belongs to images travels with them, between real registries and to one with the API."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.artifacts import (
    fallback_tag,
    list_referrers,
    make_referrer,
    make_signatures,
)
from tests.support.cli import Result, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, status
from tests.support.images import Content, digest_of, make_image, make_index
from tests.support.intact import dangling_in_layout, dangling_tags, tags_in_layout
from tests.support.loopback import LoopbackServer
from tests.support.pushing import fetch_manifest, plain_client, push_image, tags_of
from tests.support.wire import Wire, listen_at_the_wire

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64)
SBOM = make_referrer(AMD64, annotations={"org.opencontainers.image.created": "2024-01-01"})
SIGNED_SBOM = make_referrer(SBOM, text="signature", kind="application/vnd.test.signature")
OF_INDEX = make_referrer(INDEX, text="provenance")
SIGNATURE = make_signatures(INDEX, "alice")
SIG = f"{fallback_tag(INDEX)}.sig"
TAGS = sorted([fallback_tag(AMD64), fallback_tag(SBOM), fallback_tag(INDEX), SIG, "1.4"])
FOUND: list[tuple[Content, Content]] = [(AMD64, SBOM), (SBOM, SIGNED_SBOM), (INDEX, OF_INDEX)]
"""All that belongs to something, by what it belongs to; beside it there is a tag of cosign's."""


def fill(url: str, repository: str) -> None:
    """Put a signed index with its images into a registry without the API for referrers."""
    push_image(url, repository, "1.4", INDEX)
    for subject, referrer in FOUND:
        push_image(url, repository, "", referrer)
        push_image(url, repository, fallback_tag(subject), list_referrers(referrer))
    push_image(url, repository, SIG, SIGNATURE)


@pytest.fixture
def staging(registry: DockerRegistry, repository: str) -> str:
    """A repository whose index is signed, and whose images have an SBOM, signed too."""
    fill(registry.url, repository)
    return repository


@pytest.fixture
def server(fake: FakeRegistry) -> Iterator[LoopbackServer]:
    """A registry that has the API for referrers."""
    fake.lists_referrers = True
    with serve_fake(fake) as running:
        yield running


def create(target: str, source: str, *more: str) -> Result:
    """Copy an index with all that belongs to it."""
    words = ("create", "--referrers", "copy", "--no-cache", target, source)
    return run_mbuild(*words, *more, cwd=Path("/"))


def document(result: Result) -> dict[str, Any]:
    """What a run that went well tells of its only target."""
    assert (result.code, result.stderr) == (0, "")
    (target,) = json.loads(result.stdout)["targets"]
    return dict(target)


def listed_by_tag(registry: DockerRegistry, repository: str, subject: Content) -> list[Any]:
    """What the tag for referrers names."""
    answer = fetch_manifest(registry.url, repository, fallback_tag(subject))
    return [] if answer.status_code == 404 else list(answer.json()["manifests"])


def digests(entries: list[Any]) -> list[str]:
    """The digests of some entries."""
    return [entry["digest"] for entry in entries]


def test_promotion(registry: DockerRegistry, staging: str) -> None:
    """A promoted index is as signed as it was, and all that belongs to its images is there."""
    target = f"{staging}-prod"
    words = (f"{registry.host}/{target}:1.4", f"{registry.host}/{staging}:1.4", "-o", "json")
    planned = document(create(*words, "--dry-run"))
    assert (planned["referrers"], planned["digest"]) == (4, INDEX.digest)
    assert tags_of(registry.url, target) == []
    done = document(create(*words))
    assert (done["referrers"], done["digest"], done["verified"]) == (4, INDEX.digest, True)
    assert tags_of(registry.url, target) == TAGS
    for subject, referrer in FOUND:
        assert digests(listed_by_tag(registry, target, subject)) == [referrer.digest]
    assert listed_by_tag(registry, target, ARM64) == []
    assert listed_by_tag(registry, target, AMD64) == [
        {
            "mediaType": SBOM.media_type,
            "digest": SBOM.digest,
            "size": SBOM.size,
            "annotations": {"org.opencontainers.image.created": "2024-01-01"},
            "artifactType": "application/spdx+json",
        }
    ]
    assert fetch_manifest(registry.url, target, SIG).content == SIGNATURE.manifest
    with plain_client(registry.url) as client:
        assert dangling_tags(client, target) == []
    again = document(create(*words))
    assert (again["referrers"], again["tags"][0]["action"]) == (0, "kept")


def test_left(registry: DockerRegistry, staging: str) -> None:
    """Without the option the index travels alone."""
    target = f"{staging}-prod"
    words = (f"{registry.host}/{target}:1.4", f"{registry.host}/{staging}:1.4")
    run_mbuild("create", *words, cwd=Path("/"))
    assert tags_of(registry.url, target) == ["1.4"]


def test_to_a_registry_with_the_api(
    registry: DockerRegistry, staging: str, fake: FakeRegistry, server: LoopbackServer
) -> None:
    """There they are listed by the registry itself; only cosign's tag is one there too."""
    name = f"{server.host}/team/prod"
    done = document(create(f"{name}:1.4", f"{registry.host}/{staging}:1.4", "-o", "json"))
    assert done["referrers"] == 4
    assert sorted(fake.repository("team/prod").tags) == ["1.4", SIG]
    with plain_client(f"http://{server.host}") as client:
        for subject, referrer in FOUND:
            answer = client.get(f"/v2/team/prod/referrers/{subject.digest}").json()
            assert digests(answer["manifests"]) == [referrer.digest]
    puts = [one.request.path for one in fake.log.asked("PUT")]
    assert len(puts) == len(set(puts))  # no manifest is put twice


def test_from_a_registry_with_the_api(
    registry: DockerRegistry, repository: str, fake: FakeRegistry, server: LoopbackServer
) -> None:
    """Back from there, they are named by tags again; the list comes page by page."""
    fake.put("team/staging", "1.4", INDEX)
    sboms = [make_referrer(AMD64, text=f"SBOM {number}") for number in range(5)]
    for referrer in (*sboms, OF_INDEX):
        fake.put("team/staging", "", referrer)
    fake.page = 2
    name = f"{registry.host}/{repository}:1.4"
    done = document(create(name, f"{server.host}/team/staging:1.4", "-o", "json"))
    assert done["referrers"] == 6
    entries = listed_by_tag(registry, repository, AMD64)
    assert sorted(digests(entries)) == sorted(one.digest for one in sboms)


@pytest.mark.parametrize("kind", ["oci", "oci-archive"])
def test_bundle(
    registry: DockerRegistry, staging: str, repository: str, tmp_path: Path, kind: str
) -> None:
    """They travel into a layout, or an archive of one, and out of it again."""
    bundle, target = f"{kind}:{tmp_path}/bundle", f"{registry.host}/{repository}-out:1.4"
    first = document(create(f"{bundle}:1.4", f"{registry.host}/{staging}:1.4", "-o", "json"))
    assert first["referrers"] == 4
    again = document(create(f"{bundle}:1.4", f"{registry.host}/{staging}:1.4", "-o", "json"))
    assert (again["referrers"], again["tags"][0]["action"]) == (0, "kept")
    second = document(create(target, f"{bundle}:1.4", "-o", "json"))
    assert (second["referrers"], second["digest"]) == (4, INDEX.digest)
    assert tags_of(registry.url, f"{repository}-out") == TAGS
    # An image in it needs no tag: what belongs to images is none.
    third = document(create(target, bundle, "-o", "json"))
    assert (third["referrers"], third["tags"][0]["action"]) == (0, "kept")


def test_layout(registry: DockerRegistry, staging: str, tmp_path: Path) -> None:
    """A layout gets the tags that other tools look for, and holds all that they name."""
    create(f"oci:{tmp_path}/bundle:1.4", f"{registry.host}/{staging}:1.4")
    assert sorted(tags_in_layout(tmp_path / "bundle")) == TAGS
    assert dangling_in_layout(tmp_path / "bundle") == []


def test_text(registry: DockerRegistry, staging: str) -> None:
    """The report counts them; with -v it is told that there is no API, once a registry."""
    source = f"{registry.host}/{staging}"
    words = (f"{source}-prod:1.4", f"{source}:1.4")
    planned = create(*words, "--dry-run")
    assert planned.stdout.splitlines()[-1] == "  4 referrers to copy"
    done = create(*words, "-v")
    assert done.stdout.splitlines()[-1] == "  4 referrers copied"
    why = f"no referrers API ({registry.host} answered 404 Not Found)"
    note = f"note: {source}: {why}; the tag for referrers is asked instead"
    assert done.stderr.splitlines() == [note]


@pytest.fixture
def wire(registry: DockerRegistry) -> Iterator[Wire]:
    """The shared registry, listened to."""
    with listen_at_the_wire(registry.url) as listening:
        yield listening


def test_cost_of_nothing(wire: Wire, staging: str) -> None:
    """Where all is there, each image and each referrer costs a list and three HEADs, no blob."""
    name = f"{wire.host}/{staging}"
    words = (f"{name}-prod:1.4", f"{name}:1.4", "--plain-http", wire.host)
    assert create(*words).code == 0
    wire.clear()
    assert create(*words).code == 0
    looked_at = 3 + 4  # the index, its images, and what belongs to them
    at_source, at_target = looked_at * (1 + 3), len(FOUND) + 1
    api, push = 1, 3
    assert len(wire.exchanges) <= at_source + at_target + api + push, wire.report
    assert {one.method for one in wire.exchanges} == {"GET", "HEAD"}


def test_missing(registry: DockerRegistry, fake: FakeRegistry, server: LoopbackServer) -> None:
    """A referrer that is gone stops the push: nothing is written, and the error says what to do."""
    fake.put("team/staging", "1.4", AMD64)
    fake.put("team/staging", "", SBOM)
    gone = status(404, "MANIFEST_UNKNOWN")
    fake.faults.append(Fault("GET", f"manifests/{SBOM.digest}", gone))
    target, source = f"{registry.host}/never/prod:1.4", f"{server.host}/team/staging:1.4"
    result = create(target, source)
    where = f"{target}: {server.host}/team/staging@{AMD64.digest}"
    hint = "remove it from what lists it, or leave out 'referrers: copy'"
    error = f"error: {where}: {SBOM.digest} does not exist; {hint}\n"
    assert (result.code, result.stderr) == (4, error)
    assert tags_of(registry.url, "never/prod") == []


def test_two_registries(
    registry: DockerRegistry, staging: str, fake: FakeRegistry, server: LoopbackServer,
    tmp_path: Path,
) -> None:  # fmt: skip
    """One run brings them to two registries, and reads each of them once."""
    fake.put("team/staging", "1.4", INDEX)
    for referrer in (SBOM, OF_INDEX):
        fake.put("team/staging", "", referrer)
    spec: dict[str, Any] = {
        "image": [f"{registry.host}/{staging}-a:1.4", f"{registry.host}/{staging}-b:1.4"],
        "sources": [f"{server.host}/team/staging:1.4"],
        "referrers": "copy",
    }
    (tmp_path / "manifests.yaml").write_text(json.dumps(spec))
    result = run_mbuild("push", "-o", "json", "--no-cache", cwd=tmp_path)
    assert result.code == 0
    targets = json.loads(result.stdout)["targets"]
    assert [target["referrers"] for target in targets] == [2, 2]
    layer = f"/v2/team/staging/blobs/{digest_of(SBOM.layers[0])}"
    assert [one.request.path for one in fake.log.asked("GET")].count(layer) == 1
