"""Tags: several in one request, deleted alone where that is known, listed page by page."""

import asyncio

import pytest

from mbuild.registry.client import Registry
from mbuild.registry.tags import DELETES_ONLY_TAG
from tests.registry.login.token_world import TokenService, world
from tests.registry.world import (
    HOST,
    NO_REGISTRY,
    Recorder,
    ask,
    content_of,
    error_of,
    open_registries,
)
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, content, header, html, lost, lost_reply, status
from tests.support.images import digest_of, make_image, make_index

INDEX = make_index(make_image())
CONTENT = content_of(INDEX)
NAMES = ("1.0", "latest")
DIGEST = digest_of(b"other")


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds an index's children, takes tags with a manifest, and deletes tags."""
    fake = FakeRegistry()
    fake.put("team/app", "old", INDEX)
    fake.takes_tags = fake.deletes_tags = True
    return fake


async def put_tagged(registry: Registry) -> frozenset[str]:
    """Put the index, and offer two tags."""
    return await registry.put_tagged("team/app", CONTENT, NAMES)


def puts(fake: FakeRegistry) -> list[str]:
    """The query and the status of each PUT."""
    return [
        f"{one.request.target.partition('?')[2] or '-'} {one.status}"
        for one in fake.log.asked("PUT")
    ]


# --- Several tags in one request ---


def test_put_tagged(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry that takes tags with a manifest gets all in one request, and is known from then."""

    async def use(registry: Registry) -> tuple[bool | None, frozenset[str], bool | None]:
        before = registry.takes_tags
        return before, await put_tagged(registry), registry.takes_tags

    assert ask(recorder, fake, use) == (None, frozenset(NAMES), True)
    assert puts(fake) == ["tag=1.0&tag=latest 201"]
    assert fake.repository("team/app").tags == dict.fromkeys(("old", *NAMES), INDEX.digest)


def test_tags_are_ignored(recorder: Recorder, fake: FakeRegistry) -> None:
    """One that ignores them is told none any more: the manifest costs one request each time."""
    fake.takes_tags = False

    async def use(registry: Registry) -> tuple[frozenset[str], frozenset[str], bool | None]:
        return await put_tagged(registry), await put_tagged(registry), registry.takes_tags

    assert ask(recorder, fake, use) == (frozenset(), frozenset(), False)
    assert puts(fake) == ["tag=1.0&tag=latest 201", "- 201"]


@pytest.mark.parametrize("code", [400, 403, 404, 405, 413, 414, 431, 500])
def test_query_is_refused(recorder: Recorder, fake: FakeRegistry, code: int) -> None:
    """Any failure may be meant for the query: the manifest is put without it, now and later."""

    def unless_alone(request: Request, registry: Handler) -> Answer:
        return status(code)(request, registry) if request.query else registry(request)

    fake.repository("team/app").manifests.pop(INDEX.digest)
    fake.faults.append(Fault("PUT", "", unless_alone))

    async def use(registry: Registry) -> tuple[frozenset[str], frozenset[str]]:
        return await put_tagged(registry), await put_tagged(registry)

    assert ask(recorder, fake, use, attempts=1) == (frozenset(), frozenset())
    assert puts(fake) == [f"tag=1.0&tag=latest {code}", "- 201", "- 201"]


def test_manifest_is_refused(recorder: Recorder, fake: FakeRegistry) -> None:
    """What is refused without the query too is an error."""
    fake.faults.append(Fault("PUT", "", status(403, "DENIED")))
    assert error_of(recorder, fake, put_tagged)[:2] == ("Denied", 5)
    assert puts(fake) == ["tag=1.0&tag=latest 403", "- 403"]


@pytest.mark.parametrize(
    ("effect", "kind"),
    [(lost(), "TransportError"), (header("Docker-Content-Digest", DIGEST), "IntegrityError")],
    ids=["no answer", "other bytes"],
)
def test_failure_is_no_refusal(
    recorder: Recorder, fake: FakeRegistry, effect: Effect, kind: str
) -> None:
    """What no other request would mend is not asked again without the query."""
    fake.repository("team/app").manifests.pop(INDEX.digest)
    fake.faults.append(Fault("PUT", "", effect))
    assert error_of(recorder, fake, put_tagged, attempts=1)[:2] == (kind, 6)
    assert len(puts(fake)) == 1


def test_reply_is_lost(recorder: Recorder, fake: FakeRegistry) -> None:
    """Where the reply is lost it is not known which tags were taken: none is relied on."""
    fake.faults.append(Fault("PUT", "", lost_reply(), times=1))

    async def use(registry: Registry) -> tuple[frozenset[str], bool | None]:
        return await put_tagged(registry), registry.takes_tags

    assert ask(recorder, fake, use) == (frozenset(), None)


@pytest.mark.parametrize(
    ("said", "taken"),
    [("1.0", {"1.0"}), ("latest,1.0", {"1.0", "latest"}), (" , ", set()), ("other", set())],
)
def test_oci_tag(recorder: Recorder, fake: FakeRegistry, said: str, taken: set[str]) -> None:
    """Only what OCI-Tag names was taken, and only what was asked for counts."""
    fake.faults.append(Fault("PUT", "", header("OCI-Tag", said)))
    assert ask(recorder, fake, put_tagged) == taken


def test_most_tags(recorder: Recorder, fake: FakeRegistry) -> None:
    """No more than ten go in one request; the others are the caller's."""
    names = tuple(f"t{number}" for number in range(12))
    taken = ask(recorder, fake, lambda one: one.put_tagged("team/app", CONTENT, names))
    assert taken == set(names[:10])


# --- Deleting a tag ---


async def learn_and_delete(registry: Registry) -> bool:
    """See that the registry takes tags, then delete one."""
    await put_tagged(registry)
    return await registry.delete_tag("team/app", "1.0")


def test_delete_tag(recorder: Recorder, fake: FakeRegistry) -> None:
    """Where the registry takes OCI-Tag, a tag goes alone: its manifest and other tags stay."""
    assert ask(recorder, fake, learn_and_delete) is True
    assert fake.repository("team/app").tags == dict.fromkeys(("old", "latest"), INDEX.digest)
    assert INDEX.digest in fake.repository("team/app").manifests


def test_delete_is_not_known(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry that might delete more is not asked at all."""
    assert ask(recorder, fake, lambda one: one.delete_tag("team/app", "old")) is False
    assert fake.log.exchanges == ()


@pytest.mark.parametrize(
    ("code", "expected"), [(202, True), (204, True), (404, True), (400, False), (403, False),
    (405, False)],
)  # fmt: skip
def test_delete_answers(recorder: Recorder, fake: FakeRegistry, code: int, expected: bool) -> None:
    """What is gone already is deleted; a refusal is no error, since the tag can be named."""
    fake.faults.append(Fault("DELETE", "", status(code)))
    assert ask(recorder, fake, learn_and_delete) is expected


def test_delete_fails(recorder: Recorder, fake: FakeRegistry) -> None:
    """Any other answer is an error."""
    fake.faults.append(Fault("DELETE", "", status(409)))
    assert error_of(recorder, fake, learn_and_delete) == (
        "RegistryError", 6, f"{HOST}/team/app:1.0: {HOST} answered 409 Conflict",
    )  # fmt: skip


def test_right_to_delete(recorder: Recorder) -> None:
    """The right to delete is asked for when a tag is deleted, and never before."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    fake.put("team/app", "old", INDEX)
    fake.takes_tags = fake.deletes_tags = True

    async def scenario() -> bool:
        async with open_registries(recorder, hosts) as registries:
            registries.may_push(HOST, "team/app")
            return await learn_and_delete(registries.registry(HOST))

    assert asyncio.run(scenario()) is True
    push = "repository%3Ateam%2Fapp%3Apull%2Cpush"
    assert tokens.scopes == [push, f"{push}%2Cdelete"]


@pytest.mark.parametrize("domain", sorted(DELETES_ONLY_TAG))
def test_known_registries(recorder: Recorder, fake: FakeRegistry, domain: str) -> None:
    """A registry that is known to delete a tag alone is asked at once."""

    async def scenario() -> bool:
        async with open_registries(recorder, {domain: fake}) as registries:
            return await registries.registry(domain).delete_tag("team/app", "old")

    assert asyncio.run(scenario()) is True
    assert [one.path for one in fake.log.asked("DELETE")] == ["/v2/team/app/manifests/old"]


# --- Listing tags ---


async def list_tags(registry: Registry) -> tuple[str, ...]:
    """List the repository's tags."""
    return await registry.list_tags("team/app")


def test_list(recorder: Recorder, fake: FakeRegistry) -> None:
    """Tags are listed; a repository that does not exist has none."""
    assert ask(recorder, fake, list_tags) == ("old",)
    assert ask(recorder, fake, lambda one: one.list_tags("team/other")) == ()


def test_list_by_pages(recorder: Recorder, fake: FakeRegistry) -> None:
    """Pages are followed by Link to the last."""
    for number in range(5):
        fake.put("team/app", f"t{number}", INDEX)
    fake.page = 2
    assert ask(recorder, fake, list_tags) == ("old", "t0", "t1", "t2", "t3", "t4")
    assert len(fake.log.exchanges) == 3


@pytest.mark.parametrize(
    ("effect", "expected"),
    [
        (html(), f"{HOST}/team/app: not a list of tags: not JSON: Expecting value at line 1"),
        (content(b'{"tags": "1.0"}'), f"{HOST}/team/app: not a list of tags"),
        (content(b'{"tags": [1]}'), f"{HOST}/team/app: not a list of tags"),
        (status(500), f"{HOST}/team/app: {HOST} answered 500 Internal Server Error"),
    ],
    ids=["html", "text", "number", "500"],
)
def test_list_fails(recorder: Recorder, fake: FakeRegistry, effect: object, expected: str) -> None:
    """What is no list of tags is an error that says so."""
    fake.faults.append(Fault("GET", "", effect))  # type: ignore[arg-type]
    kind, code, message = error_of(recorder, fake, list_tags, attempts=1)
    assert (code, message.startswith(expected)) == (6, True)
    assert kind in {"ProtocolError", "RegistryError"}


NO_ADDRESS = f"{HOST} sends on to what is no http or https address; tell whoever runs the registry"


def test_list_with_bad_link(recorder: Recorder, fake: FakeRegistry) -> None:
    """A next page that has no address is the registry's fault, and said so."""
    page = Answer(200, {"Link": '<https://[::1>; rel="next"'}, b'{"tags": ["a"]}')
    fake.faults.append(Fault("GET", "", lambda _request, _registry: page))
    assert error_of(recorder, fake, list_tags) == (
        "ProtocolError",
        6,
        f"{HOST}/team/app: {NO_ADDRESS}",
    )


def test_list_is_refused(recorder: Recorder, fake: FakeRegistry) -> None:
    """A list that may not be read is an error."""
    fake.faults.append(Fault("GET", "", status(403, "DENIED")))
    assert error_of(recorder, fake, list_tags)[:2] == ("Denied", 5)


def test_list_without_end(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry whose pages go round in a circle is left, and told of."""
    page = Answer(200, {"Link": '</v2/team/app/tags/list>; rel="next"'}, b'{"tags": ["a"]}')
    fake.faults.append(Fault("GET", "", lambda _request, _registry: page))
    assert error_of(recorder, fake, list_tags) == (
        "ProtocolError", 6,
        f"{HOST}/team/app: the list of its tags has more than 1000 pages{NO_REGISTRY}",
    )  # fmt: skip
