"""A repository with a cache: what is asked of the registry, and what no longer is."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from mbuild.errors import Denied, IntegrityError, NotFound
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content
from mbuild.oci.reference import parse_reference
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.store.repository import RepositoryStore
from mbuild.store.stores import Stores
from tests.store.cache_world import Shelf
from tests.support.artifacts import make_referrer
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, content, header, status
from tests.support.images import DOCKER_MANIFEST, make_image, make_index
from tests.support.values import blob_descriptor, content_of

APP = "registry.test/team/app"
IMAGE, OTHER = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(IMAGE, OTHER)
CONFIG = blob_descriptor(IMAGE.config)

Use = Callable[[RepositoryStore], Awaitable[object]]


class Runs:
    """Runs against one registry with one cache; each gives what was asked of the registry."""

    def __init__(self, folder: Path) -> None:
        self.fake = FakeRegistry()
        self.fake.put("team/app", "1.0", INDEX)
        self.fake.put("team/app", "amd64", IMAGE)
        self.shelf = Shelf(folder)
        self.result: object = None

    def run(self, use: Use, name: str = APP) -> list[str]:
        """Use the repository in a run of its own; give the requests: `GET manifests/1.0`."""
        asyncio.run(self._run(use, name))
        asked = [
            f"{one.method} {one.path.removeprefix('/v2/team/')}" for one in self.fake.log.exchanges
        ]
        self.fake.log.clear()
        return [one.replace("app/", "", 1) for one in asked]

    def fetch(self, reference: str, name: str = APP) -> list[str]:
        """Fetch a manifest in a run of its own."""
        return self.run(lambda store: store.fetch_manifest(reference), name)

    async def _run(self, use: Use, name: str) -> None:
        hosts = {"registry.test": self.fake, "mirror.test": self.fake}
        settings = Settings(attempts=1)
        with self.shelf.open() as cache:
            async with Registries(
                settings, make_transport=lambda _host: FakeTransport(hosts)
            ) as registries:
                store = Stores(registries, cache=cache).open(parse_reference(name))
                assert isinstance(store, RepositoryStore)
                self.result = await use(store)


@pytest.fixture
def runs(tmp_path: Path) -> Runs:
    """A registry with an index and an image, and an empty cache."""
    return Runs(tmp_path)


def test_by_digest(runs: Runs) -> None:
    """What was fetched by its digest is not asked for again."""
    assert runs.fetch(IMAGE.digest) == [f"GET manifests/{IMAGE.digest}"]
    assert runs.fetch(IMAGE.digest) == []
    assert runs.result == content_of(IMAGE)


def test_by_tag(runs: Runs) -> None:
    """A tag is fetched at once where it is not known, and asked for by HEAD where it is."""
    assert runs.fetch("1.0") == ["GET manifests/1.0"]
    assert runs.fetch("1.0") == ["HEAD manifests/1.0"]
    assert runs.result == content_of(INDEX)


def test_digest_of_a_tag(runs: Runs) -> None:
    """What a tag held is known by its digest too."""
    runs.fetch("amd64")
    assert runs.fetch(IMAGE.digest) == []


def test_moved_tag(runs: Runs) -> None:
    """A tag that has moved is fetched again; back on what was known, it is not."""
    runs.fetch("1.0")
    runs.fake.put("team/app", "1.0", OTHER)
    assert runs.fetch("1.0") == ["HEAD manifests/1.0", "GET manifests/1.0"]
    assert runs.result == content_of(OTHER)
    runs.fake.put("team/app", "1.0", INDEX)
    assert runs.fetch("1.0") == ["HEAD manifests/1.0"]
    assert runs.result == content_of(INDEX)


def test_another_repository(runs: Runs) -> None:
    """What one repository holds is not believed of another, though the bytes are at hand."""
    runs.fetch("amd64")
    with pytest.raises(NotFound):
        runs.fetch(IMAGE.digest, "registry.test/team/app2")


def test_another_host(runs: Runs) -> None:
    """Nor is it believed of a repository of the same name elsewhere."""
    runs.fetch("amd64")
    asked = [f"GET manifests/{IMAGE.digest}"]
    assert runs.fetch(IMAGE.digest, "mirror.test/team/app") == asked
    assert runs.fetch(IMAGE.digest, "mirror.test/team/app") == []


def test_another_host_with_another_type(runs: Runs) -> None:
    """Bytes that do not say their type have what their own registry says, and no other's."""
    silent = json.loads(IMAGE.manifest)
    del silent["mediaType"]
    ours = replace(IMAGE, manifest=json.dumps(silent).encode())
    runs.fake.put("team/theirs", "1.0", replace(ours, media_type=DOCKER_MANIFEST))
    runs.fake.put("team/app", "1.0", ours)
    runs.fetch("1.0", "mirror.test/team/theirs")
    for _ in range(2):
        runs.fetch(ours.digest)
        assert runs.result == content_of(ours)


def test_bytes_without_a_shape(runs: Runs) -> None:
    """What only the registry calls a manifest is asked for again."""
    runs.fake.put("team/app", "1.0", replace(IMAGE, manifest=b"{}"))
    for _ in range(2):
        assert runs.fetch("1.0") == ["GET manifests/1.0"]


def test_host_in_capitals(runs: Runs) -> None:
    """A host is the same however it is written."""
    runs.fetch(IMAGE.digest)
    assert runs.fetch(IMAGE.digest, "REGISTRY.test/team/app") == []


def test_head(runs: Runs) -> None:
    """Asking what a tag holds always goes to the registry, and what it says is noted."""
    runs.fetch(INDEX.digest)
    for _ in range(2):
        assert runs.run(lambda store: store.head_manifest("1.0")) == ["HEAD manifests/1.0"]
        assert runs.result == content_of(INDEX).descriptor()
    assert runs.fetch("1.0") == ["HEAD manifests/1.0"]


def test_head_alone_gives_no_bytes(runs: Runs) -> None:
    """A tag whose bytes were never fetched is fetched at once: a HEAD before would be wasted."""
    runs.run(lambda store: store.head_manifest("1.0"))
    assert runs.fetch("1.0") == ["GET manifests/1.0"]


def test_put(runs: Runs) -> None:
    """What was put is known by its digest and its tag."""
    runs.run(lambda store: store.put_manifest("2.0", content_of(INDEX)))
    assert runs.fetch(INDEX.digest) == []
    assert runs.fetch("2.0") == ["HEAD manifests/2.0"]
    assert runs.result == content_of(INDEX)


def test_refused_put(runs: Runs) -> None:
    """What a registry did not take is not known of it."""
    runs.fake.faults.append(Fault("PUT", "/manifests/", status(403, "DENIED"), times=1))
    with pytest.raises(Denied):
        runs.run(lambda store: store.put_manifest("2.0", content_of(OTHER)))
    runs.fake.log.clear()
    assert runs.fetch(OTHER.digest) == [f"GET manifests/{OTHER.digest}"]


@pytest.mark.parametrize("reference", ["1.0", INDEX.digest], ids=["tag", "digest"])
def test_read_back(runs: Runs, reference: str) -> None:
    """The proof after a push never comes from the cache."""
    runs.fetch("1.0")
    asked = runs.run(lambda store: store.read_back(reference))
    assert asked == [f"GET manifests/{reference}"]
    assert str(runs.result) == INDEX.digest


def test_blob(runs: Runs) -> None:
    """A config is fetched once."""
    assert runs.run(lambda store: store.fetch_blob(CONFIG)) == [f"GET blobs/{CONFIG.digest}"]
    assert runs.run(lambda store: store.fetch_blob(CONFIG)) == []
    assert runs.result == IMAGE.config


def test_blob_of_another_size(runs: Runs) -> None:
    """A descriptor with another size than the kept blob has is an error, as without a cache."""
    runs.run(lambda store: store.fetch_blob(CONFIG))
    wrong = Descriptor(CONFIG.media_type, CONFIG.digest, CONFIG.size + 1)
    with pytest.raises(IntegrityError):
        runs.run(lambda store: store.fetch_blob(wrong))


def test_tag_that_is_gone(runs: Runs) -> None:
    """A tag that was deleted meanwhile is not found, with the registry's own words."""
    runs.fetch("1.0")
    del runs.fake.repository("team/app").tags["1.0"]
    with pytest.raises(NotFound, match="MANIFEST_UNKNOWN"):
        runs.fetch("1.0")
    runs.fake.log.clear()
    with pytest.raises(NotFound):
        runs.fetch("1.0")
    asked = [one.method for one in runs.fake.log.exchanges]
    assert asked == ["GET"]


def test_digest_that_is_gone(runs: Runs) -> None:
    """A manifest that the registry says is gone is not given from the cache any more."""
    runs.fetch(IMAGE.digest)
    del runs.fake.repository("team/app").manifests[IMAGE.digest]
    runs.run(lambda store: store.head_manifest(IMAGE.digest))
    with pytest.raises(NotFound):
        runs.fetch(IMAGE.digest)


def test_denied(runs: Runs) -> None:
    """A tag that may not be read any more is denied, whatever the cache knows."""
    runs.fetch("1.0")
    runs.fake.faults.append(Fault("HEAD|GET", "/manifests/", status(403, "DENIED")))
    with pytest.raises(Denied):
        runs.fetch("1.0")


@pytest.mark.parametrize(
    ("name", "value"),
    [("Content-Type", DOCKER_MANIFEST), ("Content-Length", "12")],
    ids=["type", "size"],
)
def test_contradiction(runs: Runs, name: str, value: str) -> None:
    """Where a HEAD does not fit what is kept, the registry's bytes are asked for."""
    runs.fetch("amd64")
    runs.fake.faults.append(Fault("HEAD", "/manifests/", header(name, value)))
    assert runs.fetch("amd64") == ["HEAD manifests/amd64", "GET manifests/amd64"]
    assert runs.result == content_of(IMAGE)


def test_wrong_bytes_are_not_kept(runs: Runs) -> None:
    """What was refused on arrival is not in the cache either."""
    fault = Fault("GET", "/manifests/", content(OTHER.manifest), times=1)
    runs.fake.faults.append(fault)
    with pytest.raises(IntegrityError):
        runs.fetch(IMAGE.digest)
    runs.fake.log.clear()
    assert runs.fetch(IMAGE.digest) == [f"GET manifests/{IMAGE.digest}"]


def test_saw(runs: Runs) -> None:
    """What the cache gives does not count as seen; what the registry says in this run does."""
    runs.fetch("1.0")
    seen: list[bool] = []
    digest = content_of(INDEX).digest

    async def use(store: RepositoryStore) -> None:
        await store.fetch_manifest(INDEX.digest)
        seen.append(store.saw(digest))
        await store.fetch_manifest("1.0")
        seen.append(store.saw(digest))

    assert runs.run(use) == ["HEAD manifests/1.0"]
    assert seen == [False, True]


@pytest.mark.parametrize(
    "use",
    [
        lambda store: store.fetch_manifest(INDEX.digest),
        lambda store: store.head_manifest("1.0"),
        lambda store: store.put_manifest("2.0", content_of(INDEX)),
        lambda store: store.read_back("1.0"),
    ],
    ids=["fetch", "head", "put", "read back"],
)
def test_saw_after(runs: Runs, use: Use) -> None:
    """Every answer of the registry that it holds a manifest is remembered for this run."""

    async def both(store: RepositoryStore) -> tuple[bool, bool]:
        before = store.saw(content_of(INDEX).digest)
        await use(store)
        return before, store.saw(content_of(INDEX).digest)

    runs.run(both)
    assert runs.result == (False, True)


def test_knows(runs: Runs) -> None:
    """What an earlier run left is known by tag and digest, without a request."""
    runs.fetch("1.0")

    async def ask(store: RepositoryStore) -> list[bool]:
        return [store.knows(one) for one in ("1.0", INDEX.digest, "amd64", IMAGE.digest)]

    assert runs.run(ask) == []
    assert runs.result == [True, True, False, False]


def test_uncached(runs: Runs) -> None:
    """A store without a cache asks for everything each time."""

    async def fetch(_: RepositoryStore) -> list[Content]:
        hosts = {"registry.test": runs.fake}
        async with Registries(
            Settings(attempts=1), make_transport=lambda _host: FakeTransport(hosts)
        ) as registries:
            reference = parse_reference(APP)
            with runs.shelf.open() as cache:
                store = Stores(registries, cache=cache).uncached().open(reference)
                return [await store.fetch_manifest("1.0") for _ in range(2)]

    assert runs.run(fetch) == ["GET manifests/1.0"] * 2
    assert runs.result == [content_of(INDEX)] * 2


def test_listed_referrer_is_put_once(runs: Runs) -> None:
    """What the registry listed as a referrer when it was put is not put for that again."""
    sbom = make_referrer(IMAGE)
    runs.fake.put("team/app", "", sbom)
    runs.fake.lists_referrers = True
    subject = content_of(IMAGE).digest

    async def use(store: RepositoryStore) -> list[bool]:
        await store.put_manifest(sbom.digest, content_of(sbom))
        other = content_of(OTHER).digest
        return [await store.put_referrer(one, content_of(sbom)) for one in (subject, other)]

    put = f"PUT manifests/{sbom.digest}"
    assert runs.run(use) == [put, put]  # the second one for the other subject
    assert runs.result == [True, False]
