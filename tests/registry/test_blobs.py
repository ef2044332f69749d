"""Blobs are fetched, streamed, looked for and mounted; what arrives is compared."""

import asyncio
from functools import partial
from typing import Any

import pytest

from mbuild.errors import MbuildError, NotFound
from mbuild.registry.client import Registry
from tests.registry.world import (
    DAMAGED,
    HOST,
    LOGIN,
    NO_REGISTRY,
    Recorder,
    Scripted,
    ask,
    blob_descriptor,
    error_of,
    open_registries,
)
from tests.support.exchange import Answer
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, content, cut, header, no_mount, redirect, slow, status
from tests.support.images import digest_of

BLOB = b"0123456789" * 10
DESCRIPTOR = blob_descriptor(BLOB)
W = f"{HOST}/a/b@{DESCRIPTOR.digest}: "


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry with one blob."""
    fake = FakeRegistry()
    fake.repository("a/b").blobs[digest_of(BLOB)] = BLOB
    return fake


async def fetch(registry: Registry) -> bytes:
    """Fetch the blob."""
    return await registry.fetch_blob("a/b", DESCRIPTOR)


async def stream(registry: Registry) -> bytes:
    """Stream the blob and put it together."""
    async with registry.open_blob("a/b", DESCRIPTOR) as chunks:
        return b"".join([chunk async for chunk in chunks])


async def mount(registry: Registry) -> bool:
    """Mount the blob into another repository."""
    return await registry.mount_blob("c/d", DESCRIPTOR.digest, "a/b")


@pytest.mark.parametrize("question", [fetch, stream])
def test_arrives(recorder: Recorder, fake: FakeRegistry, question: Any) -> None:
    """A blob comes whole, in one request."""
    assert ask(recorder, fake, question) == BLOB


@pytest.mark.parametrize(
    ("effect", "message"),
    [
        (content(BLOB[:-1] + b"x"), f"the bytes that arrived are not those of {DESCRIPTOR.digest}"),
        (content(BLOB[:50]), "50 bytes arrived, not the 100 that its descriptor says"),
        (content(BLOB + b"x"), "101 bytes arrived, more than the 100 that its descriptor says"),
    ],
    ids=["other bytes", "too few", "too many"],
)
def test_other_bytes(recorder: Recorder, fake: FakeRegistry, effect: Any, message: str) -> None:
    """What is not the blob is refused when it is fetched."""
    fake.faults.append(Fault("GET", "", effect))
    assert error_of(recorder, fake, fetch) == ("IntegrityError", 6, f"{W}{message}{DAMAGED}")


@pytest.mark.parametrize("question", [fetch, stream])
@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            status(404, "BLOB_UNKNOWN"),
            ("NotFound", 6, f"{W}{HOST} answered 404 Not Found (BLOB_UNKNOWN: scripted)"),
        ),
        (status(403), ("Denied", 5, f"{W}{HOST} answered 403 Forbidden{LOGIN}")),
    ],
    ids=["404", "403"],
)  # fmt: skip
def test_fails(
    recorder: Recorder,
    fake: FakeRegistry,
    question: Any,
    effect: Any,
    expected: tuple[str, int, str],
) -> None:
    """A blob that is not given is an error, however it is read."""
    fake.faults.append(Fault("GET", "", effect))
    assert error_of(recorder, fake, question) == expected


def test_fetch_is_bounded(recorder: Recorder, fake: FakeRegistry) -> None:
    """A blob too large to be held is not asked for."""
    large = blob_descriptor(BLOB, size=5_000_000)
    found = error_of(recorder, fake, lambda registry: registry.fetch_blob("a/b", large))
    assert found == (
        "ProtocolError", 6,
        f"{W}5000000 bytes is more than the 4194304 that are read here{NO_REGISTRY}",
    )  # fmt: skip
    assert fake.log.exchanges == ()


@pytest.mark.parametrize("effect", [cut(10), status(503)], ids=["cut", "503"])
def test_fetch_again(recorder: Recorder, fake: FakeRegistry, effect: Any) -> None:
    """A small blob is fetched with patience."""
    fake.faults.append(Fault("GET", "", effect, times=1))
    assert ask(recorder, fake, fetch) == BLOB


def test_stream_opened_again(recorder: Recorder, fake: FakeRegistry) -> None:
    """A stream that was refused for a while is opened again; nothing had come of it."""
    fake.faults.append(Fault("GET", "", status(503), times=2))
    assert ask(recorder, fake, stream) == BLOB
    assert len(recorder.waits) == 2


def test_stream_from_elsewhere(recorder: Recorder, fake: FakeRegistry) -> None:
    """A stream follows to where the blob lies, and reads its errors there."""
    moved = FakeRegistry(Fault("GET", "", redirect("https://cdn.test")))

    async def scenario(hosts: dict[str, FakeRegistry]) -> bytes:
        async with open_registries(recorder, hosts) as registries:
            return await stream(registries.registry(HOST))

    assert asyncio.run(scenario({HOST: moved, "cdn.test": fake})) == BLOB
    with pytest.raises(NotFound) as raised:
        asyncio.run(scenario({HOST: moved, "cdn.test": FakeRegistry()}))
    assert raised.value.message.startswith("cdn.test answered 404 Not Found (BLOB_UNKNOWN: ")


def test_stream_ends_at_the_deadline(fake: FakeRegistry) -> None:
    """A stream that hangs is ended by the deadline."""

    class Hanging(Recorder):
        def clock(self) -> float:
            return asyncio.get_running_loop().time()

    fake.faults.append(Fault("GET", "", slow(30)))
    found = error_of(Hanging(), fake, stream, deadline=0.05)
    assert found[2].startswith(f"{W}not done within the deadline of 0.05 s")


def test_has(recorder: Recorder, fake: FakeRegistry) -> None:
    """A blob is there, or is not, or the question is refused."""
    absent = blob_descriptor(b"absent").digest
    assert ask(recorder, fake, lambda registry: registry.has_blob("a/b", DESCRIPTOR.digest))
    assert not ask(recorder, fake, lambda registry: registry.has_blob("a/b", absent))
    fake.faults.append(Fault("HEAD", "", status(403)))
    found = error_of(recorder, fake, lambda r: r.has_blob("a/b", DESCRIPTOR.digest))
    assert found == ("Denied", 5, f"{W}{HOST} answered 403 Forbidden{LOGIN}")


def test_mount(recorder: Recorder, fake: FakeRegistry) -> None:
    """A blob of the same registry is taken over in one request."""
    assert ask(recorder, fake, mount) is True
    assert digest_of(BLOB) in fake.repository("c/d").blobs
    assert [one.request.query for one in fake.log.exchanges] == [
        {"mount": str(DESCRIPTOR.digest), "from": "a/b"}
    ]


DECLINED = f"{HOST} declined to mount from a/b into c/d ({{}}): blobs are copied"


async def mount_and_copy(registry: Registry) -> bool:
    """Mount the blob, or else copy it."""
    is_mounted = await mount(registry)
    if not is_mounted:
        await registry.upload_blob(
            "c/d", DESCRIPTOR, partial(registry.open_blob, "a/b", DESCRIPTOR)
        )
    return is_mounted


def test_mount_declined(recorder: Recorder, fake: FakeRegistry) -> None:
    """The upload that a registry opens instead serves for the copy: it costs no request more."""
    fake.faults.append(Fault("POST", "", no_mount()))
    assert ask(recorder, fake, mount_and_copy) is False
    assert [one.method for one in fake.log.exchanges] == ["POST", "GET", "PUT"]
    assert fake.repository("c/d").blobs == {digest_of(BLOB): BLOB}
    assert recorder.notes == [DECLINED.format(202)]


def test_mount_session_that_ended(recorder: Recorder, fake: FakeRegistry) -> None:
    """Where that upload is not there any more, the copy begins one of its own."""
    fake.faults += [
        Fault("POST", "", no_mount()),
        Fault("PUT", "", status(404, "BLOB_UPLOAD_UNKNOWN"), times=1),
    ]
    assert ask(recorder, fake, mount_and_copy) is False
    methods = [one.method for one in fake.log.exchanges]
    assert methods == ["POST", "GET", "PUT", "GET", "POST", "PUT"]
    assert fake.repository("c/d").blobs == {digest_of(BLOB): BLOB}


@pytest.mark.parametrize(
    "location", ["https://[::1", "http://registry.test/up/1", None], ids=["none", "http", "absent"]
)
def test_mount_declined_without_address(
    recorder: Recorder, fake: FakeRegistry, location: str | None
) -> None:
    """An upload that cannot be found where the registry says is left, and another is begun."""
    fake.faults += [
        Fault("POST", "", header("Location", location), times=1),
        Fault("POST", "", no_mount()),
    ]
    assert ask(recorder, fake, mount_and_copy) is False
    assert [one.method for one in fake.log.exchanges] == ["POST", "GET", "POST", "PUT"]


@pytest.mark.parametrize("code", [400, 401, 403, 404, 405, 501])
def test_mount_refused(recorder: Recorder, fake: FakeRegistry, code: int) -> None:
    """A refusal of a mount is no error, is told once, and from there none is asked again."""
    fake.faults.append(Fault("POST", "", status(code)))
    other = blob_descriptor(b"other").digest

    async def several(registry: Registry) -> list[bool]:
        mounted = [await mount(registry), await mount(registry)]
        return [*mounted, await registry.mount_blob("c/d", other, "elsewhere")]

    assert ask(recorder, fake, several) == [False, False, False]
    asked = [one.request.query["from"] for one in fake.log.asked("POST")]
    assert asked == ["a/b", "elsewhere"]
    assert len(recorder.notes) == 2
    assert f"declined to mount from a/b into c/d ({code}" in recorder.notes[0].replace(
        f"{HOST} answered ", ""
    )


def test_mount_fails(recorder: Recorder, fake: FakeRegistry) -> None:
    """Anything else is an error."""
    fake.faults.append(Fault("POST", "", status(409)))
    found = error_of(recorder, fake, mount)
    assert found == (
        "RegistryError",
        6,
        f"{HOST}/c/d@{DESCRIPTOR.digest}: {HOST} answered 409 Conflict",
    )


def test_temporary_is_no_answer(recorder: Recorder) -> None:
    """A mount that meets a busy registry is tried again, then an error."""
    fake = Scripted(lambda _: Answer(503))
    with pytest.raises(MbuildError):
        ask(recorder, fake, mount, attempts=2)
    assert recorder.waits == [1.0]
