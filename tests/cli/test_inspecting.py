"""Inspecting what a registry holds: what is asked for, and what is said when it cannot be had."""

import json
from collections.abc import Iterator

import pytest

from tests.cli.world import AMD64, ARM64, mbuild
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import READ_ONLY, Effect, Fault, html, status
from tests.support.images import make_index
from tests.support.loopback import LoopbackServer

INDEX = make_index(AMD64, ARM64)


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry nobody may write to, with an index at latest and 1.0."""
    fake = FakeRegistry(READ_ONLY)
    fake.put("team/app", "1.0", INDEX)
    fake.put("team/app", "latest", AMD64)
    return fake


@pytest.fixture
def server(fake: FakeRegistry) -> Iterator[LoopbackServer]:
    """The fake's place on the loopback."""
    with serve_fake(fake) as running:
        yield running


@pytest.mark.parametrize(
    ("tail", "digest"),
    [("", AMD64.digest), (":1.0", INDEX.digest), (f"@{ARM64.digest}", ARM64.digest)],
    ids=["latest", "tag", "digest"],
)
def test_inspect(server: LoopbackServer, tail: str, digest: str) -> None:
    """A reference without a tag means latest; what it holds is told by its digest."""
    name = f"{server.host}/team/app"
    done = mbuild("inspect", f"{name}{tail}", "-q", "--plain-http", server.host)
    assert (done.code, done.stdout, done.stderr) == (0, f"{name}@{digest}\n", "")


def test_raw(server: LoopbackServer) -> None:
    """Raw bytes are the registry's, whatever else is asked for."""
    words = ("--raw", "-o", "json", "--plain-http", server.host)
    done = mbuild("inspect", f"{server.host}/team/app:1.0", *words)
    assert done.stdout == INDEX.manifest.decode()


def test_document(server: LoopbackServer) -> None:
    """As JSON it is a document."""
    words = ("-o", "json", "--plain-http", server.host)
    document = json.loads(mbuild("inspect", f"{server.host}/team/app:1.0", *words).stdout)
    assert (document["version"], document["digest"]) == (1, INDEX.digest)


FAILURES = [
    ("absent", status(404, "MANIFEST_UNKNOWN"), 4),
    ("denied", status(403, "DENIED"), 5),
    ("fails", status(500), 6),
    ("html", html(), 6),
]


@pytest.mark.parametrize(
    ("effect", "code"), [one[1:] for one in FAILURES], ids=[one[0] for one in FAILURES]
)
def test_failure(fake: FakeRegistry, server: LoopbackServer, effect: Effect, code: int) -> None:
    """What cannot be had is one line that begins with the reference, and its exit code."""
    fake.faults.append(Fault("GET", "/manifests/", effect))
    name = f"{server.host}/team/app:1.0"
    done = mbuild("inspect", name, "--attempts", "1", "--plain-http", server.host)
    (line,) = done.errors
    assert line.startswith(f"error: {name}: ")
    assert (done.code, done.stdout) == (code, "")
