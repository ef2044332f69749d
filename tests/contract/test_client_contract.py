"""The client of the registry room, held to one contract by the real registry and by the fake."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pytest

from mbuild.errors import Denied, IntegrityError, NotFound, RegistryError, TransportError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import parse_digest
from mbuild.oci.manifest import Content
from mbuild.registry.client import Registry
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from tests.support import images
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.fixtures import PASSWORD, USER
from tests.support.images import make_image, make_index
from tests.support.pushing import fetch_manifest, push_image
from tests.support.token_server import TokenServer

T = TypeVar("T")
Use = Callable[[Registry], Awaitable[T]]

IMAGE = make_image("linux/amd64", layers=2, size=100_000)
INDEX = make_index(IMAGE, make_image("linux/arm64"), attestations=True)
ABSENT = images.digest_of(b"absent")


@dataclass(frozen=True)
class Place:
    """A registry under test: its host, and how to look at it from outside."""

    host: str
    url: str


@pytest.fixture(params=["docker-registry", "fake"])
def place(request: pytest.FixtureRequest, registry: DockerRegistry) -> Iterator[Place]:
    """Each registry in turn."""
    if request.param == "fake":
        with serve_fake(FakeRegistry()) as server:
            yield Place(server.host, server.url)
    else:
        yield Place(registry.host, registry.url)


def run(host: str, use: Use[T], **settings: object) -> T:
    """Use the client of a host, over sockets as in life, with one attempt unless told."""

    async def main() -> T:
        options = {"attempts": 1, **settings}
        async with Registries(Settings(**options)) as registries:  # type: ignore[arg-type]
            return await use(registries.registry(host))

    return asyncio.run(main())


def content_of(made: images.Content) -> Content:
    """The manifest as the client takes it."""
    return Content(made.media_type, parse_digest(made.digest), made.manifest)


def descriptor_of(blob: bytes) -> Descriptor:
    """The descriptor of a blob."""
    digest = parse_digest(images.digest_of(blob))
    return Descriptor("application/octet-stream", digest, len(blob))


async def upload(client: Registry, path: str, blob: bytes, *, said: bytes = b"") -> None:
    """Upload a blob, under the descriptor of `said` where that is given."""

    @asynccontextmanager
    async def open_source(offset: int) -> AsyncIterator[AsyncIterator[bytes]]:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(offset, len(blob), 1000):
                yield blob[start : start + 1000]

        yield chunks()

    await client.upload_blob(path, descriptor_of(said or blob), open_source)


async def push(client: Registry, path: str, image: images.Image) -> None:
    """Push an image by digest."""
    for blob in image.blobs:
        await upload(client, path, blob)
    await client.put_manifest(path, image.digest, content_of(image))


def write_credentials(host: str, home: Path, user: str = USER, password: str = PASSWORD) -> None:
    """Write what `docker login` leaves."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    config = home / ".docker" / "config.json"
    config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))


def environment(home: Path) -> Mapping[str, str]:
    """The variables that lead to `write_credentials`."""
    return {"DOCKER_CONFIG": str(home / ".docker")}


@pytest.mark.parametrize("reference", ["1.0", INDEX.digest])
def test_fetch_and_head(place: Place, repository: str, reference: str) -> None:
    """A manifest is fetched by tag and by digest byte for byte; HEAD gives its descriptor."""
    push_image(place.url, repository, "1.0", INDEX)

    async def use(client: Registry) -> tuple[Content, Descriptor | None]:
        fetched = await client.fetch_manifest(repository, reference)
        return fetched, await client.head_manifest(repository, reference)

    expected = content_of(INDEX)
    assert run(place.host, use) == (expected, expected.descriptor())


@pytest.mark.parametrize("reference", ["absent", ABSENT])
def test_absent(place: Place, repository: str, reference: str) -> None:
    """What is not there is NotFound when fetched, and None when only asked for."""

    async def head(client: Registry) -> object:
        return await client.head_manifest(repository, reference)

    async def fetch(client: Registry) -> object:
        return await client.fetch_manifest(repository, reference)

    assert run(place.host, head) is None
    with pytest.raises(NotFound):
        run(place.host, fetch)


def test_push(place: Place, repository: str) -> None:
    """Blobs, children by digest, the index by digest, then by tag: read back it is what was sent."""

    async def use(client: Registry) -> object:
        for child in INDEX.children:
            await push(client, repository, child)
        await client.put_manifest(repository, INDEX.digest, content_of(INDEX))
        await client.put_manifest(repository, "1.0", content_of(INDEX))
        return await client.read_back(repository, "1.0")

    assert run(place.host, use) == parse_digest(INDEX.digest)
    assert fetch_manifest(place.url, repository, "1.0").content == INDEX.manifest


def test_put_without_children(place: Place, repository: str) -> None:
    """An index whose children are missing is refused, in the registry's own words."""

    async def use(client: Registry) -> None:
        await client.put_manifest(repository, "1.0", content_of(INDEX))

    with pytest.raises(RegistryError, match=r"answered 400 Bad Request \(MANIFEST_BLOB_UNKNOWN: "):
        run(place.host, use)
    assert fetch_manifest(place.url, repository, "1.0").status_code == 404


def test_blobs(place: Place, repository: str) -> None:
    """A blob is asked for, streamed and fetched, and absent ones are told apart."""
    push_image(place.url, repository, "1.0", IMAGE)
    layer, config = IMAGE.layers[0], IMAGE.config

    async def use(client: Registry) -> tuple[bytes, bytes, bool, bool]:
        async with client.open_blob(repository, descriptor_of(layer)) as chunks:
            streamed = b"".join([chunk async for chunk in chunks])
        fetched = await client.fetch_blob(repository, descriptor_of(config))
        is_there = await client.has_blob(repository, descriptor_of(layer).digest)
        return streamed, fetched, is_there, await client.has_blob(repository, parse_digest(ABSENT))

    assert run(place.host, use) == (layer, config, True, False)


def test_upload_of_other_bytes(place: Place, repository: str) -> None:
    """A source whose bytes are not those of the descriptor leaves no blob behind."""
    said = IMAGE.layers[0]
    wrong = bytes([said[0] ^ 1]) + said[1:]

    async def send(client: Registry) -> None:
        await upload(client, repository, wrong, said=said)

    async def look(client: Registry) -> bool:
        wanted = [descriptor_of(said).digest, descriptor_of(wrong).digest]
        return any([await client.has_blob(repository, digest) for digest in wanted])

    with pytest.raises(IntegrityError):
        run(place.host, send)
    assert not run(place.host, look)


def test_mount(place: Place, repository: str) -> None:
    """A blob is mounted from where it is, and from where it is not it is declined."""
    push_image(place.url, f"{repository}/source", "1.0", IMAGE)
    digest = parse_digest(images.digest_of(IMAGE.config))

    async def use(client: Registry) -> tuple[bool, bool, bool]:
        declined = await client.mount_blob(repository, digest, f"{repository}/elsewhere")
        mounted = await client.mount_blob(repository, digest, f"{repository}/source")
        return declined, mounted, await client.has_blob(repository, digest)

    assert run(place.host, use) == (False, True, True)


def test_many_at_once(place: Place, repository: str) -> None:
    """Forty manifests fetched side by side through four slots all arrive."""
    push_image(place.url, repository, "1.0", INDEX)

    async def use(client: Registry) -> set[bytes]:
        found = await asyncio.gather(*(client.fetch_manifest(repository, "1.0") for _ in range(40)))
        return {content.raw for content in found}

    assert run(place.host, use, jobs=4) == {INDEX.manifest}


def test_htpasswd(
    htpasswd_registry: DockerRegistry, repository: str, clean_environment: Path
) -> None:
    """A login is used where it is given; without one, or with a wrong one, the answer is Denied."""
    host = htpasswd_registry.host

    async def use(client: Registry) -> object:
        await push(client, repository, IMAGE)
        return await client.head_manifest(repository, IMAGE.digest)

    with pytest.raises(Denied):
        run(host, use)
    write_credentials(host, clean_environment)
    assert run(host, use, environment=environment(clean_environment))
    write_credentials(host, clean_environment, password="wrong")
    with pytest.raises(Denied):
        run(host, use, environment=environment(clean_environment))


def test_one_token_serves_many(
    token_registry: DockerRegistry, token_server: TokenServer, clean_environment: Path
) -> None:
    """However many requests wait for a token of one scope, it is fetched once."""
    headers = token_server.bearer(USER, "repository:team/app:pull,push")
    push_image(token_registry.url, "team/app", "1.0", IMAGE, headers=headers)
    write_credentials(token_registry.host, clean_environment)

    async def use(client: Registry) -> int:
        found = await asyncio.gather(*(client.fetch_manifest("team/app", "1.0") for _ in range(20)))
        return len(found)

    variables = environment(clean_environment)
    assert run(token_registry.host, use, environment=variables) == 20
    (issued,) = token_server.issued
    assert (issued.user, issued.asked) == (USER, ("repository:team/app:pull",))


def test_stale_token_is_renewed(
    token_registry: DockerRegistry, token_server: TokenServer, clean_environment: Path
) -> None:
    """A token that the registry does not take any more is replaced, once and silently."""
    token_server.stale = 1
    write_credentials(token_registry.host, clean_environment)

    async def use(client: Registry) -> None:
        await push(client, "team/app", IMAGE)

    run(token_registry.host, use, environment=environment(clean_environment))
    headers = token_server.bearer(USER, "repository:team/app:pull")
    answer = fetch_manifest(token_registry.url, "team/app", IMAGE.digest, headers=headers)
    assert answer.content == IMAGE.manifest


def test_reduced_access_is_denied(
    token_registry: DockerRegistry, token_server: TokenServer, clean_environment: Path
) -> None:
    """Who may only pull is refused the push, though the token service said 200."""
    token_server.rights[USER] = {"*": "pull"}
    write_credentials(token_registry.host, clean_environment)

    async def use(client: Registry) -> None:
        await push(client, "team/app", IMAGE)

    with pytest.raises(Denied):
        run(token_registry.host, use, environment=environment(clean_environment))


def test_tls(tls_registry: DockerRegistry, repository: str) -> None:
    """A CA that is named is trusted; without it the certificate is an error, and no plain http."""
    assert tls_registry.ca

    async def use(client: Registry) -> object:
        await push(client, repository, IMAGE)
        return await client.head_manifest(repository, IMAGE.digest)

    assert run(tls_registry.host, use, ca_file=str(tls_registry.ca))
    with pytest.raises(TransportError, match="is not trusted: "):
        run(tls_registry.host, use)


def test_tags_in_the_query(place: Place, repository: str) -> None:
    """A registry that does not know OCI-Tag takes the manifest, and none of the tags."""
    push_image(place.url, repository, "", INDEX)

    async def use(client: Registry) -> tuple[frozenset[str], bool | None, Descriptor | None]:
        taken = await client.put_tagged(repository, content_of(INDEX), ("1.0", "latest"))
        return taken, client.takes_tags, await client.head_manifest(repository, "1.0")

    assert run(place.host, use) == (frozenset(), False, None)


def test_list_tags(place: Place, repository: str) -> None:
    """All tags are listed, and none of a repository that does not exist."""
    push_image(place.url, repository, "1.0", INDEX)
    push_image(place.url, repository, "latest", IMAGE)

    async def use(client: Registry) -> tuple[list[str], tuple[str, ...]]:
        absent = await client.list_tags(f"{repository}/absent")
        return sorted(await client.list_tags(repository)), absent

    assert run(place.host, use) == (["1.0", "latest"], ())


def test_a_tag_is_not_deleted(place: Place, repository: str) -> None:
    """A registry that refuses to delete a tag, when it is asked all the same, loses nothing."""
    push_image(place.url, repository, "1.0", INDEX)

    async def use(client: Registry) -> tuple[bool, bool, Descriptor | None]:
        asked = await client._tags.delete(repository, "1.0")
        unasked = await client.delete_tag(repository, "1.0")
        return asked, unasked, await client.head_manifest(repository, "1.0")

    assert run(place.host, use) == (False, False, content_of(INDEX).descriptor())
