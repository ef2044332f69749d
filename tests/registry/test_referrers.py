"""Referrers: listed by the API page by page, else by the tag, which is kept for other clients."""

import asyncio
import json

import pytest

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.oci.referrers import referrer_descriptor
from mbuild.registry.client import Registry
from tests.registry.world import HOST, NO_REGISTRY, Recorder, ask, content_of, error_of
from tests.support.artifacts import fallback_tag, list_referrers, make_referrer
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, content, html, lost_reply, status
from tests.support.images import OCI_INDEX, make_image, make_index

IMAGE = make_image()
SUBJECT = parse_digest(IMAGE.digest)
SBOMS = tuple(make_referrer(IMAGE, text=f"SBOM {number}") for number in range(5))
SBOM, OTHER = SBOMS[:2]
TAG = fallback_tag(IMAGE)
NO_LIST = (
    f"{HOST}/team/app:{TAG}: the tag is kept for a list of referrers, and holds none: "
    "'manifests' is missing"
)
NOT_KEPT = (
    "the tag that lists referrers does not keep what is written to it; other clients may be "
    "writing it at the same time: run the same command again"
)
LEAVE_OUT = "; run the same command again, or leave out 'referrers: copy'"
NOTED = "; the tag for referrers is asked instead"


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry with the API for referrers, that holds an image and one of it."""
    fake = FakeRegistry()
    fake.put("team/app", "1.0", IMAGE)
    fake.put("team/app", "", SBOM)
    fake.lists_referrers = True
    return fake


@pytest.fixture
def old() -> FakeRegistry:
    """A registry without the API, where the tag lists a referrer."""
    fake = FakeRegistry()
    fake.put("team/app", "1.0", IMAGE)
    fake.put("team/app", "", SBOM)
    fake.put("team/app", TAG, list_referrers(SBOM))
    return fake


def entry(sbom: object) -> Descriptor:
    """A referrer's entry in a list."""
    return referrer_descriptor(content_of(sbom))  # type: ignore[arg-type]


async def listed(registry: Registry) -> tuple[Descriptor, ...]:
    """List the referrers of the image."""
    return await registry.list_referrers("team/app", SUBJECT)


async def put(registry: Registry) -> bool:
    """Put another referrer."""
    return await registry.put_referrer("team/app", SUBJECT, content_of(OTHER))


async def add(registry: Registry) -> None:
    """Let the tag name another referrer."""
    await registry.add_referrers("team/app", SUBJECT, (entry(OTHER),))


def in_tag(fake: FakeRegistry) -> list[str]:
    """The digests that the tag lists."""
    held = fake.repository("team/app")
    return [one["digest"] for one in json.loads(held.manifests[held.tags[TAG]][1])["manifests"]]


def paths(fake: FakeRegistry) -> list[str]:
    """What was asked for below the repository, in order."""
    return [
        f"{one.request.method} {one.request.path.removeprefix('/v2/team/app/')}"
        for one in fake.log.exchanges
    ]


# --- Listing ---


def test_list(recorder: Recorder, fake: FakeRegistry) -> None:
    """The API gives what refers to a manifest, with the types; nothing else is asked."""
    assert ask(recorder, fake, listed) == (entry(SBOM),)
    assert paths(fake) == [f"GET referrers/{SUBJECT}"]
    assert fake.log.exchanges[0].request.headers["accept"] == OCI_INDEX
    assert recorder.notes == []


def test_none(recorder: Recorder, fake: FakeRegistry) -> None:
    """An empty list is an answer: the tag is not asked."""
    fake.repository("team/app").manifests.pop(SBOM.digest)
    assert ask(recorder, fake, listed) == ()
    assert paths(fake) == [f"GET referrers/{SUBJECT}"]


def test_pages(recorder: Recorder, fake: FakeRegistry) -> None:
    """Pages are followed by Link to the last, and what stands on two counts once."""
    for sbom in SBOMS:
        fake.put("team/app", "", sbom)
    fake.page = 2
    assert set(ask(recorder, fake, listed)) == {entry(sbom) for sbom in SBOMS}
    assert len(fake.log.exchanges) == 3


def test_twice(recorder: Recorder, fake: FakeRegistry) -> None:
    """A referrer that a registry lists twice counts once."""
    said = json.loads(list_referrers(SBOM, SBOM).manifest)
    fake.faults.append(Fault("GET", "referrers", content(json.dumps(said).encode())))
    assert [one.digest for one in ask(recorder, fake, listed)] == [parse_digest(SBOM.digest)]


def test_tag(recorder: Recorder, old: FakeRegistry) -> None:
    """Without the API the tag is asked, and -v says so."""
    assert [str(one.digest) for one in ask(recorder, old, listed)] == [SBOM.digest]
    assert paths(old) == [f"GET referrers/{SUBJECT}", f"GET manifests/{TAG}"]
    assert recorder.notes == [
        f"{HOST}/team/app: no referrers API ({HOST} answered 404 Not Found){NOTED}"
    ]


def test_no_tag(recorder: Recorder, old: FakeRegistry) -> None:
    """Without API and tag there are none; that there is no API is found out once."""
    old.repository("team/app").tags.pop(TAG)

    async def use(registry: Registry) -> list[tuple[Descriptor, ...]]:
        return [await listed(registry) for _ in range(2)]

    assert ask(recorder, old, use) == [(), ()]
    assert paths(old) == [f"GET referrers/{SUBJECT}", *[f"GET manifests/{TAG}"] * 2]
    assert len(recorder.notes) == 1


def test_asked_first_alone(recorder: Recorder, old: FakeRegistry) -> None:
    """Of many that ask at once one finds out for all that there is no API."""

    async def use(registry: Registry) -> None:
        await asyncio.gather(*(listed(registry) for _ in range(5)))

    ask(recorder, old, use)
    assert [path for path in paths(old) if "referrers" in path] == [f"GET referrers/{SUBJECT}"]


@pytest.mark.parametrize(
    "effect",
    [
        status(400, "MANIFEST_INVALID"),
        status(401),
        status(403, "DENIED"),
        status(404, "NAME_UNKNOWN"),
        status(405, "UNSUPPORTED"),
        status(406),
        status(501),
        html(),
    ],
    ids=["400", "401", "403", "404", "405", "406", "501", "page"],
)
def test_refused(recorder: Recorder, old: FakeRegistry, effect: Effect) -> None:
    """Each answer of a registry without the API leads to the tag; it may be for this one alone."""
    old.faults.append(Fault("GET", "referrers", effect))

    async def use(registry: Registry) -> list[int]:
        return [len(await listed(registry)) for _ in range(2)]

    assert ask(recorder, old, use) == [1, 1]
    assert len([path for path in paths(old) if "referrers" in path]) >= 2
    assert all(note.endswith(NOTED) for note in recorder.notes)


def test_other_page(recorder: Recorder, old: FakeRegistry) -> None:
    """A 303, which leads to another page than was asked for, is not followed."""
    page = Answer(303, {"Location": "https://elsewhere.test/packages/app"})
    old.faults.append(Fault("GET", "referrers", lambda _request, _registry: page))
    assert len(ask(recorder, old, listed)) == 1
    assert recorder.notes == [
        f"{HOST}/team/app: no referrers API ({HOST} answered 303 See Other){NOTED}"
    ]


def test_tag_is_the_image(recorder: Recorder, old: FakeRegistry) -> None:
    """A registry that takes the tag for the digest itself gives the image, which is no list."""
    index = make_index(IMAGE)
    old.put("team/app", fallback_tag(index), index)
    digest = parse_digest(index.digest)
    assert ask(recorder, old, lambda one: one.list_referrers("team/app", digest)) == ()


def test_tag_is_no_list(recorder: Recorder, old: FakeRegistry) -> None:
    """A tag that holds something else says nothing, and -v tells of it."""
    old.put("team/app", TAG, OTHER)
    assert ask(recorder, old, listed) == ()
    assert recorder.notes[1:] == [NO_LIST]


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (content(b"{"), "ProtocolError"),
        (content(b'{"schemaVersion": 2}', OCI_INDEX), "ProtocolError"),
        (status(500), "RegistryError"),
        (status(409), "RegistryError"),
    ],
    ids=["no JSON", "no index", "500", "409"],
)
def test_failure(recorder: Recorder, fake: FakeRegistry, effect: Effect, expected: str) -> None:
    """What is neither a list nor a way to say that there is none is an error: fail closed."""
    fake.faults.append(Fault("GET", "referrers", effect))
    kind, code, message = error_of(recorder, fake, listed, attempts=1)
    assert (kind, code) == (expected, 6)
    assert message.startswith(f"{HOST}/team/app@{SUBJECT}: ")


def test_tag_is_denied(recorder: Recorder, old: FakeRegistry) -> None:
    """Who may read neither list nor tag is denied, and is not told that there is none."""
    old.faults.append(Fault("GET", "referrers|sha256-", status(403, "DENIED")))
    assert error_of(recorder, old, listed)[:2] == ("Denied", 5)


@pytest.mark.parametrize("entries", [1, 6_000], ids=["pages", "entries"])
def test_without_end(recorder: Recorder, fake: FakeRegistry, entries: int) -> None:
    """A list whose pages go round in a circle is left, and told of."""
    listing = list_referrers(*[SBOM] * entries).manifest
    link = {"Link": f'</v2/team/app/referrers/{SUBJECT}>; rel="next"', "Content-Type": OCI_INDEX}
    page = Answer(200, link, listing)
    fake.faults.append(Fault("GET", "", lambda _request, _registry: page))
    assert error_of(recorder, fake, listed) == (
        "ProtocolError",
        6,
        f"{HOST}/team/app@{SUBJECT}: the list of its referrers does not end{LEAVE_OUT}",
    )
    assert len(fake.log.exchanges) <= 100


BREAKS_OFF = f"{HOST}/team/app@{SUBJECT}: the list of its referrers breaks off: {HOST} answered "
NO_LOGIN = f"no login for it was found: log in with `docker login {HOST}`"
DENIED = f"{HOST}/team/app@{SUBJECT}: {HOST} answered 403 Forbidden; {NO_LOGIN}"
NO_JSON = "not a list of referrers: not JSON: Expecting value at line 1 column 1"
FURTHER_PAGES: dict[str, tuple[Effect, tuple[str, int, str]]] = {
    "400": (status(400), ("ProtocolError", 6, f"{BREAKS_OFF}400 Bad Request{LEAVE_OUT}")),
    "404": (status(404), ("ProtocolError", 6, f"{BREAKS_OFF}404 Not Found{LEAVE_OUT}")),
    "403": (status(403), ("Denied", 5, DENIED)),
    "page": (html(), ("ProtocolError", 6, f"{HOST}/team/app@{SUBJECT}: {NO_JSON}{NO_REGISTRY}")),
}


@pytest.mark.parametrize(("effect", "expected"), FURTHER_PAGES.values(), ids=FURTHER_PAGES)
def test_further_page_is_refused(
    recorder: Recorder, fake: FakeRegistry, effect: Effect, expected: tuple[str, int, str]
) -> None:
    """The API was there for the first page, so what it listed is not passed over in silence."""
    for sbom in SBOMS:
        fake.put("team/app", "", sbom)
    fake.page = 2
    fake.faults.append(Fault("GET", "referrers", effect, after=1))
    assert error_of(recorder, fake, listed) == expected
    assert recorder.notes == []


# --- Writing ---


def bring(fake: FakeRegistry) -> None:
    """Put the blobs of the other referrer."""
    fake.put("team/app", "", OTHER)
    fake.repository("team/app").manifests.pop(OTHER.digest)


def test_put(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry that says OCI-Subject lists the referrer by itself."""
    bring(fake)

    async def use(registry: Registry) -> tuple[bool, tuple[Descriptor, ...]]:
        return await put(registry), await listed(registry)

    assert ask(recorder, fake, use) == (True, (entry(SBOM), entry(OTHER)))


def test_put_without_word(recorder: Recorder, fake: FakeRegistry) -> None:
    """One that does not say it is not believed to list it, whatever API it has."""
    bring(fake)
    fake.says_subject = False
    assert ask(recorder, fake, put) is False


def test_put_of_another(recorder: Recorder, fake: FakeRegistry) -> None:
    """A word about another subject is none."""
    bring(fake)

    async def use(registry: Registry) -> bool:
        return await registry.put_referrer("team/app", wrong, content_of(OTHER))

    wrong = parse_digest(OTHER.digest)
    assert ask(recorder, fake, use) is False


@pytest.mark.parametrize("has_api", [True, False])
def test_put_with_lost_reply(recorder: Recorder, fake: FakeRegistry, has_api: bool) -> None:
    """Where the reply is lost, it counts whether the registry has shown to have the API."""
    bring(fake)
    fake.lists_referrers = has_api
    fake.faults.append(Fault("PUT", "", lost_reply(), times=1))

    async def use(registry: Registry) -> bool:
        await listed(registry)
        return await put(registry)

    assert ask(recorder, fake, use) is has_api


def test_add(recorder: Recorder, old: FakeRegistry) -> None:
    """The tag names the new one after the old one, with its type; it is read back once."""
    old.put("team/app", "", OTHER)
    ask(recorder, old, add)
    assert in_tag(old) == [SBOM.digest, OTHER.digest]
    assert paths(old) == [f"{method} manifests/{TAG}" for method in ("GET", "PUT", "GET")]
    assert ask(recorder, old, listed)[1] == entry(OTHER)


def test_add_what_is_there(recorder: Recorder, old: FakeRegistry) -> None:
    """What the tag names is not written again."""

    async def use(registry: Registry) -> None:
        await registry.add_referrers("team/app", SUBJECT, (entry(SBOM),))

    ask(recorder, old, use)
    assert paths(old) == [f"GET manifests/{TAG}"]


@pytest.mark.parametrize("is_image", [True, False], ids=["the image", "nothing"])
def test_first(recorder: Recorder, old: FakeRegistry, is_image: bool) -> None:
    """A tag that is not there yet is made; so is one that is read as the image's digest."""
    held = old.repository("team/app")
    held.tags.pop(TAG)
    if is_image:
        old.put("team/app", TAG, IMAGE)
    held.manifests[OTHER.digest] = (OTHER.media_type, OTHER.manifest)
    ask(recorder, old, add)
    assert in_tag(old) == [OTHER.digest]


def test_add_side_by_side(recorder: Recorder, old: FakeRegistry) -> None:
    """Two targets of one run that write the same tag wait for each other."""
    third = SBOMS[2]
    for sbom in (OTHER, third):
        old.put("team/app", "", sbom)

    async def use(registry: Registry) -> None:
        await asyncio.gather(
            add(registry), registry.add_referrers("team/app", SUBJECT, (entry(third),))
        )

    ask(recorder, old, use)
    assert in_tag(old) == [SBOM.digest, OTHER.digest, third.digest]


def test_add_beside_another_client(recorder: Recorder, old: FakeRegistry) -> None:
    """What another client wrote over it at the same moment is read back, and both are named."""
    third = SBOMS[2]

    def overwritten(request: Request, registry: Handler) -> Answer:
        answer = registry(request)
        old.put("team/app", TAG, list_referrers(SBOM, third))
        return answer

    for sbom in (OTHER, third):
        old.put("team/app", "", sbom)
    old.faults.append(Fault("PUT", TAG, overwritten, times=1))
    ask(recorder, old, add)
    assert in_tag(old) == [SBOM.digest, third.digest, OTHER.digest]


def test_add_in_vain(recorder: Recorder, old: FakeRegistry) -> None:
    """A tag that never keeps what is written to it is an error after a few rounds."""

    def forgotten(request: Request, registry: Handler) -> Answer:
        answer = registry(request)
        old.put("team/app", TAG, list_referrers(SBOM))
        return answer

    old.put("team/app", "", OTHER)
    old.faults.append(Fault("PUT", TAG, forgotten))
    assert error_of(recorder, old, add) == (
        "RegistryError",
        6,
        f"{HOST}/team/app:{TAG}: {NOT_KEPT}",
    )


def test_tag_is_not_overwritten(recorder: Recorder, old: FakeRegistry) -> None:
    """A tag that holds something else is left alone, and told of."""
    old.put("team/app", TAG, OTHER)
    assert error_of(recorder, old, add) == (
        "RegistryError",
        6,
        f"{NO_LIST}; delete the tag, or move what it holds to another one",
    )
