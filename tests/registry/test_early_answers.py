"""A registry that answers well before a blob was sent is not believed, since nobody saw the end."""

import asyncio

import httpx
import pytest

from mbuild.errors import MbuildError
from mbuild.registry.uploads import WORTH_RESUMING
from tests.registry.world import HOST, TELL, Recorder, blob_descriptor, open_registries, source_of
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, broken_off
from tests.support.images import digest_of

MB = WORTH_RESUMING
BLOB = bytes(range(256)) * (4 * 1024 * 4)
PIECES = [BLOB[start : start + MB] for start in range(0, len(BLOB), MB)]
DESCRIPTOR = blob_descriptor(BLOB)
EARLY = (
    f"{HOST}/a/b@{DESCRIPTOR.digest}: {HOST} answered 201 Created before all of the blob was"
    f" sent, after 2 attempts{TELL}, or the proxy before it"
)


class Hasty(FakeTransport):
    """Answers requests of a method when a piece of their body has come, so many times."""

    def __init__(self, fake: FakeRegistry, method: str, status: int, *, times: int) -> None:
        super().__init__({HOST: fake})
        self._method = method
        self._status = status
        self._times = times

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, perhaps early."""
        if request.method != self._method or not self._times:
            return await super().handle_async_request(request)
        self._times -= 1
        assert isinstance(request.stream, httpx.AsyncByteStream)
        async for _ in request.stream:
            break
        return httpx.Response(self._status, stream=httpx.ByteStream(b""), request=request)


def upload(fake: FakeRegistry, hasty: Hasty, *pieces: bytes) -> list[str]:
    """Upload the blob; give the methods of the requests that the registry saw."""

    async def scenario() -> None:
        recorder = Recorder()
        async with open_registries(recorder, {}, transport=hasty, attempts=2) as registries:
            await registries.registry(HOST).upload_blob("a/b", DESCRIPTOR, source_of(*pieces))

    asyncio.run(scenario())
    return [one.method for one in fake.log.exchanges]


def test_stored_already() -> None:
    """A registry that has the blob need not take it: that is asked, and then believed."""
    fake = FakeRegistry()
    fake.repository("a/b").blobs[digest_of(BLOB)] = BLOB
    assert upload(fake, Hasty(fake, "PUT", 201, times=1), *PIECES) == ["POST", "HEAD"]


def test_not_stored() -> None:
    """A registry that does not have it is sent it again."""
    fake = FakeRegistry()
    methods = upload(fake, Hasty(fake, "PUT", 201, times=1), *PIECES)
    assert methods == ["POST", "HEAD", "GET", "POST", "PUT"]
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}


@pytest.mark.parametrize("pieces", [PIECES, [*PIECES[:-1], bytes(MB)]], ids=["right", "wrong"])
def test_never_stored(pieces: list[bytes]) -> None:
    """One that never has it has failed, whatever bytes it was sent."""
    fake = FakeRegistry()
    with pytest.raises(MbuildError) as raised:
        upload(fake, Hasty(fake, "PUT", 201, times=2), *pieces)
    assert str(raised.value) == EARLY
    assert fake.repository("a/b").blobs == {}


def test_rest_taken_early() -> None:
    """Of a rest that is said to be taken before it was sent, what is lacking is sent again."""
    fake = FakeRegistry(Fault("PUT", "", broken_off(2 * MB), times=1))
    methods = upload(fake, Hasty(fake, "PATCH", 202, times=1), *PIECES)
    assert methods.count("POST") == 1
    assert fake.repository("a/b").blobs == {digest_of(BLOB): BLOB}
