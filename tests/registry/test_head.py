"""What a tag or digest holds is asked for by HEAD, and proven by the bytes that are read back."""

import asyncio

import pytest

from mbuild.oci.digest import parse_digest
from tests.registry.world import (
    DAMAGED,
    HOST,
    LOGIN,
    Recorder,
    ask,
    content_of,
    error_of,
    open_registries,
)
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import (
    NO_HEAD,
    Fault,
    header,
    status,
)
from tests.support.images import digest_of, make_image, make_index

IMAGE = make_image()
INDEX = make_index(IMAGE)
ABSENT = digest_of(b"absent")
W = f"{HOST}/team/app:1.0: "


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds an index."""
    fake = FakeRegistry()
    fake.put("team/app", "1.0", INDEX)
    return fake


@pytest.mark.parametrize("reference", ["1.0", INDEX.digest])
def test_head(recorder: Recorder, fake: FakeRegistry, reference: str) -> None:
    """A HEAD is enough where it says all."""
    found = ask(recorder, fake, lambda registry: registry.head_manifest("team/app", reference))
    assert found == content_of(INDEX).descriptor()
    assert [one.method for one in fake.log.exchanges] == ["HEAD"]


@pytest.mark.parametrize(
    "fault",
    [
        NO_HEAD,
        Fault("HEAD", "/manifests/", header("Docker-Content-Digest", None)),
        Fault("HEAD", "/manifests/", header("Docker-Content-Digest", "sha256:1")),
        Fault("HEAD", "/manifests/", header("Content-Length", "0")),
        Fault("HEAD", "/manifests/", header("Content-Length", "x")),
        Fault("HEAD", "/manifests/", header("Content-Type", "text/plain")),
    ],
    ids=["405", "no digest", "bad digest", "zero", "no number", "type"],
)
def test_head_by_get(recorder: Recorder, fake: FakeRegistry, fault: Fault) -> None:
    """What HEAD does not say, GET does."""
    fake.faults.append(fault)
    found = ask(recorder, fake, lambda registry: registry.head_manifest("team/app", "1.0"))
    assert found == content_of(INDEX).descriptor()
    assert [one.method for one in fake.log.exchanges] == ["HEAD", "GET"]


@pytest.mark.parametrize("faults", [[], [NO_HEAD]], ids=["head", "get"])
def test_head_absent(recorder: Recorder, fake: FakeRegistry, faults: list[Fault]) -> None:
    """Nothing there is None, by either way."""
    fake.faults.extend(faults)
    assert ask(recorder, fake, lambda registry: registry.head_manifest("team/app", "2")) is None


def test_head_fails(recorder: Recorder, fake: FakeRegistry) -> None:
    """A refusal is no absence, and a digest that is not the one asked for is an error."""
    fake.faults.append(Fault("HEAD", "1.0", status(403)))
    fake.faults.append(Fault("HEAD", "sha256", header("Docker-Content-Digest", ABSENT)))
    found = error_of(recorder, fake, lambda registry: registry.head_manifest("team/app", "1.0"))
    assert found == ("Denied", 5, f"{W}{HOST} answered 403 Forbidden{LOGIN}")
    by_digest = lambda registry: registry.head_manifest("team/app", INDEX.digest)  # noqa: E731
    assert error_of(recorder, fake, by_digest) == (
        "IntegrityError", 6,
        f"{HOST}/team/app@{INDEX.digest}: the registry says that its digest is {ABSENT}{DAMAGED}",
    )  # fmt: skip


def test_read_back(recorder: Recorder, fake: FakeRegistry) -> None:
    """The proof is what a tag's bytes hash to, whatever the headers say."""
    fake.faults.append(Fault("GET", "", header("Docker-Content-Digest", ABSENT)))
    found = ask(recorder, fake, lambda registry: registry.read_back("team/app", "1.0"))
    assert found == parse_digest(INDEX.digest)
    assert ask(recorder, fake, lambda registry: registry.read_back("team/app", "2")) is None
    assert {one.method for one in fake.log.exchanges} == {"GET"}


def test_read_back_fails(recorder: Recorder, fake: FakeRegistry) -> None:
    """A tag that may not be read is no absent one."""
    fake.faults.append(Fault("GET", "", status(403)))
    found = error_of(recorder, fake, lambda registry: registry.read_back("team/app", "1.0"))
    assert found == ("Denied", 5, f"{W}{HOST} answered 403 Forbidden{LOGIN}")


def test_read_back_on_hub(recorder: Recorder, fake: FakeRegistry) -> None:
    """Docker Hub is asked by HEAD, since a GET counts as a pull."""

    async def scenario() -> list[object]:
        hosts = {"registry-1.docker.io": fake}
        async with open_registries(recorder, hosts) as registries:
            hub = registries.registry("docker.io")
            return [await hub.read_back("team/app", tag) for tag in ("1.0", "2")]

    assert asyncio.run(scenario()) == [parse_digest(INDEX.digest), None]
    assert [f"{one.method} {one.path}" for one in fake.log.exchanges] == [
        "GET /v2/",
        "HEAD /v2/team/app/manifests/1.0",
        "HEAD /v2/team/app/manifests/2",
    ]
