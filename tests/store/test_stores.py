"""Stores by reference: one a repository, whatever it is called."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from mbuild.oci.reference import LayoutReference, parse_any_reference
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.store.layout import LayoutStore
from mbuild.store.repository import RepositoryStore
from mbuild.store.stores import Stores
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, challenge

SAME = [
    ("registry.test/team/app:1.0", "registry.test/team/app:2.0"),
    ("app", "docker.io/library/app:1.0"),
    ("REGISTRY.test/team/app", "registry.test/team/app"),
    ("oci:dist/app", "oci:dist/../dist/app:1.0"),
]
DIFFERENT = [
    ("registry.test/team/app", "registry.test/team/other"),
    ("registry.test/team/app", "other.test/team/app"),
    ("oci:dist/app", "oci:dist/other"),
    ("oci:app", "app"),
]


def use(question: Callable[[Stores], object], **registries: object) -> object:
    """Ask the stores of one run something."""

    async def main() -> object:
        async with Registries(Settings(), **registries) as opened:  # type: ignore[arg-type]
            return question(Stores(opened))

    return asyncio.run(main())


@pytest.mark.parametrize(("one", "other"), SAME, ids=[one for one, _ in SAME])
def test_same(one: str, other: str) -> None:
    """References into the same repository, however written, share a store."""
    first, second = parse_any_reference(one), parse_any_reference(other)
    assert use(lambda stores: stores.open(first) is stores.open_target(second))


@pytest.mark.parametrize(("one", "other"), DIFFERENT, ids=[" ".join(pair) for pair in DIFFERENT])
def test_different(one: str, other: str) -> None:
    """References into different repositories have a store each."""
    first, second = parse_any_reference(one), parse_any_reference(other)
    assert use(lambda stores: stores.open(first) is not stores.open(second))


def test_uncached() -> None:
    """What is opened without a cache is a store of its own, which knows nothing from before."""
    reference = parse_any_reference("registry.test/team/app:1.0")
    assert use(lambda stores: stores.uncached().open(reference) is not stores.open(reference))


def test_linked_folder(tmp_path: Path) -> None:
    """A link to a layout's folder leads to the same store."""
    (tmp_path / "link").symlink_to(tmp_path / "app")
    links = [LayoutReference(str(tmp_path / name)) for name in ("app", "link")]
    assert use(lambda stores: stores.open(links[0]) is stores.open(links[1]))


@pytest.mark.parametrize(
    ("text", "kind", "names"),
    [
        ("app:1.0", RepositoryStore, ("app", "docker.io", "library/app")),
        (
            "registry.test/team/app",
            RepositoryStore,
            ("registry.test/team/app", "registry.test", "team/app"),
        ),
        ("oci:dist/app:1.0", LayoutStore, ("oci:dist/app", "oci:dist/app", "dist/app")),
    ],
    ids=["hub", "registry", "layout"],
)
def test_names(text: str, kind: type, names: tuple[str, str, str]) -> None:
    """A store is named as people write it, and has a place and a path in it."""

    def question(stores: Stores) -> object:
        store = stores.open(parse_any_reference(text))
        return type(store), (store.name, store.place, store.path)

    assert use(question) == (kind, names)


@pytest.mark.parametrize(
    ("targets", "actions"),
    [((), "pull"), (("registry.test",), "pull,push"), (("REGISTRY.test",), "pull,push")],
    ids=["source", "target", "target in capitals"],
)
def test_token_of_a_target(targets: tuple[str, ...], actions: str) -> None:
    """A target's token may push from the first request on, another repository's never."""
    header = 'Bearer realm="http://tokens.test/token",service="registry"'
    fake = FakeRegistry(Fault("*", "", challenge(header)))
    tokens = FakeRegistry()
    hosts = {"registry.test": fake, "tokens.test": tokens}
    reference = parse_any_reference("registry.test/team/app:1.0")

    async def main() -> None:
        async with Registries(
            Settings(attempts=1, plain_http=frozenset({"registry.test", "tokens.test"})),
            make_transport=lambda _host: FakeTransport(hosts),
        ) as registries:
            stores = Stores(registries)
            store = stores.open(reference)
            for host in targets:
                assert stores.open_target(parse_any_reference(f"{host}/team/app")) is store
            with pytest.raises(Exception, match=r"tokens\.test"):
                await store.head_manifest("1.0")

    asyncio.run(main())
    (asked,) = tokens.log.exchanges
    assert asked.request.query["scope"] == f"repository:team/app:{actions}"
