"""A manifest is put once: late registries get time, lost replies are looked after."""

import asyncio
import itertools
from http import HTTPStatus
from typing import Any

import pytest

from mbuild.errors import MbuildError
from mbuild.registry.client import Registry
from tests.registry.world import (
    DAMAGED,
    HOST,
    LATER,
    LOGIN,
    Recorder,
    ask,
    content_of,
    error_of,
    open_registries,
)
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import (
    FOR_EVER,
    READ_ONLY,
    Fault,
    content,
    header,
    immutable_tags,
    late_children,
    lost,
    lost_reply,
    slow,
    status,
)
from tests.support.images import digest_of, make_image, make_index

IMAGE = make_image()
INDEX = make_index(IMAGE)
OTHER = make_index(make_image(seed=1))
CONTENT = content_of(INDEX)
W = f"{HOST}/team/app:1.0: "


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds an index's children and an older tag."""
    fake = FakeRegistry()
    fake.put("team/app", "", INDEX)
    fake.put("team/app", "old", OTHER)
    return fake


async def put(registry: Registry) -> None:
    """Put the index under its tag."""
    await registry.put_manifest("team/app", "1.0", CONTENT)


async def put_by_digest(registry: Registry) -> None:
    """Put the index under its digest."""
    await registry.put_manifest("team/app", INDEX.digest, CONTENT)


def requests(fake: FakeRegistry) -> list[str]:
    """Method, last part of the path and status of each request."""
    return [
        f"{one.method} {one.path.rpartition('/')[2]} {one.status}" for one in fake.log.exchanges
    ]


def test_put(recorder: Recorder, fake: FakeRegistry) -> None:
    """One request puts the exact bytes under their type."""
    ask(recorder, fake, put)
    (exchange,) = fake.log.exchanges
    assert exchange.request.body == INDEX.manifest
    assert exchange.request.headers["content-type"] == INDEX.media_type
    assert fake.repository("team/app").tags["1.0"] == INDEX.digest


@pytest.mark.parametrize("code", [200, 201, 202, 204])
def test_accepted(recorder: Recorder, fake: FakeRegistry, code: int) -> None:
    """Registries say yes in several ways, with and without a digest."""
    fake.faults.append(Fault("PUT", "", status(code)))
    ask(recorder, fake, put)
    assert [exchange.method for exchange in fake.log.exchanges] == ["PUT"]
    assert recorder.waits == []


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (
            status(400, "TAG_INVALID"),
            (
                "TagRefused", 6,
                (f"{W}the tag was refused: {HOST} answered 400 Bad Request (TAG_INVALID: scripted);"
                " it may be immutable; choose another tag, or allow it in the registry"),
            ),
        ),
        (
            status(409),
            (
                "TagRefused", 6,
                (f"{W}the tag was refused: {HOST} answered 409 Conflict;"
                " it may be immutable; choose another tag, or allow it in the registry"),
            ),
        ),
        (
            status(400, "NAME_INVALID"),
            ("RegistryError", 6, f"{W}{HOST} answered 400 Bad Request (NAME_INVALID: scripted)"),
        ),
        (
            status(403, "DENIED"),
            ("Denied", 5, f"{W}{HOST} answered 403 Forbidden (DENIED: scripted){LOGIN}"),
        ),
        (
            status(404, "NAME_UNKNOWN"),
            (
                "RegistryError", 6,
                (f"{W}{HOST} answered 404 Not Found (NAME_UNKNOWN: scripted);"
                " the repository may have to be created first"),
            ),
        ),
        (status(404), ("RegistryError", 6, f"{W}{HOST} answered 404 Not Found")),
        (
            status(413),
            (
                "RegistryError", 6,
                (f"{W}{HOST} answered 413 {HTTPStatus(413).phrase}: its limit is below this"
                f" manifest's {INDEX.size} bytes"),
            ),
        ),
        (
            header("Docker-Content-Digest", digest_of(b"x")),
            (
                "IntegrityError", 6,
                f"{W}the registry stored {digest_of(b'x')} where {INDEX.digest} was sent{DAMAGED}",
            ),
        ),
    ],
    ids=["TAG_INVALID", "409", "400", "403", "NAME_UNKNOWN", "404", "413", "digest"],
)  # fmt: skip
def test_refused(
    recorder: Recorder, fake: FakeRegistry, effect: Any, expected: tuple[str, int, str]
) -> None:
    """A refusal is final, and says what can be done."""
    fake.faults.append(Fault("PUT", "", effect))
    assert error_of(recorder, fake, put) == expected
    assert recorder.waits == []


def test_digest_is_no_tag(recorder: Recorder, fake: FakeRegistry) -> None:
    """A 405 to what is put by digest is how a read-only registry denies, and refuses no tag."""
    fake.faults.append(Fault("PUT", "", status(405, "UNSUPPORTED")))
    assert error_of(recorder, fake, put_by_digest) == (
        "Denied",
        5,
        (
            f"{HOST}/team/app@{INDEX.digest}: {HOST} answered 405 Method Not Allowed (UNSUPPORTED:"
            " scripted); the registry is read-only, or does not take this kind of content"
        ),
    )


def test_read_only(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry that lets nobody write denies it."""
    fake.faults.append(READ_ONLY)
    assert error_of(recorder, fake, put)[:2] == ("Denied", 5)


def test_late_children(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry that finds the children late is given two more chances."""
    fake.faults.append(late_children(2))
    ask(recorder, fake, put)
    assert recorder.waits == [1.0, 2.0]


@pytest.mark.parametrize("code", ["BLOB_UNKNOWN", "MANIFEST_BLOB_UNKNOWN", "MANIFEST_INVALID"])
def test_missing_children(recorder: Recorder, fake: FakeRegistry, code: str) -> None:
    """Two more chances, and no third."""
    fake.faults.append(Fault("PUT", "", status(400, code)))
    assert error_of(recorder, fake, put) == (
        "RegistryError",
        6,
        f"{W}{HOST} answered 400 Bad Request ({code}: scripted)",
    )
    assert requests(fake) == ["PUT 1.0 400"] * 3


def test_late_tags_one_at_a_time(recorder: Recorder, fake: FakeRegistry) -> None:
    """Tags of a repository that are tried again are tried one after the other."""
    fake.faults.append(late_children(3))
    fake.faults.append(Fault("PUT", "", slow(0.02)))

    async def put_three(registry: Registry) -> None:
        async with asyncio.TaskGroup() as group:
            for tag in ("a", "b", "c"):
                group.create_task(registry.put_manifest("team/app", tag, CONTENT))

    ask(recorder, fake, put_three)
    retried = sorted(fake.log.exchanges[3:], key=lambda one: one.started)
    assert [one.status for one in retried] == [201, 201, 201]
    pairs = itertools.pairwise(retried)
    assert all(earlier.ended < later.started for earlier, later in pairs)


@pytest.mark.parametrize("effect", [lost_reply(), lost()], ids=["reply lost", "request lost"])
def test_lost(recorder: Recorder, fake: FakeRegistry, effect: Any) -> None:
    """After a lost reply the tag is looked at, and only put again if it is not there."""
    fake.faults.append(Fault("PUT", "", effect, times=1))
    ask(recorder, fake, put)
    sent_again = ["PUT 1.0 201"] if fake.log.exchanges[1].status == 404 else []
    looked = "404" if sent_again else "200"
    assert requests(fake) == ["PUT 1.0 0", f"GET 1.0 {looked}", *sent_again]
    assert fake.repository("team/app").tags["1.0"] == INDEX.digest


def test_looks_have_their_own_attempts(recorder: Recorder, fake: FakeRegistry) -> None:
    """A look that fails for a while takes no attempt away from the PUT."""
    fake.faults.extend([Fault("PUT", "", lost(), times=2), Fault("GET", "", status(503), times=2)])
    ask(recorder, fake, put, attempts=3)
    assert [f"{one.method} {one.status}" for one in fake.log.exchanges] == [
        "PUT 0", "GET 503", "GET 503", "GET 404", "PUT 0", "GET 404", "PUT 201",
    ]  # fmt: skip


def test_lost_on_an_immutable_tag(recorder: Recorder, fake: FakeRegistry) -> None:
    """A tag that was made by the lost request is not put a second time."""
    fake.faults.append(Fault("PUT", "", lost_reply(), times=1))
    fake.faults.append(Fault("PUT", "", immutable_tags()))
    ask(recorder, fake, put)
    assert requests(fake) == ["PUT 1.0 0", "GET 1.0 200"]


def test_refused_and_there(recorder: Recorder, fake: FakeRegistry) -> None:
    """An immutable tag that holds these very bytes already, by another push, is as good as put."""
    fake.put("team/app", "1.0", INDEX)
    fake.faults.append(Fault("PUT", "", immutable_tags()))
    ask(recorder, fake, put)
    assert requests(fake) == ["PUT 1.0 400", "GET 1.0 200"]


@pytest.mark.parametrize(
    ("effect", "refusal"),
    [
        (status(400, "TAG_INVALID"), 400),
        (status(403, "DENIED"), 403),
        (status(404), 404),
        (status(404, "NAME_UNKNOWN"), 0),
        (status(400, "MANIFEST_BLOB_UNKNOWN"), 0),
        (status(503), 0),
        (lost(), 0),
    ],
    ids=["tag", "denied", "404", "no repository", "unsettled", "503", "lost"],
)
def test_refusal(recorder: Recorder, fake: FakeRegistry, effect: Any, refusal: int) -> None:
    """A refusal for good knows its status; what another run may not meet has none."""
    fake.faults.append(Fault("PUT", "", effect))

    async def use(registry: Registry) -> int:
        with pytest.raises(MbuildError) as raised:
            await put(registry)
        return raised.value.refusal

    assert ask(recorder, fake, use, attempts=1) == refusal


def test_busy_is_not_lost(recorder: Recorder, fake: FakeRegistry) -> None:
    """A 429 was not carried out, and needs no look."""
    fake.faults.append(Fault("PUT", "", status(429), times=1))
    ask(recorder, fake, put)
    assert requests(fake) == ["PUT 1.0 429", "PUT 1.0 201"]


def test_server_error_is_looked_after(recorder: Recorder, fake: FakeRegistry) -> None:
    """A 5xx may have been carried out; other bytes under the tag are put over."""
    fake.put("team/app", "1.0", OTHER)
    fake.faults.append(Fault("PUT", "", status(502), times=1))
    ask(recorder, fake, put)
    assert requests(fake) == ["PUT 1.0 502", "GET 1.0 200", "PUT 1.0 201"]


def test_lost_at_last(recorder: Recorder, fake: FakeRegistry) -> None:
    """When no attempt is left a last look decides."""
    fake.faults.append(Fault("PUT", "", lost_reply()))
    ask(recorder, fake, put, attempts=1)
    assert requests(fake) == ["PUT 1.0 0", "GET 1.0 200"]


@pytest.mark.parametrize(
    "look",
    [
        Fault("GET", "", status(503), times=FOR_EVER),
        Fault("GET", "", content(OTHER.manifest)),
        Fault("GET", "", status(403)),
    ],
    ids=["no answer", "other bytes", "denied"],
)
def test_lost_for_good(recorder: Recorder, fake: FakeRegistry, look: Fault) -> None:
    """Where the look does not find the bytes, the failure stands."""
    fake.faults.extend([Fault("PUT", "", lost()), look])
    assert error_of(recorder, fake, put, attempts=1) == (
        "TransportError",
        6,
        f"{W}the connection broke while reading: connection reset by peer ({HOST}){LATER}",
    )


def test_look_on_hub(recorder: Recorder, fake: FakeRegistry) -> None:
    """On Docker Hub the look is a HEAD, which is no pull."""
    fake.faults.append(Fault("PUT", "", lost_reply(), times=1))

    async def scenario() -> None:
        async with open_registries(recorder, {"registry-1.docker.io": fake}) as registries:
            await put(registries.registry("docker.io"))

    asyncio.run(scenario())
    assert requests(fake)[1:] == ["PUT 1.0 0", "HEAD 1.0 200"]
