"""Manifests are fetched whole, bounded, hashed and compared; errors say what was answered."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from mbuild.errors import MbuildError
from tests.registry.world import (
    DAMAGED,
    HOST,
    LATER,
    LOGIN,
    NO_REGISTRY,
    Recorder,
    Scripted,
    ask,
    content_of,
    error_of,
    open_registries,
)
from tests.support.exchange import Answer
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import (
    Fault,
    content,
    cut,
    header,
    html,
    huge_json,
    lost,
    redirect,
    schema_1,
    status,
)
from tests.support.images import OCI_INDEX, digest_of, make_image, make_index

IMAGE = make_image()
INDEX = make_index(IMAGE)
OTHER = make_image(seed=1)
ABSENT = digest_of(b"absent")


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds an index."""
    fake = FakeRegistry()
    fake.put("team/app", "1.0", INDEX)
    return fake


@pytest.mark.parametrize("reference", ["1.0", INDEX.digest])
def test_fetch(recorder: Recorder, fake: FakeRegistry, reference: str) -> None:
    """A manifest comes by tag and by digest, byte for byte, in one request."""
    found = ask(recorder, fake, lambda registry: registry.fetch_manifest("team/app", reference))
    assert found == content_of(INDEX)
    (exchange,) = fake.log.exchanges
    assert exchange.request.headers["accept-encoding"] == "identity"
    assert exchange.request.headers["accept"] == (
        "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, "
        "application/vnd.docker.distribution.manifest.list.v2+json, "
        "application/vnd.docker.distribution.manifest.v2+json"
    )
    assert exchange.request.headers["user-agent"].startswith("mbuild/")


def test_fetch_schema_1(recorder: Recorder, fake: FakeRegistry) -> None:
    """A schema 1 manifest is handed on for its reader to refuse."""
    fake.faults.append(Fault("GET", "/manifests/", schema_1()))
    fake.faults.append(Fault("GET", "/manifests/", header("Docker-Content-Digest", None)))
    found = ask(recorder, fake, lambda registry: registry.fetch_manifest("team/app", "1.0"))
    assert found.media_type.endswith("manifest.v1+prettyjws")


W = f"{HOST}/team/app:1.0: "


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            status(401, "UNAUTHORIZED"),
            ("Denied", 5, f"{W}{HOST} answered 401 Unauthorized (UNAUTHORIZED: scripted){LOGIN}"),
        ),
        (
            status(403, "DENIED"),
            ("Denied", 5, f"{W}{HOST} answered 403 Forbidden (DENIED: scripted){LOGIN}"),
        ),
        (
            status(404, "MANIFEST_UNKNOWN"),
            ("NotFound", 6, f"{W}{HOST} answered 404 Not Found (MANIFEST_UNKNOWN: scripted)"),
        ),
        (status(400), ("RegistryError", 6, f"{W}{HOST} answered 400 Bad Request")),
        (
            html(),
            ("ProtocolError", 6, f"{W}answered with HTML, not a manifest{NO_REGISTRY}"),
        ),
        (
            huge_json(),
            (
                "ProtocolError", 6,
                (f"{W}{HOST} answered with more than 4194304 bytes, the most that is read here"
                f"{NO_REGISTRY}"),
            ),
        ),
        (
            content(OTHER.manifest),
            (
                "IntegrityError", 6,
                (f"{W}the registry says that its digest is {INDEX.digest}, and sent bytes whose"
                f" digest is {OTHER.digest}{DAMAGED}"),
            ),
        ),
        (
            lambda _request, _registry: Answer(200, {}, b"{"),
            (
                "ProtocolError", 6,
                (f"{W}not a manifest: not JSON: Expecting property name enclosed in double quotes"
                f" at line 1 column 2{NO_REGISTRY}"),
            ),
        ),
        (
            status(200),
            ("ProtocolError", 6, f"{W}answered 200 without a manifest{NO_REGISTRY}"),
        ),
        (
            status(204),
            ("ProtocolError", 6, f"{W}answered 204 without a manifest{NO_REGISTRY}"),
        ),
    ],
    ids=["401", "403", "404", "400", "html", "huge", "other bytes", "no JSON", "empty", "204"],
)  # fmt: skip
def test_fetch_fails(
    recorder: Recorder, fake: FakeRegistry, effect: Any, expected: tuple[str, int, str]
) -> None:
    """What cannot be used is one line and final."""
    fake.faults.append(Fault("GET", "/manifests/", effect))
    found = error_of(recorder, fake, lambda registry: registry.fetch_manifest("team/app", "1.0"))
    assert found == expected
    assert recorder.waits == []


def test_fetch_other_bytes_by_digest(recorder: Recorder, fake: FakeRegistry) -> None:
    """A digest that was asked for must be met."""
    fake.faults.append(Fault("GET", "/manifests/", content(OTHER.manifest)))
    found = error_of(
        recorder, fake, lambda registry: registry.fetch_manifest("team/app", INDEX.digest)
    )
    assert found == (
        "IntegrityError", 6,
        (f"{HOST}/team/app@{INDEX.digest}: the registry sent other bytes than were asked for:"
        f" sha256 is {OTHER.digest.removeprefix('sha256:')}{DAMAGED}"),
    )  # fmt: skip


@pytest.mark.parametrize(
    "effect",
    [status(code) for code in (408, 429, 500, 502, 503, 504)] + [cut(10), lost()],
    ids=["408", "429", "500", "502", "503", "504", "cut", "lost"],
)
def test_fetch_again(recorder: Recorder, fake: FakeRegistry, effect: Any) -> None:
    """Temporary failures are met with patience."""
    fake.faults.append(Fault("GET", "/manifests/", effect, times=2))
    found = ask(recorder, fake, lambda registry: registry.fetch_manifest("team/app", "1.0"))
    assert found == content_of(INDEX)
    assert recorder.waits == [1.0, 2.0]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            status(503, "UNAVAILABLE"),
            (
                "RegistryError", 6,
                (f"{W}{HOST} answered 503 Service Unavailable (UNAVAILABLE: scripted), after 2"
                " attempts; try again later"),
            ),
        ),
        (
            cut(10),
            (
                "TransportError", 6,
                (f"{W}the answer was cut short: peer closed connection without complete message"
                f" body ({HOST}), after 2 attempts{LATER}"),
            ),
        ),
    ],
    ids=["503", "cut"],
)  # fmt: skip
def test_fetch_in_vain(
    recorder: Recorder, fake: FakeRegistry, effect: Any, expected: tuple[str, int, str]
) -> None:
    """Patience ends after the attempts."""
    fake.faults.append(Fault("GET", "/manifests/", effect))
    question = lambda registry: registry.fetch_manifest("team/app", "1.0")  # noqa: E731
    assert error_of(recorder, fake, question, attempts=2) == expected


def test_dead_port(recorder: Recorder) -> None:
    """A host where nobody answers is named with the reason."""

    async def scenario() -> None:
        async with open_registries(recorder, {}, attempts=2) as registries:
            with pytest.raises(MbuildError) as raised:
                await registries.registry("dead.test:1").fetch_manifest("a/b", "1.0")
            assert (raised.value.exit_code, str(raised.value)) == (
                6,
                (
                    "dead.test:1/a/b:1.0: cannot connect: connection refused (dead.test:1), after 2"
                    " attempts; check the registry's name, its port and the network"
                ),
            )
            assert registries.requests == 0

    asyncio.run(scenario())


def test_retry_after(recorder: Recorder, fake: FakeRegistry) -> None:
    """The wait that a registry asks for is kept."""
    fake.faults.append(Fault("GET", "/manifests/", status(429, retry_after=20), times=1))
    ask(recorder, fake, lambda registry: registry.fetch_manifest("team/app", "1.0"))
    assert recorder.waits == [20.0]


def test_length_is_checked(recorder: Recorder) -> None:
    """A body shorter than its Content-Length is a temporary failure."""
    fake = Scripted(lambda _: Answer(200, {"content-length": "99"}, b"{}"))
    found = error_of(recorder, fake, lambda r: r.fetch_manifest("a/b", "1"), attempts=1)
    assert found[2] == f"{HOST}/a/b:1: the answer was cut short: 2 of 99 bytes ({HOST}){LATER}"


def test_length_beside_chunks(recorder: Recorder) -> None:
    """A Content-Length beside chunks is not believed: their end is the body's."""
    headers = {"content-length": "99", "transfer-encoding": "chunked"}
    fake = Scripted(lambda _: Answer(200, headers, INDEX.manifest))
    found = ask(recorder, fake, lambda registry: registry.fetch_manifest("a/b", INDEX.digest))
    assert found == content_of(INDEX)


def test_redirects(recorder: Recorder, fake: FakeRegistry) -> None:
    """A GET follows to another host, and each hop is counted."""
    moved = FakeRegistry(Fault("GET", "", redirect("https://cdn.test")))

    async def scenario() -> int:
        hosts = {HOST: moved, "cdn.test": fake}
        async with open_registries(recorder, hosts) as registries:
            await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            return registries.requests

    assert asyncio.run(scenario()) == 2


def test_redirects_end(recorder: Recorder) -> None:
    """A circle of redirects is left after ten hops."""
    fake = FakeRegistry(Fault("GET", "", redirect(f"https://{HOST}")))
    found = error_of(recorder, fake, lambda r: r.fetch_manifest("a/b", "1"))
    assert found == ("ProtocolError", 6, f"{HOST}/a/b:1: more than 10 redirects{NO_REGISTRY}")
    assert len(fake.log.exchanges) == 11


def test_content_type_says_index(recorder: Recorder) -> None:
    """The media type comes from the answer where the bytes do not say it."""
    body = b'{"schemaVersion": 2, "manifests": []}'
    fake = Scripted(lambda _: Answer(200, {"Content-Type": f"{OCI_INDEX}; charset=utf-8"}, body))
    found = ask(recorder, fake, lambda registry: registry.fetch_manifest("a/b", "1"))
    assert found.media_type == OCI_INDEX


def test_error_body_is_bounded(recorder: Recorder) -> None:
    """Of an error's body no more is read than a registry needs to say what is wrong."""
    sent = 0

    class Endless(httpx.AsyncBaseTransport, httpx.AsyncByteStream):
        async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
            return httpx.Response(400, stream=self, request=request)

        async def __aiter__(self) -> AsyncIterator[bytes]:
            nonlocal sent
            while True:
                sent += 1024
                yield b"x" * 1024

    async def scenario() -> None:
        async with open_registries(recorder, {}, transport=Endless()) as registries:
            registry = registries.registry(HOST)
            assert registry.domain == HOST
            with pytest.raises(MbuildError):
                await registry.fetch_manifest("a/b", "1")

    asyncio.run(scenario())
    assert sent == 64 * 1024
