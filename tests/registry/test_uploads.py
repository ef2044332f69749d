"""A blob's copy is one operation: whatever breaks, it begins again at its source."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import pytest

from mbuild.errors import StoreError
from mbuild.registry.client import Registry
from tests.registry.world import (
    DAMAGED,
    HOST,
    LOGIN,
    TELL,
    Recorder,
    Scripted,
    ask,
    blob_descriptor,
    error_of,
    open_registries,
    source_of,
)
from tests.support.exchange import Answer, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, cut, header, lost, lost_reply, status
from tests.support.images import digest_of

BLOB = b"0123456789" * 10
DESCRIPTOR = blob_descriptor(BLOB)
W = f"{HOST}/a/b@{DESCRIPTOR.digest}: "
NO_ADDRESS = "sends on to what is no http or https address; tell whoever runs the registry"
DOWNGRADE = (
    "sends on from https to plain http, at registry.test; nothing was asked there; whoever runs"
    " the registry has to offer https"
)


@pytest.fixture
def fake() -> FakeRegistry:
    """An empty registry."""
    return FakeRegistry()


async def upload(registry: Registry) -> None:
    """Upload the blob in three chunks."""
    await registry.upload_blob("a/b", DESCRIPTOR, source_of(BLOB[:10], BLOB[10:50], BLOB[50:]))


def requests(fake: FakeRegistry) -> list[str]:
    """Method and status of each request."""
    return [f"{one.method} {one.status}" for one in fake.log.exchanges]


def test_upload(recorder: Recorder, fake: FakeRegistry) -> None:
    """A POST and a PUT with the length; the registry's own query is kept as it is."""
    ask(recorder, fake, upload)
    assert requests(fake) == ["POST 202", "PUT 201"]
    sent = fake.log.exchanges[1].request
    assert sent.target.endswith(f"?_state=opaque&digest=sha256%3A{DESCRIPTOR.digest.encoded}")
    assert sent.headers["content-length"] == "100"
    assert sent.headers["content-type"] == "application/octet-stream"
    assert "transfer-encoding" not in sent.headers
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}


def test_empty_blob(recorder: Recorder, fake: FakeRegistry) -> None:
    """A blob may be empty."""
    empty = blob_descriptor(b"")
    ask(recorder, fake, lambda registry: registry.upload_blob("a/b", empty, source_of()))
    assert fake.repository("a/b").blobs == {digest_of(b""): b""}


@pytest.mark.parametrize(
    ("location", "expected"),
    [
        ("/v2/a/b/blobs/uploads/1?s=a%2Fb+c%3D%3D", "/v2/a/b/blobs/uploads/1?s=a%2Fb+c%3D%3D&digest="),
        ("https://registry.test/up/1", "/up/1?digest="),
        ("1", "/v2/a/b/blobs/uploads/1?digest="),
    ],
    ids=["absolute path", "whole", "relative"],
)  # fmt: skip
def test_location(recorder: Recorder, location: str, expected: str) -> None:
    """The registry's Location is used to the letter, absolute or relative."""
    strange = Scripted(
        lambda request: (
            Answer(202, {"Location": location}) if request.method == "POST" else Answer(201)
        )
    )
    ask(recorder, strange, upload)
    assert strange.log.exchanges[1].request.target == (
        f"{expected}sha256%3A{DESCRIPTOR.digest.encoded}"
    )


@pytest.mark.parametrize(
    ("location", "problem"),
    [
        ("https://[::1", NO_ADDRESS),
        ("https://registry.test:port/", NO_ADDRESS),
        ("ftp://registry.test/up/1", NO_ADDRESS),
        ("http://registry.test/up/1", DOWNGRADE),
    ],
)
def test_bad_location(recorder: Recorder, location: str, problem: str) -> None:
    """Nothing is sent to what is no address, nor over plain http where the registry has https."""
    strange = Scripted(lambda _: Answer(202, {"Location": location}))
    found = error_of(recorder, strange, upload)
    assert found == ("ProtocolError", 6, f"{W}{HOST} {problem}")
    assert requests(strange) == ["POST 202"]


@pytest.mark.parametrize(
    ("fault", "again"),
    [
        (Fault("POST", "", status(503), times=1), ["POST 503", "POST 202", "PUT 201"]),
        (Fault("POST", "", lost(), times=1), ["POST 0", "POST 202", "PUT 201"]),
        (
            Fault("PUT", "", status(500), times=1),
            ["POST 202", "PUT 500", "HEAD 404", "POST 202", "PUT 201"],
        ),
        (
            Fault("PUT", "", status(429), times=1),
            ["POST 202", "PUT 429", "POST 202", "PUT 201"],
        ),
        (Fault("PUT", "", lost_reply(), times=1), ["POST 202", "PUT 0", "HEAD 200"]),
    ],
    ids=["POST 503", "POST lost", "PUT 500", "PUT 429", "reply lost"],
)
def test_again(recorder: Recorder, fake: FakeRegistry, fault: Fault, again: list[str]) -> None:
    """The copy begins anew; what a lost reply had stored is not sent twice."""
    fake.faults.append(fault)
    ask(recorder, fake, upload)
    assert requests(fake) == again
    assert recorder.waits == [1.0]
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}


def test_each_request_has_its_attempts(recorder: Recorder, fake: FakeRegistry) -> None:
    """What fails of an upload takes no attempt away from the rest of it."""
    fake.faults = [
        Fault("POST", "", status(503), times=2),
        Fault("POST", "", status(503), times=2, after=1),
        Fault("PUT", "", lost(), times=2),
        Fault("HEAD", "", status(503), times=2),
    ]
    ask(recorder, fake, upload, attempts=3)
    posts = ["POST 503", "POST 503", "POST 202"]
    looks = ["HEAD 503", "HEAD 503", "HEAD 404"]
    again = ["POST 503", "POST 503", "POST 202", "PUT 0"]
    assert requests(fake) == [
        *posts, "PUT 0", *looks, *again, "HEAD 404", "POST 202", "PUT 201",
    ]  # fmt: skip


def test_attempts_are_not_multiplied(recorder: Recorder, fake: FakeRegistry) -> None:
    """Three attempts are three, whatever each of them asks."""
    fake.faults.append(Fault("POST", "", status(503)))
    found = error_of(recorder, fake, upload, attempts=3)
    assert found == (
        "RegistryError",
        6,
        f"{W}{HOST} answered 503 Service Unavailable, after 3 attempts; try again later",
    )
    assert requests(fake) == ["POST 503"] * 3


@pytest.mark.parametrize(
    ("fault", "expected"),
    [
        (
            Fault("POST", "", status(403, "DENIED")),
            ("Denied", 5, f"{W}{HOST} answered 403 Forbidden (DENIED: scripted){LOGIN}"),
        ),
        (
            Fault("POST", "", status(405, "UNSUPPORTED")),
            (
                "Denied",
                5,
                (
                    f"{W}{HOST} answered 405 Method Not Allowed (UNSUPPORTED: scripted); the"
                    " registry is read-only, or does not take this kind of content"
                ),
            ),
        ),
        (
            Fault("PUT", "", status(400, "DIGEST_INVALID")),
            ("RegistryError", 6, f"{W}{HOST} answered 400 Bad Request (DIGEST_INVALID: scripted)"),
        ),
        (
            Fault("POST", "", header("Location", None)),
            ("ProtocolError", 6, f"{W}the registry opened an upload and did not say where{TELL}"),
        ),
        (
            Fault("PUT", "", header("Docker-Content-Digest", digest_of(b"x"))),
            ("IntegrityError", 6, f"{W}the registry stored {digest_of(b'x')}{DAMAGED}"),
        ),
    ],
    ids=["403", "405", "400", "no location", "digest"],
)
def test_refused(
    recorder: Recorder, fake: FakeRegistry, fault: Fault, expected: tuple[str, int, str]
) -> None:
    """A refusal is final."""
    fake.faults.append(fault)
    assert error_of(recorder, fake, upload) == expected
    assert recorder.waits == []


@pytest.mark.parametrize(
    ("chunks", "message"),
    [
        ([BLOB[:50], BLOB[50:-1] + b"x"], f"the bytes that arrived are not those of {DESCRIPTOR.digest}"),
        ([BLOB[:50]], "50 bytes arrived, not the 100 that its descriptor says"),
        ([BLOB, b"x"], "101 bytes arrived, more than the 100 that its descriptor says"),
    ],
    ids=["other bytes", "too few", "too many"],
)  # fmt: skip
def test_wrong_source(
    recorder: Recorder, fake: FakeRegistry, chunks: list[bytes], message: str
) -> None:
    """Bytes that are not the descriptor's never become a blob."""
    found = error_of(recorder, fake, lambda r: r.upload_blob("a/b", DESCRIPTOR, source_of(*chunks)))
    assert found == ("IntegrityError", 6, f"{W}{message}{DAMAGED}")
    assert fake.repository("a/b").blobs == {}


def test_broken_source(recorder: Recorder, fake: FakeRegistry) -> None:
    """A source that cannot be read is its own error, and is not asked again."""
    broken = source_of(BLOB[:50], error=StoreError("disk is gone", where="oci:x"))
    found = error_of(recorder, fake, lambda r: r.upload_blob("a/b", DESCRIPTOR, broken))
    assert found == ("StoreError", 6, "oci:x: disk is gone")
    assert recorder.waits == []


@pytest.mark.parametrize("effect", [cut(10), status(503), lost()], ids=["cut", "503", "lost"])
def test_source_fails_for_a_while(recorder: Recorder, fake: FakeRegistry, effect: Any) -> None:
    """A source in a registry that stumbles is opened anew."""
    source = FakeRegistry(Fault("GET", "", effect, times=1))
    source.repository("x/y").blobs[digest_of(BLOB)] = BLOB

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake, "from.test": source}) as registries:
            there = registries.registry("from.test")
            await registries.registry(HOST).upload_blob(
                "a/b", DESCRIPTOR, partial(there.open_blob, "x/y", DESCRIPTOR)
            )
            assert registries.retries == 1

    asyncio.run(scenario())
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}
    assert [one.method for one in source.log.exchanges] == ["GET", "GET"]


def test_copy_within_a_registry_needs_no_second_slot(
    recorder: Recorder, fake: FakeRegistry
) -> None:
    """One request at a time is enough to copy from a registry to itself."""
    blobs = [bytes([number]) * 1000 for number in range(4)]
    fake.repository("x/y").blobs.update({digest_of(blob): blob for blob in blobs})

    async def copy(registry: Registry) -> None:
        async with asyncio.TaskGroup() as group:
            for blob in blobs:
                one = blob_descriptor(blob)
                source = partial(registry.open_blob, "x/y", one)
                group.create_task(registry.upload_blob("a/b", one, source))

    ask(recorder, fake, copy, jobs=1)
    assert len(fake.repository("a/b").blobs) == 4


async def copy_within(registry: Registry) -> None:
    """Copy the blob from one repository of a registry to another."""
    async with asyncio.timeout(30):
        source = partial(registry.open_blob, "x/y", DESCRIPTOR)
        await registry.upload_blob("a/b", DESCRIPTOR, source)


@pytest.mark.parametrize("effect", [cut(10), cut(50)], ids=["at its begin", "half way"])
def test_source_breaks_while_its_registry_is_written(
    recorder: Recorder, fake: FakeRegistry, effect: Effect
) -> None:
    """What is asked anew for an upload comes through while that has the only turn."""
    fake.repository("x/y").blobs[digest_of(BLOB)] = BLOB
    fake.faults.append(Fault("GET", "x/y", effect, times=1))
    ask(recorder, fake, copy_within, jobs=1)
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}
    assert requests(fake) == ["GET 200", "POST 202", "GET 206", "PUT 201"]


def test_copies_are_bounded(recorder: Recorder, fake: FakeRegistry) -> None:
    """No more sources are open at a time than there are jobs."""
    open_now, most = 0, 0

    @asynccontextmanager
    async def source(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        nonlocal open_now, most
        open_now += 1
        most = max(most, open_now)
        async with source_of(BLOB)(offset) as chunks:
            yield chunks
        open_now -= 1

    async def copy(registry: Registry) -> None:
        async with asyncio.TaskGroup() as group:
            for _ in range(6):
                group.create_task(registry.upload_blob("a/b", DESCRIPTOR, source))

    ask(recorder, fake, copy, jobs=2)
    assert most == 2


def test_readings_are_bounded(recorder: Recorder, fake: FakeRegistry) -> None:
    """No more blobs are read at a time than there are jobs, whoever they are for."""
    fake.repository("a/b").blobs[digest_of(BLOB)] = BLOB
    open_now, most = 0, 0

    async def read(registry: Registry) -> None:
        nonlocal open_now, most
        async with registry.open_blob("a/b", DESCRIPTOR):
            open_now += 1
            most = max(most, open_now)
            await asyncio.sleep(0.01)
            open_now -= 1

    async def several(registry: Registry) -> None:
        await asyncio.gather(*(read(registry) for _ in range(6)))

    ask(recorder, fake, several, jobs=2)
    assert most == 2


def test_token_that_ended(recorder: Recorder, fake: FakeRegistry) -> None:
    """A 401 to a stream that is spent begins the copy once more, and only once."""
    fake.faults.append(Fault("PUT", "", status(401), times=1))
    ask(recorder, fake, upload)
    assert requests(fake) == ["POST 202", "PUT 401", "POST 202", "PUT 201"]
    fake.faults.append(Fault("PUT", "", status(401)))
    found = error_of(recorder, fake, upload)
    assert found == ("Denied", 5, f"{W}{HOST} answered 401 Unauthorized{LOGIN}")


def test_other_host_sees_no_authorization(recorder: Recorder, tmp_path: Any) -> None:
    """An upload that is sent elsewhere goes there without credentials."""
    (tmp_path / "config.json").write_text('{"auths": {"registry.test": {"auth": "YTpi"}}}')
    seen: list[tuple[str, str, str]] = []

    def answer(request: Request) -> Answer:
        seen.append((request.method, request.origin, request.headers.get("authorization", "")))
        if "authorization" not in request.headers and request.origin == f"https://{HOST}":
            return Answer(401, {"WWW-Authenticate": "Basic realm=x"})
        return Answer(201 if request.method == "PUT" else 202, {"Location": "https://up.test/1"})

    both = Scripted(answer)

    async def scenario() -> None:
        hosts = {HOST: both, "up.test": both}
        async with open_registries(recorder, hosts, authfile=f"{tmp_path}/config.json") as opened:
            await upload(opened.registry(HOST))

    asyncio.run(scenario())
    assert seen == [
        ("GET", f"https://{HOST}", ""),
        ("POST", f"https://{HOST}", "Basic YTpi"),
        ("PUT", "https://up.test", ""),
    ]
