"""An upload that breaks goes on from the byte to which the registry has it."""

from http import HTTPStatus

import pytest

from mbuild.registry.client import Registry
from mbuild.registry.uploads import WORTH_RESUMING
from tests.registry.world import (
    DAMAGED,
    HOST,
    LATER,
    Recorder,
    ask,
    blob_descriptor,
    error_of,
    source_of,
)
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, broken_off, header, lost, lost_reply, status
from tests.support.images import digest_of

MB = WORTH_RESUMING
BLOB = bytes(range(256)) * (20 * 1024)
PIECES = [BLOB[start : start + 100_000] for start in range(0, len(BLOB), 100_000)]
DESCRIPTOR = blob_descriptor(BLOB)
W = f"{HOST}/a/b@{DESCRIPTOR.digest}: "
FULL = (
    f"its storage is full: {HOST} answered 507 Insufficient Storage; free some space in the"
    " registry's storage, then run again"
)
TOO_LARGE = (
    f"{HOST} answered 413 {HTTPStatus(413).phrase}: its limit is below this blob's 5242880 bytes; raise the limit of the registry, or of the"
    " proxy before it"
)
ASKED = "GET 204"
AGAIN = ["POST 202", "PUT 201"]


@pytest.fixture
def fake() -> FakeRegistry:
    """An empty registry."""
    return FakeRegistry()


async def upload(registry: Registry) -> None:
    """Upload a blob of 5 MiB in pieces."""
    await registry.upload_blob("a/b", DESCRIPTOR, source_of(*PIECES))


def requests(fake: FakeRegistry) -> list[str]:
    """Method and status of each request."""
    return [f"{one.method} {one.status}" for one in fake.log.exchanges]


def ranges(fake: FakeRegistry) -> list[str]:
    """Which bytes each PATCH said that it brings."""
    return [one.request.headers["content-range"] for one in fake.log.asked("PATCH")]


def check_there(fake: FakeRegistry) -> None:
    """Hold the registry to having the blob, and nothing else."""
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}


def test_goes_on(recorder: Recorder, fake: FakeRegistry) -> None:
    """The registry is asked how far it came; a PATCH brings the rest, and a PUT closes."""
    fake.faults.append(Fault("PUT", "", broken_off(3 * MB), times=1))
    ask(recorder, fake, upload)
    assert requests(fake) == ["POST 202", "PUT 0", "HEAD 404", ASKED, "PATCH 202", "PUT 201"]
    assert ranges(fake) == [f"{3 * MB}-{5 * MB - 1}"]
    patch, put = fake.log.exchanges[-2:]
    assert patch.request.headers["content-length"] == str(2 * MB)
    assert put.request.headers["content-length"] == "0"
    assert put.request.query["digest"] == str(DESCRIPTOR.digest)
    assert recorder.waits == [1.0]
    check_there(fake)


def test_ten_breaks(recorder: Recorder, fake: FakeRegistry) -> None:
    """Attempts count anew where the upload got further: so ten breaks need no more than two."""
    part = MB + 1000
    fake.faults += [
        Fault("PATCH", "", broken_off(part), times=2),
        Fault("PUT", "", broken_off(part), times=1),
    ]
    ask(recorder, fake, upload, attempts=2)
    assert ranges(fake) == [f"{number * part}-{5 * MB - 1}" for number in (1, 2, 3)]
    assert [one.attempt for one in recorder.retries] == [1, 1, 1]
    assert recorder.waits == [1.0] * 3
    check_there(fake)


def test_no_progress(recorder: Recorder, fake: FakeRegistry) -> None:
    """An upload that gets no further is given up after the attempts there are."""
    fake.faults += [Fault("PATCH", "", lost()), Fault("PUT", "", broken_off(2 * MB), times=1)]
    found = error_of(recorder, fake, upload, attempts=3)
    assert found[:2] == ("TransportError", 6)
    assert found[2].endswith(f"({HOST}), after 3 attempts{LATER}")
    assert len(ranges(fake)) == 3
    assert recorder.waits == [1.0, 1.0, 2.0]


@pytest.mark.parametrize(
    "answer",
    [
        status(404, "BLOB_UPLOAD_INVALID"),
        status(405),
        status(500),
        header("Range", "0-0"),
        header("Range", None),
        header("Range", "bytes 7-9"),
        header("Range", f"0-{6 * MB}"),
    ],
    ids=["404", "405", "500", "0-0", "no range", "other range", "too much"],
)
def test_begun_anew(recorder: Recorder, fake: FakeRegistry, answer: object) -> None:
    """A session that is lost, or does not say how far it came, is left; another begins at 0."""
    fake.faults += [
        Fault("PUT", "", broken_off(3 * MB), times=1),
        Fault("GET", "/uploads/", answer),  # type: ignore[arg-type]  # an Effect, of several kinds
    ]
    ask(recorder, fake, upload)
    assert requests(fake)[-2:] == AGAIN
    assert ranges(fake) == []
    check_there(fake)


def test_little_is_sent_again(recorder: Recorder, fake: FakeRegistry) -> None:
    """For a small blob the registry is not asked how far it came."""
    small = BLOB[: MB - 1]
    fake.faults.append(Fault("PUT", "", broken_off(MB // 2), times=1))
    one = blob_descriptor(small)
    ask(recorder, fake, lambda registry: registry.upload_blob("a/b", one, source_of(small)))
    assert requests(fake) == ["POST 202", "PUT 0", "HEAD 404", *AGAIN]


def test_location_that_moves(recorder: Recorder, fake: FakeRegistry) -> None:
    """Each answer may name another address for what comes next."""

    def moved(request: Request, registry: Handler) -> Answer:
        answer = registry(request)
        place = answer.headers["Location"].partition("?")[0]
        return answer.with_headers(location=f"{place}?_state={request.method}")

    fake.faults += [
        Fault("PUT", "", broken_off(3 * MB), times=1),
        Fault("GET|PATCH", "/uploads/", moved),
    ]
    ask(recorder, fake, upload)
    states = {one.method: one.request.query["_state"] for one in fake.log.exchanges[-3:]}
    assert states == {"GET": "opaque", "PATCH": "GET", "PUT": "PATCH"}


@pytest.mark.parametrize(
    ("fault", "after"),
    [
        (Fault("PUT", "", lost_reply(), times=1, after=1), ["PUT 0", "HEAD 200"]),
        (Fault("PUT", "", lost(), times=1, after=1), ["PUT 0", "HEAD 404", ASKED, "PUT 201"]),
        (Fault("PUT", "", status(503), times=1, after=1), ["PUT 503", "HEAD 404", ASKED, "PUT 201"]),
        (Fault("PATCH", "", lost_reply(), times=1), ["PATCH 0", "HEAD 404", ASKED, "PUT 201"]),
        (Fault("PUT", "", status(400), times=1, after=1), ["PUT 400", *AGAIN]),
        (Fault("PATCH", "", status(404), times=1), ["PATCH 404", *AGAIN]),
        (Fault("PATCH", "", status(416), times=1), ["PATCH 416", ASKED, "PATCH 202", "PUT 201"]),
    ],
    ids=["close carried out", "close lost", "close 503", "rest carried out", "close 400",
         "PATCH 404", "PATCH 416"],
)  # fmt: skip
def test_broken_again(
    recorder: Recorder, fake: FakeRegistry, fault: Fault, after: list[str]
) -> None:
    """Whatever breaks of the rest, nothing that arrived is sent twice unless it must be."""
    fake.faults += [fault, Fault("PUT", "", broken_off(3 * MB), times=1)]
    ask(recorder, fake, upload)
    assert requests(fake)[-len(after) :] == after
    check_there(fake)


@pytest.mark.parametrize(
    ("method", "code", "kind", "message"),
    [
        (
            "PUT", 507, "StorageFull", FULL,
        ),
        (
            "PUT", 413, "RegistryError",
            TOO_LARGE,
        ),
        (
            "PATCH", 507, "StorageFull", FULL,
        ),
    ],
    ids=["507", "413", "507 in the rest"],
)  # fmt: skip
def test_full(
    recorder: Recorder, fake: FakeRegistry, method: str, code: int, kind: str, message: str
) -> None:
    """A registry that is full, or takes no blob as large, is one error, at once."""
    fake.faults.append(Fault(method, "", status(code)))
    if method == "PATCH":
        fake.faults.append(Fault("PUT", "", broken_off(3 * MB), times=1))
    found = error_of(recorder, fake, upload)
    assert found == (kind, 6, f"{W}{message}")
    assert len(fake.log.asked(method)) == 1


def test_wrong_rest(recorder: Recorder, fake: FakeRegistry) -> None:
    """Bytes that turn out to be wrong after a break are never stored either."""
    fake.faults.append(Fault("PUT", "", broken_off(3 * MB), times=1))
    wrong = [*PIECES[:-1], PIECES[-1][:-1] + b"x"]
    right, other = source_of(*PIECES), source_of(*wrong)
    found = error_of(
        recorder,
        fake,
        lambda registry: registry.upload_blob(
            "a/b", DESCRIPTOR, lambda offset: (other if offset else right)(offset)
        ),
    )
    message = f"{W}the bytes that arrived are not those of {DESCRIPTOR.digest}{DAMAGED}"
    assert found == ("IntegrityError", 6, message)
    assert fake.repository("a/b").blobs == {}
