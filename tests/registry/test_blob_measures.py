"""Blobs are measured by HEAD, and read and hashed by GET; what they are is told, not judged."""

from typing import Any

import pytest

from mbuild.oci.digest import digest_of
from mbuild.registry.client import Registry
from tests.registry.world import (
    HOST,
    LOGIN,
    NO_REGISTRY,
    Recorder,
    ask,
    blob_descriptor,
    error_of,
)
from tests.support.exchange import Answer
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, content, cut, header, html, redirect, status

BLOB = b"0123456789" * 10
DESCRIPTOR = blob_descriptor(BLOB)
W = f"{HOST}/a/b@{DESCRIPTOR.digest}: "
PAGE = ("ProtocolError", 6, f"{W}answered with HTML, not a blob{NO_REGISTRY}")


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry with one blob."""
    fake = FakeRegistry()
    fake.repository("a/b").blobs[str(DESCRIPTOR.digest)] = BLOB
    return fake


async def size(registry: Registry) -> int | None:
    """Ask for the blob's size."""
    return await registry.blob_size("a/b", DESCRIPTOR.digest)


async def hashed(registry: Registry) -> object:
    """Read the blob and hash it."""
    return await registry.hash_blob("a/b", DESCRIPTOR)


async def streamed(registry: Registry) -> None:
    """Open the blob's stream."""
    async with registry.open_blob("a/b", DESCRIPTOR):
        pass


def test_size(recorder: Recorder, fake: FakeRegistry) -> None:
    """The size comes with one HEAD."""
    assert ask(recorder, fake, size) == 100
    assert [one.method for one in fake.log.exchanges] == ["HEAD"]


@pytest.mark.parametrize(
    "effect",
    [
        header("content-length", ""),
        header("content-length", "-1"),
        header("content-encoding", "gzip"),
    ],
    ids=["none", "no number", "compressed"],
)
def test_size_that_is_not_told(recorder: Recorder, fake: FakeRegistry, effect: Effect) -> None:
    """A blob that is there, of a size that the answer does not tell, is no error."""
    fake.faults.append(Fault("HEAD", "", effect))
    assert ask(recorder, fake, size) is None


def test_hash(recorder: Recorder, fake: FakeRegistry) -> None:
    """Size and digest are those of the bytes, which come with one GET."""
    assert ask(recorder, fake, hashed) == (100, DESCRIPTOR.digest)
    assert [one.method for one in fake.log.exchanges] == ["GET"]


@pytest.mark.parametrize("sent", [BLOB[:-1] + b"x", BLOB[:50], b""], ids=["other", "less", "none"])
def test_hash_of_other_bytes(recorder: Recorder, fake: FakeRegistry, sent: bytes) -> None:
    """Of other bytes, size and digest are those that they have."""
    fake.faults.append(Fault("GET", "", content(sent)))
    assert ask(recorder, fake, hashed) == (len(sent), digest_of(sent))


def test_hash_stops(recorder: Recorder, fake: FakeRegistry) -> None:
    """Of too many bytes no more than one piece too many is read."""
    # What comes after the first piece would be an error if it were waited for.
    fake.faults += [Fault("GET", "", cut(150)), Fault("GET", "", content(BLOB * 2))]
    assert ask(recorder, fake, hashed) == (150, digest_of(BLOB + BLOB[:50]))


@pytest.mark.parametrize(
    ("effect", "waits"), [(cut(10), [1.0, 1.0]), (status(503), [1.0, 2.0])], ids=["cut", "503"]
)
def test_hash_again(
    recorder: Recorder, fake: FakeRegistry, effect: Effect, waits: list[float]
) -> None:
    """A stream that breaks goes on where it stopped; one that is refused is asked for again."""
    fake.faults.append(Fault("GET", "", effect, times=2))
    assert ask(recorder, fake, hashed) == (100, DESCRIPTOR.digest)
    assert recorder.waits == waits


@pytest.mark.parametrize(("question", "method"), [(size, "HEAD"), (hashed, "GET")])
def test_elsewhere(recorder: Recorder, fake: FakeRegistry, question: Any, method: str) -> None:
    """A registry that sends its client round is followed."""
    fake.faults.append(Fault(method, "", redirect(f"https://{HOST}"), times=1))
    assert ask(recorder, fake, question) in (100, (100, DESCRIPTOR.digest))


@pytest.mark.parametrize(
    ("question", "effect", "expected"),
    [
        (size, status(404), ("NotFound", 6, f"{W}{HOST} answered 404 Not Found")),
        (size, status(403), ("Denied", 5, f"{W}{HOST} answered 403 Forbidden{LOGIN}")),
        (
            hashed,
            status(404, "BLOB_UNKNOWN"),
            ("NotFound", 6, f"{W}{HOST} answered 404 Not Found (BLOB_UNKNOWN: scripted)"),
        ),
        (hashed, status(403), ("Denied", 5, f"{W}{HOST} answered 403 Forbidden{LOGIN}")),
        (
            size,
            lambda _request, _registry: Answer(404, {"Content-Type": "text/html"}),
            ("ProtocolError", 6, f"{W}{HOST} answered 404 Not Found, as a web page{NO_REGISTRY}"),
        ),
        (size, html(), PAGE),
        (hashed, html(), PAGE),
        (streamed, html(), PAGE),
    ],
    ids=[
        "size 404",
        "size 403",
        "hash 404",
        "hash 403",
        "size web page 404",
        "size web page",
        "hash web page",
        "stream web page",
    ],
)
def test_fails(
    recorder: Recorder,
    fake: FakeRegistry,
    question: Any,
    effect: Effect,
    expected: tuple[str, int, str],
) -> None:
    """What cannot be measured is an error that says why."""
    fake.faults.append(Fault("*", "", effect))
    assert error_of(recorder, fake, question) == expected
