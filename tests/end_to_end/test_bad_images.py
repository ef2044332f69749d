"""What is wrong with images and registries: the exit code and the whole message of each."""

import socket
from pathlib import Path

import pytest

from tests.support import faults
from tests.support.cli import Result, run_mbuild
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import digest_of, make_image, make_index, write_layout
from tests.support.loopback import LoopbackServer
from tests.support.specs import SPEC, write_spec

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
OTHER = make_image("linux/amd64", seed="other")
SOURCE = r"/team/app/manifests/amd64"
WHERE = f"{SPEC}:3:16"


def push(folder: Path, host: str, **platforms: str) -> Result:
    """Push `team/app:1.0`, made of the amd64 image unless told, in two attempts at most."""
    sources = platforms or {"linux/amd64": f"{host}/team/app:amd64"}
    write_spec(folder, f"{host}/team/app:1.0", sources)
    return run_mbuild("push", "--attempts", "2", cwd=folder)


def check_untouched(fake: FakeRegistry) -> None:
    """Nothing was written."""
    assert fake.log.writes == []
    assert "1.0" not in fake.repository("team/app").tags


LOG_IN = "no login for it was found: log in with `docker login HOST`"
LOOK = "check the registry's name, its port and the network"
LATER = "try again later; -vv shows each request"
NO_REGISTRY = "check that the name is that of a registry and of an image in it"
DAMAGED = "try again; if it stays, what holds it is damaged, or something on the way changes it"

SOURCE_FAULTS: dict[str, tuple[faults.Effect, int, str]] = {
    "missing": (
        faults.status(404, "MANIFEST_UNKNOWN", message="manifest unknown"),
        4,
        (
            "HOST answered 404 Not Found (MANIFEST_UNKNOWN: manifest unknown); "
            "check the name and the tag, or mark the entry optional"
        ),
    ),
    "denied": (
        faults.status(403, "DENIED", message="requested access is denied"),
        5,
        f"HOST answered 403 Forbidden (DENIED: requested access is denied); {LOG_IN}",
    ),
    "unauthorized": (
        faults.challenge('Basic realm="registry"'),
        5,
        f"HOST answered 401 Unauthorized (UNAUTHORIZED: scripted); {LOG_IN}",
    ),
    "503 for ever": (
        faults.status(503, "UNAVAILABLE", message="maintenance"),
        6,
        (
            "HOST answered 503 Service Unavailable (UNAVAILABLE: maintenance), after 2 attempts; "
            "try again later"
        ),
    ),
    "hangs up": (
        faults.lost(),
        6,
        (
            "the answer was cut short: Server disconnected without sending a response. (HOST), "
            f"after 2 attempts; {LATER}"
        ),
    ),
    "cut short": (
        faults.cut(100),
        6,
        (
            "the answer was cut short: peer closed connection without sending complete message body "
            f"(received 100 bytes, expected {AMD64.size}) (HOST), after 2 attempts; {LATER}"
        ),
    ),
    "huge": (
        faults.huge_json(),
        6,
        f"HOST answered with more than 4194304 bytes, the most that is read here; {NO_REGISTRY}",
    ),
    "html": (faults.html(), 6, f"answered with HTML, not a manifest; {NO_REGISTRY}"),
    "schema 1": (
        faults.schema_1(),
        4,
        (
            "it is a Docker schema 1 manifest, which no current client reads; "
            "push the image again with a current docker"
        ),
    ),
}


@pytest.mark.parametrize("name", SOURCE_FAULTS)
def test_source(name: str, fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A source that cannot be had is told with its place in the spec, and nothing is written."""
    effect, code, expected = SOURCE_FAULTS[name]
    fake.faults.append(Fault("GET", SOURCE, effect))
    result = push(tmp_path, server.host)
    assert result.told(server.host) == [f"error: {WHERE}: HOST/team/app:amd64: {expected}"]
    assert result.code == code
    check_untouched(fake)


def test_dead_port(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A source on a port where nobody listens is named, though the target answers."""
    dead = unused_host()
    result = push(tmp_path, server.host, **{"linux/amd64": f"{dead}/team/app:amd64"})
    assert [line.replace(dead, "DEAD") for line in result.lines] == [
        (
            f"error: {WHERE}: DEAD/team/app:amd64: cannot connect: connection refused (DEAD), "
            f"after 2 attempts; {LOOK}"
        ),
    ]
    assert result.code == 6
    check_untouched(fake)


def unused_host() -> str:
    """A loopback address whose port was free a moment ago."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{listening.getsockname()[1]}"


def test_other_manifest(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A manifest that is not the one of the digest asked for is not used."""
    fake.faults.append(Fault("GET", "/manifests/sha256:", faults.content(OTHER.manifest)))
    source = f"{server.host}/team/app@{AMD64.digest}"
    result = push(tmp_path, server.host, **{"linux/amd64": source})
    assert result.told(server.host) == [
        (
            f"error: {WHERE}: HOST/team/app@{AMD64.digest}: the registry sent other bytes "
            f"than were asked for: sha256 is {OTHER.digest.removeprefix('sha256:')}; {DAMAGED}"
        )
    ]
    assert result.code == 6
    check_untouched(fake)


def test_other_config(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """A config that is not the one the manifest names is not believed."""
    other = AMD64.config.replace(b"linux", b"linus")
    fake.faults.append(Fault("GET", "/blobs/sha256:", faults.content(other)))
    result = push(tmp_path, server.host)
    config = digest_of(AMD64.config)
    assert result.told(server.host) == [
        (
            f"error: {WHERE}: HOST/team/app@{config}: the bytes that arrived are not those of "
            f"{config}; {DAMAGED}"
        )
    ]
    assert result.code == 6
    check_untouched(fake)


def test_wrong_platform(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """An image that was built for another platform than the spec says is not published."""
    result = push(tmp_path, server.host, **{"linux/amd64": f"{server.host}/team/app:arm64"})
    assert result.told(server.host) == [
        (
            f"error: {WHERE}: HOST/team/app:arm64: the spec says linux/amd64, "
            "and the image's config has architecture 'arm64'; "
            "name the right image, correct the platform, or set trust: spec on the entry"
        ),
    ]
    assert result.code == 4
    check_untouched(fake)


def test_all_at_once(fake: FakeRegistry, server: LoopbackServer, tmp_path: Path) -> None:
    """Every source that is wrong is told, one line each, and the worst gives the code."""
    fake.faults.append(Fault("GET", "/manifests/secret", faults.status(403, "DENIED")))
    sources = {
        "linux/amd64": f"{server.host}/team/app:absent",
        "linux/arm64": f"{server.host}/team/app:secret",
        "linux/arm/v7": f"{server.host}/team/app:arm64",
    }
    result = push(tmp_path, server.host, **sources)
    assert result.told(server.host) == [
        (
            f"error: {WHERE}: HOST/team/app:absent: HOST answered 404 Not Found "
            "(MANIFEST_UNKNOWN: manifest unknown); "
            "check the name and the tag, or mark the entry optional"
        ),
        (
            f"error: {SPEC}:4:16: HOST/team/app:secret: HOST answered 403 Forbidden (DENIED: scripted); "
            f"{LOG_IN}"
        ),
        (
            f"error: {SPEC}:5:17: HOST/team/app:arm64: the spec says linux/arm/v7, "
            "and the image's config has architecture 'arm64'; "
            "name the right image, correct the platform, or set trust: spec on the entry"
        ),
    ]
    assert result.code == 5
    check_untouched(fake)


@pytest.mark.parametrize(
    ("status", "code"), [(404, 0), (401, 5), (403, 5), (429, 6), (500, 6)], ids=str
)
def test_optional_forgives_only_404(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path, status: int, code: int
) -> None:
    """An optional image may be absent; a registry that will not or cannot say is an error."""
    fake.faults.append(Fault("GET", SOURCE, faults.status(status, "X")))
    sources = {
        "linux/amd64": f"{{image: '{server.host}/team/app:amd64', optional: true}}",
        "linux/arm64": f"{server.host}/team/app:arm64",
    }
    result = push(tmp_path, server.host, **sources)
    assert result.code == code
    assert ("1.0" in fake.repository("team/app").tags) == (code == 0)


def test_index_without_the_platform(
    fake: FakeRegistry, server: LoopbackServer, tmp_path: Path
) -> None:
    """A source that is an index of other platforms is told with what it holds."""
    fake.put("team/app", "amd64", make_index(ARM64, make_image("linux/s390x")))
    result = push(tmp_path, server.host)
    assert result.told(server.host) == [
        (
            f"error: {WHERE}: HOST/team/app:amd64: it is an index without linux/amd64; "
            "it holds linux/arm64, linux/s390x; name another platform or another image"
        ),
    ]
    assert result.code == 4
    check_untouched(fake)


def test_missing_layout(tmp_path: Path) -> None:
    """A layout, or a tag in it, that does not exist is a missing source."""
    write_layout(tmp_path / "held", {"1.0": AMD64})
    sources = {"linux/amd64": "oci:absent:1.0", "linux/arm64": "oci:held:2.0"}
    write_spec(tmp_path, "oci:dist:1.0", sources)
    result = run_mbuild("push", cwd=tmp_path)
    assert result.lines == [
        (
            f"error: {WHERE}: oci:absent: no OCI image layout is there; "
            "check the name and the tag, or mark the entry optional"
        ),
        f"error: {SPEC}:4:16: oci:held:2.0: no such tag in the layout; it holds 1.0",
    ]
    assert result.code == 4
    assert not (tmp_path / "dist").exists()


def test_broken_layout(tmp_path: Path) -> None:
    """A blob in a layout that is not what its name says is not published."""
    write_layout(tmp_path / "held", {"1.0": AMD64})
    name = AMD64.digest.removeprefix("sha256:")
    (tmp_path / "held" / "blobs" / "sha256" / name).write_bytes(OTHER.manifest)
    write_spec(tmp_path, "oci:dist:1.0", {"linux/amd64": "oci:held:1.0"})
    result = run_mbuild("push", cwd=tmp_path)
    assert result.lines == [
        f"error: {WHERE}: oci:held: blob {AMD64.digest} does not hash to its name; {DAMAGED}",
    ]
    assert result.code == 4
    assert not (tmp_path / "dist").exists()
