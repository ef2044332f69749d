"""Verifying from the command line: what is printed where, and the exit code."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.world import AMD64, ARM64, mbuild
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import READ_ONLY, Effect, Fault, header, lost, status
from tests.support.images import digest_of, make_index, write_layout
from tests.support.loopback import LoopbackServer

INDEX = make_index(AMD64, ARM64)
LAYER = digest_of(AMD64.layers[0])
AGAIN = "; push again with --force, or copy it from where it is whole"
WHOLE = "OCI index, 2 images: 2 manifests, 2 configs, 2 layers (21.0 kB) answer"


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry nobody may write to, with an index at 1.0 and an image at latest."""
    fake = FakeRegistry(READ_ONLY)
    fake.put("team/app", "1.0", INDEX)
    fake.put("team/app", "latest", AMD64)
    return fake


@pytest.fixture
def server(fake: FakeRegistry) -> Iterator[LoopbackServer]:
    """The fake's place on the loopback."""
    with serve_fake(fake) as running:
        yield running


def test_whole(fake: FakeRegistry, server: LoopbackServer) -> None:
    """What is whole is a line each; index, children and distinct blobs are asked for once."""
    name = f"{server.host}/team/app"
    words = ("--plain-http", server.host, "--attempts", "1")
    done = mbuild("verify", f"{name}:1.0", name, *words)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        f"{name}@{INDEX.digest}  {WHOLE}",
        f"{name}@{AMD64.digest}  OCI image: 1 manifest, 1 config, 1 layer (10.5 kB) answer",
    ]
    asked = sorted(one.path.rpartition("/")[2] for one in fake.log.exchanges)
    blobs = [digest_of(blob) for image in (AMD64, ARM64) for blob in image.blobs]
    assert asked == sorted(["1.0", "latest", AMD64.digest, ARM64.digest, *blobs])
    assert {one.method for one in fake.log.exchanges if "/blobs/" in one.path} == {"HEAD"}


def test_deep(fake: FakeRegistry, server: LoopbackServer) -> None:
    """With --deep blobs are downloaded, as many requests as without."""
    name = f"{server.host}/team/app:1.0"
    done = mbuild("verify", name, "--deep", "--plain-http", server.host)
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout.endswith("answer, all of them hashed\n")
    assert [one.method for one in fake.log.exchanges] == ["GET"] * 7


def test_deep_is_a_variable(server: LoopbackServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """MBUILD_DEEP is the same."""
    monkeypatch.setenv("MBUILD_DEEP", "1")
    words = ("-o", "json", "--plain-http", server.host)
    document = json.loads(mbuild("verify", f"{server.host}/team/app:1.0", *words).stdout)
    assert [one["deep"] for one in document["references"]] == [True]


def test_missing(fake: FakeRegistry, server: LoopbackServer) -> None:
    """What is missing is an error line for each reference that needs it, and exit code 4."""
    fake.repository("team/app").blobs.pop(LAYER)
    name = f"{server.host}/team/app"
    done = mbuild("verify", f"{name}:1.0", f"{name}@{ARM64.digest}", "--plain-http", server.host)
    assert done.code == 4
    assert done.errors == [
        (
            f"error: {name}:1.0: layer {LAYER} of linux/amd64 is missing: "
            f"{server.host} answered 404 Not Found{AGAIN}"
        )
    ]
    assert done.stdout.splitlines() == [
        f"{name}@{INDEX.digest}  OCI index, 2 images: of 6 parts 1 missing or wrong",
        f"{name}@{ARM64.digest}  OCI image: 1 manifest, 1 config, 1 layer (10.5 kB) answer",
    ]
    quiet = mbuild("verify", f"{name}:1.0", f"{name}@{ARM64.digest}", "-q",
                   "--plain-http", server.host)  # fmt: skip
    assert (quiet.code, quiet.stdout) == (4, f"{name}@{ARM64.digest}\n")
    assert quiet.errors == done.errors


def test_document(fake: FakeRegistry, server: LoopbackServer) -> None:
    """As JSON it is one document, and what is wrong stands on stderr too."""
    fake.repository("team/app").manifests.pop(ARM64.digest)
    name = f"{server.host}/team/app:1.0"
    done = mbuild("verify", name, "-o", "json", "--plain-http", server.host)
    document = json.loads(done.stdout)
    (one,) = document["references"]
    assert (document["ok"], document["requests"], one["reference"]) == (False, 5, name)
    assert one["missing"] == [
        {
            "digest": ARM64.digest,
            "kind": "manifest",
            "platforms": ["linux/arm64"],
            "reason": "not-found",
        }
    ]
    assert len(done.errors) == len(one["errors"]) == 1


FAILURES = [
    ("absent", "manifests/1.0", status(404, "MANIFEST_UNKNOWN"), 4),
    ("denied", "manifests/1.0", status(403, "DENIED"), 5),
    ("fails", "manifests/1.0", status(500), 6),
    ("child denied", AMD64.digest, status(403, "DENIED"), 5),
    ("child fails", AMD64.digest, status(502), 6),
    ("blob absent", LAYER, status(404), 4),
    ("blob denied", LAYER, status(401), 5),
    ("blob fails", LAYER, status(503), 6),
    ("blob lost", LAYER, lost(), 6),
    ("blob's size wrong", LAYER, header("content-length", "7"), 4),
]


@pytest.mark.parametrize(
    ("path", "effect", "code"), [one[1:] for one in FAILURES], ids=[one[0] for one in FAILURES]
)
def test_failure(
    fake: FakeRegistry, server: LoopbackServer, path: str, effect: Effect, code: int
) -> None:
    """Whatever is in the way is one line that begins with the reference, and its exit code."""
    fake.faults.append(Fault("GET|HEAD", path, effect))
    name = f"{server.host}/team/app:1.0"
    done = mbuild("verify", name, "--attempts", "1", "--plain-http", server.host)
    (line,) = done.errors
    assert line.startswith(f"error: {name}: ")
    assert done.code == code


def test_worst_code(fake: FakeRegistry, server: LoopbackServer) -> None:
    """Of several references the code is that of the worst."""
    fake.repository("team/app").blobs.pop(LAYER)
    fake.faults.append(Fault("GET", "/other/manifests/", status(403, "DENIED")))
    names = [f"{server.host}/{name}" for name in ("team/app:1.0", "other:1", "team/app:absent")]
    done = mbuild("verify", *names, "--plain-http", server.host)
    assert (done.code, len(done.errors)) == (5, 3)


def test_temporary(fake: FakeRegistry, server: LoopbackServer) -> None:
    """What fails for a while is tried again by the one policy."""
    fake.faults.append(Fault("HEAD", LAYER, status(503, retry_after=0), times=1))
    words = ("--plain-http", server.host, "-o", "json")
    done = mbuild("verify", f"{server.host}/team/app:1.0", *words)
    assert (done.code, json.loads(done.stdout)["retries"]) == (0, 1)


def test_layout(folder: Path) -> None:
    """Layouts are verified as registries are."""
    write_layout(folder / "dist", {"1.0": INDEX})
    done = mbuild("verify", "oci:dist:1.0", "oci:dist")
    assert (done.code, done.stderr) == (0, "")
    assert done.stdout == f"oci:dist@{INDEX.digest}  {WHOLE}\n" * 2


def test_what_is_no_reference() -> None:
    """Every text that is no reference is told, and nothing is asked for."""
    done = mbuild("verify", "oci:", "http://registry.test/app", "app:1.0")
    assert (done.code, done.stdout) == (2, "")
    assert done.errors == [
        "error: 'oci:' is not a reference: oci: needs a directory, oci:DIR[:TAG]",
        "error: 'http://registry.test/app' is not a reference: write it without http://",
    ]


@pytest.mark.usefixtures("folder")
def test_given_twice(folder: Path) -> None:
    """A reference that is given twice is verified once."""
    write_layout(folder / "dist", {"1.0": INDEX})
    assert len(mbuild("verify", "oci:dist:1.0", "oci:dist:1.0").stdout.splitlines()) == 1
