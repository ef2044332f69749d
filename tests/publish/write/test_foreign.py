"""Layers that lie at URLs: left there, or brought along; those of an ordinary type where they are."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from mbuild.errors import Denied, NotFound
from mbuild.oci.descriptor import Descriptor
from mbuild.publish.outcome import Copied
from mbuild.publish.write.copies import Copies
from mbuild.publish.write.origins import Origins
from mbuild.publish.write.receiver import Receiver
from mbuild.publish.write.transfer import Transfer
from tests.publish.world import APP, BUILDS, MIRROR, World, entry, remade, run, shown, sources_of
from tests.support.images import OCI_LAYER, Image, digest_of, make_image
from tests.support.memory_store import StoreFault

AMD64 = make_image("windows/amd64:10.0.1", layers=0)
LAYER = b"foreign layer"
URL = "https://layers.test/1"
DOCKER = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"
OCI = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"
CONFIG = len(AMD64.config)


@dataclass
class Outside:
    """The host of the URLs: it gives a layer's bytes, if it has them, and logs what was asked."""

    content: bytes | None = LAYER
    log: list[tuple[str, int]] = field(default_factory=list)

    @asynccontextmanager
    async def open(self, layer: Descriptor, offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        """Open a layer, which must have a URL."""
        self.log.append((layer.urls[0], offset))
        if self.content is None:
            raise NotFound("layers.test answered 404 Not Found", where=layer.urls[0])
        yield self._bytes(self.content[offset:])

    async def _bytes(self, content: bytes) -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        yield content


def image(media_type: str, *urls: str) -> Image:
    """An image with a layer of its own."""
    layer: dict[str, Any] = {"mediaType": media_type, "digest": digest_of(LAYER), "size": 13}
    return remade(AMD64, layers=[{**layer, "urls": list(urls)} if urls else layer])


def bring(
    world: World, made: Image, *, outside: Outside | None = None, source: str = MIRROR
) -> Receiver:
    """Bring an image into APP; with an `outside`, foreign layers too."""
    world[source].put("windows", made)
    (found,) = sources_of(world, entry(f"{source}:windows"))
    world.log.clear()

    async def work() -> Receiver:
        receiver = Receiver(world[APP], trusts=True)
        copies = Copies(Origins(elsewhere=outside.open if outside else None))
        await Transfer([receiver], copies).bring([found.child])
        return receiver

    return run(work)


def has_layer(world: World) -> bool:
    """Whether the target was given the layer, under the image's own manifest."""
    return digest_of(LAYER) in world[APP].blobs


@pytest.mark.parametrize("media_type", [DOCKER, OCI], ids=["docker", "oci"])
@pytest.mark.parametrize("is_there", [True, False], ids=["in the source", "elsewhere"])
def test_left(media_type: str, is_there: bool) -> None:
    """A layer of a foreign type is left, and nobody is asked for it; that is counted."""
    world = World()
    if is_there:
        world[MIRROR].blobs[digest_of(LAYER)] = LAYER
    made = image(media_type, URL)
    receiver = bring(world, made)
    assert (receiver.copied, receiver.errors) == (Copied(1, 0, CONFIG, 1), [])
    assert world[APP].manifests[made.digest].raw == made.manifest
    assert [line for line in world.log if digest_of(LAYER) in line] == []


@pytest.mark.parametrize("media_type", [DOCKER, OCI, OCI_LAYER])
def test_brought_from_the_source(media_type: str) -> None:
    """Where foreign layers are asked for, the source gives them, if it has them."""
    world, outside = World(), Outside()
    world[MIRROR].blobs[digest_of(LAYER)] = LAYER
    receiver = bring(world, image(media_type, URL), outside=outside)
    assert receiver.copied == Copied(2, 0, CONFIG + len(LAYER))
    assert (has_layer(world), outside.log) == (True, [])


@pytest.mark.parametrize("media_type", [DOCKER, OCI, OCI_LAYER])
def test_brought_from_its_url(media_type: str) -> None:
    """Otherwise it comes from its URL."""
    world, outside = World(), Outside()
    made = image(media_type, URL)
    receiver = bring(world, made, outside=outside)
    assert receiver.copied == Copied(2, 0, CONFIG + len(LAYER))
    assert (has_layer(world), outside.log) == (True, [(URL, 0)])
    assert world[APP].manifests[made.digest].raw == made.manifest


def test_mounted() -> None:
    """A foreign layer that lies in another repository of the registry is mounted."""
    world, outside = World(), Outside()
    world[BUILDS].blobs[digest_of(LAYER)] = LAYER
    receiver = bring(world, image(DOCKER, URL), outside=outside, source=BUILDS)
    assert receiver.copied == Copied(0, 2, 0)
    assert outside.log == []


NOWHERE = {
    "no URL": (
        image(DOCKER), Outside(),
        (f"{MIRROR}@{digest_of(LAYER)}: a blob of the image does not exist: no such blob; "
        "build and push the image again"),
    ),
    "not at its URL": (
        image(DOCKER, URL), Outside(None),
        (f"{URL}: a blob of the image does not exist: layers.test answered 404 Not Found; "
        "build and push the image again"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("made", "outside", "message"), NOWHERE.values(), ids=NOWHERE)
def test_nowhere(made: Image, outside: Outside, message: str) -> None:
    """A layer that is nowhere is an error of the image, and the image is not put."""
    world = World()
    receiver = bring(world, made, outside=outside)
    assert [shown(error) for error in receiver.errors] == [("SourceError", 4, message)]
    assert made.digest not in world[APP].manifests


def test_other_bytes() -> None:
    """What lies at a URL, and is not the layer, never becomes a blob."""
    world = World()
    receiver = bring(world, image(DOCKER, URL), outside=Outside(b"something els"))
    assert [shown(error)[:2] for error in receiver.errors] == [("IntegrityError", 6)]
    assert not has_layer(world)


@pytest.mark.parametrize("is_there", [True, False], ids=["in the source", "elsewhere"])
def test_ordinary_type(is_there: bool) -> None:
    """A layer of an ordinary type that has URLs too is brought along where its source has it."""
    world = World()
    if is_there:
        world[MIRROR].blobs[digest_of(LAYER)] = LAYER
    receiver = bring(world, image(OCI_LAYER, URL))
    assert receiver.copied == (
        Copied(2, 0, CONFIG + len(LAYER)) if is_there else Copied(1, 0, CONFIG, 1)
    )
    assert (has_layer(world), receiver.errors) == (is_there, [])


def test_source_does_not_say() -> None:
    """A source that will not tell whether it has a layer tells why when the layer is read."""
    world = World()
    for call in ("has_blob", "open_blob"):
        world[MIRROR].faults.append(
            StoreFault(call, digest_of(LAYER), error=Denied("denied", where=MIRROR))
        )
    receiver = bring(world, image(OCI_LAYER, URL))
    assert [shown(error) for error in receiver.errors] == [("Denied", 5, f"{MIRROR}: denied")]
