"""Copies from a registry into a layout: a registry that fails for a while is asked again."""

import asyncio
from functools import partial
from pathlib import Path

import pytest

from mbuild.errors import MbuildError
from mbuild.oci.reference import LayoutReference, parse_any_reference
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.registry.source import CheckedSource
from mbuild.store.stores import Stores
from tests.store.world import AMD64, snapshot
from tests.support.fake_edges import FakeTransport
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import FOR_EVER, Effect, Fault, content, cut, lost, status
from tests.support.images import digest_of
from tests.support.values import blob_descriptor

(LAYER,) = AMD64.layers
BLOB = f"blobs/{digest_of(LAYER).replace(':', '/')}"


def copy(directory: Path, effect: Effect, times: int) -> list[str]:
    """Copy a layer from a registry with a fault into a layout; give what was asked."""
    fake = FakeRegistry(Fault("GET", "/blobs/", effect, times=times))
    fake.put("team/app", "1.0", AMD64)

    async def no_sleep(_: float) -> None:
        pass

    async def main() -> None:
        async with Registries(
            Settings(attempts=3),
            sleep=no_sleep,
            make_transport=lambda _host: FakeTransport({"registry.test": fake}),
        ) as registries:
            stores = Stores(registries)
            source = stores.open(parse_any_reference("registry.test/team/app"))
            target = stores.open_target(LayoutReference(str(directory)))
            descriptor = blob_descriptor(LAYER)
            reading = CheckedSource(
                descriptor,
                partial(source.open_blob, descriptor),
                where=f"{source.name}@{descriptor.digest}",
            )
            await target.upload_blob(descriptor, reading)

    try:
        asyncio.run(main())
    finally:
        left = [name for name in snapshot(directory) if name not in {"oci-layout", BLOB}]
        assert left == []
    return fake.log.lines


@pytest.mark.parametrize(
    "effect", [status(503), status(429), lost(), cut(10)], ids=["503", "429", "lost", "cut"]
)
def test_again(tmp_path: Path, effect: Effect) -> None:
    """A copy that broke is begun again, and the blob is whole."""
    assert len(copy(tmp_path, effect, times=2)) == 3
    assert snapshot(tmp_path)[BLOB] == LAYER


@pytest.mark.parametrize(
    ("effect", "kind", "message"),
    [
        (
            status(503),
            "RegistryError",
            "registry.test answered 503 Service Unavailable, after 3 attempts",
        ),
        (cut(10), "TransportError", "the answer was cut short"),
        (
            content(b"other"),
            "IntegrityError",
            f"5 bytes arrived, not the {len(LAYER)} that its descriptor says",
        ),
    ],
    ids=["503", "cut", "other bytes"],
)
def test_for_ever(tmp_path: Path, effect: Effect, kind: str, message: str) -> None:
    """Where it stays broken, the error is the registry's, and no blob is there."""
    with pytest.raises(MbuildError) as raised:
        copy(tmp_path, effect, times=FOR_EVER)
    assert type(raised.value).__name__ == kind
    name = f"registry.test/team/app@{digest_of(LAYER)}"
    assert str(raised.value).startswith(f"{name}: {message}")
    assert BLOB not in snapshot(tmp_path)
