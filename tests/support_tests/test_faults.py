"""Each scripted fault shows itself alike over a transport and over a socket."""

import asyncio
import json
from collections.abc import Callable

import httpx
import pytest

from tests.support import faults
from tests.support.exchange import most_at_once
from tests.support.fake_edges import FakeTransport, serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import OCI_INDEX, SCHEMA_1, make_image, make_index
from tests.support.pushing import ANY_MANIFEST

IMAGE = make_image()
INDEX = make_index(IMAGE)
PLACE = "/v2/team/app/manifests/1"
Send = Callable[..., httpx.Response]


@pytest.fixture
def fake() -> FakeRegistry:
    """A fake that holds one image at `team/app:1`."""
    registry = FakeRegistry()
    registry.put("team/app", "1", IMAGE)
    return registry


def send(fake: FakeRegistry, method: str = "GET", path: str = PLACE, **more: str) -> httpx.Response:
    """Send one request through the transport."""

    async def ask() -> httpx.Response:
        transport = FakeTransport({"registry.test": fake})
        async with httpx.AsyncClient(transport=transport) as client:
            headers = {"Accept": ANY_MANIFEST, **more}
            return await client.request(method, f"http://registry.test{path}", headers=headers)

    return asyncio.run(ask())


def send_by_socket(fake: FakeRegistry, method: str = "GET", path: str = PLACE) -> httpx.Response:
    """Send one request over the loopback."""
    with serve_fake(fake) as server:
        headers = {"Accept": ANY_MANIFEST}
        return httpx.request(method, f"{server.url}{path}", headers=headers, trust_env=False)


@pytest.fixture(params=[send, send_by_socket], ids=["transport", "socket"])
def ask(request: pytest.FixtureRequest) -> Send:
    """Both ways to reach a fake."""
    sender: Send = request.param
    return sender


def test_no_fault(fake: FakeRegistry, ask: Send) -> None:
    """Without faults the registry answers, and its log says what it was asked."""
    answer = ask(fake)
    assert (answer.content, answer.headers["content-type"]) == (IMAGE.manifest, IMAGE.media_type)
    assert fake.log.lines == [f"GET {PLACE} 200"]


def test_status_for_a_while(fake: FakeRegistry, ask: Send) -> None:
    """A fault that meets two requests after the first leaves the others alone."""
    effect = faults.status(503, "UNAVAILABLE", retry_after=7)
    fake.faults.append(Fault("GET", "/manifests/", effect, times=2, after=1))
    answers = [ask(fake) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 503, 503, 200]
    assert answers[1].headers["retry-after"] == "7"
    assert answers[1].json()["errors"][0]["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("effect", [faults.lost(), faults.cut(10)], ids=["lost", "cut"])
def test_broken_connection(fake: FakeRegistry, ask: Send, effect: faults.Effect) -> None:
    """A lost answer, or one cut short, is an error of the transport."""
    fake.faults.append(Fault("GET", "/manifests/", effect))
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        ask(fake)


def test_lost_reply(fake: FakeRegistry, ask: Send) -> None:
    """What was asked is done, though no answer comes."""
    fake.faults.append(Fault("DELETE", "/manifests/", faults.lost_reply()))
    with pytest.raises((httpx.NetworkError, httpx.RemoteProtocolError)):
        ask(fake, "DELETE", f"/v2/team/app/manifests/{IMAGE.digest}")
    assert fake.repository("team/app").manifests == {}
    assert [exchange.status for exchange in fake.log.exchanges] == [0]


@pytest.mark.parametrize(
    ("effect", "media_type", "start"),
    [
        (faults.content(b"other"), IMAGE.media_type, b"other"),
        (faults.html(), "text/html", b"<!doctype html>"),
        (faults.schema_1(), SCHEMA_1, b'{"schemaVersion": 1'),
    ],
    ids=["other bytes", "html", "schema 1"],
)
def test_other_content(
    fake: FakeRegistry, ask: Send, effect: faults.Effect, media_type: str, start: bytes
) -> None:
    """The answer looks like one, and is not what was asked."""
    fake.faults.append(Fault("GET", "/manifests/", effect))
    answer = ask(fake)
    assert (answer.status_code, answer.headers["content-type"]) == (200, media_type)
    assert answer.content.startswith(start)


def test_huge_json(fake: FakeRegistry, ask: Send) -> None:
    """Five megabytes of well-formed index."""
    fake.faults.append(Fault("GET", "/manifests/", faults.huge_json()))
    answer = ask(fake)
    assert len(answer.content) > 5_000_000
    assert json.loads(answer.content)["mediaType"] == OCI_INDEX


@pytest.mark.parametrize("value", [None, "sha256:wrong"])
def test_digest_header(fake: FakeRegistry, ask: Send, value: str | None) -> None:
    """The digest in the header is another one, or missing."""
    effect = faults.header("docker-content-digest", value)
    fake.faults.append(Fault("GET|HEAD", "/manifests/", effect))
    assert ask(fake, "HEAD").headers.get("docker-content-digest") == value


def test_read_only_and_no_head(fake: FakeRegistry, ask: Send) -> None:
    """Faults that stand ready: nobody writes; HEAD is not allowed."""
    fake.faults += [faults.READ_ONLY, faults.NO_HEAD]
    wanted = [("POST", "/v2/team/app/blobs/uploads/"), ("HEAD", PLACE), ("GET", PLACE)]
    assert [ask(fake, *words).status_code for words in wanted] == [403, 405, 200]


def test_redirect(fake: FakeRegistry, ask: Send) -> None:
    """A client is sent to another host, for the same path."""
    fake.faults.append(Fault("GET", "/blobs/", faults.redirect("https://storage.test")))
    answer = ask(fake, "GET", f"/v2/team/app/blobs/{IMAGE.digest}")
    assert answer.status_code == 307
    assert answer.headers["location"].startswith("https://storage.test/v2/team/app/blobs/")


def test_challenge(fake: FakeRegistry) -> None:
    """Only one Authorization gets through."""
    effect = faults.challenge('Basic realm="r"', unless="Basic right")
    fake.faults.append(Fault("*", "/v2/", effect))
    assert send(fake).headers["www-authenticate"] == 'Basic realm="r"'
    assert send(fake, Authorization="Basic right").status_code == 200


def test_immutable_tags(fake: FakeRegistry) -> None:
    """A tag that exists is refused; a digest, or a new tag, is not."""
    fake.faults.append(Fault("PUT", "/manifests/", faults.immutable_tags()))
    answers = []
    for reference in ("1", IMAGE.digest, "2"):
        with serve_fake(fake) as server:
            url = f"{server.url}/v2/team/app/manifests/{reference}"
            kind = {"Content-Type": IMAGE.media_type}
            answers.append(httpx.put(url, content=IMAGE.manifest, headers=kind, trust_env=False))
    assert [answer.status_code for answer in answers] == [400, 201, 201]


def test_late_children(fake: FakeRegistry) -> None:
    """An index is refused twice for children that are there, then taken."""
    fake.put("team/app", "", INDEX)
    fake.faults.append(faults.late_children(2))
    statuses = []
    with serve_fake(fake) as server:
        for _ in range(3):
            url = f"{server.url}/v2/team/app/manifests/2"
            kind = {"Content-Type": INDEX.media_type}
            answer = httpx.put(url, content=INDEX.manifest, headers=kind, trust_env=False)
            statuses.append(answer.status_code)
    assert statuses == [400, 400, 201]


def test_slow_answers_overlap(fake: FakeRegistry) -> None:
    """A slow answer holds up nobody else, and the log shows how many were under way."""
    fake.faults.append(Fault("GET", "/manifests/", faults.slow(0.05)))

    async def ask_at_once() -> None:
        transport = FakeTransport({"registry.test": fake})
        async with httpx.AsyncClient(transport=transport) as client:
            url = f"http://registry.test{PLACE}"
            await asyncio.gather(*(client.get(url) for _ in range(5)))

    asyncio.run(ask_at_once())
    assert most_at_once(fake.log.exchanges) == 5


def test_other_hosts_refuse(fake: FakeRegistry) -> None:
    """A host without a fake is a connection refused."""

    async def ask() -> None:
        async with httpx.AsyncClient(transport=FakeTransport({"registry.test": fake})) as client:
            await client.get("http://elsewhere.test/v2/")

    with pytest.raises(httpx.ConnectError):
        asyncio.run(ask())
