"""The client against the real docker-registry: anonymous, htpasswd, tokens, TLS."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

import pytest

from mbuild.errors import Denied
from mbuild.oci.digest import parse_digest
from mbuild.registry.client import Registry
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from tests.registry.world import blob_descriptor, content_of, source_of
from tests.support.certificates import TlsFiles
from tests.support.docker_registry import DockerRegistry
from tests.support.fixtures import PASSWORD, USER
from tests.support.images import make_image, make_index
from tests.support.token_server import TokenServer

IMAGE = make_image(layers=2, size=300_000)
INDEX = make_index(IMAGE)
Use = Callable[[Registries, Registry], Awaitable[None]]


def with_registry(host: str, use: Use, settings: Settings) -> None:
    """Use a registry."""

    async def scenario() -> None:
        async with Registries(settings) as registries:
            await use(registries, registries.registry(host))

    asyncio.run(scenario())


def authfile(folder: Path, host: str, user: str = USER, password: str = PASSWORD) -> str:
    """A file that docker login would have written."""
    auth = base64.b64encode(f"{user}:{password}".encode()).decode()
    path = folder / "auth.json"
    path.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    return str(path)


async def push(registry: Registry, path: str) -> None:
    """Push blobs, the manifest by digest, the index by tag."""
    for blob in IMAGE.blobs:
        halves = source_of(blob[:100], blob[100:])
        await registry.upload_blob(path, blob_descriptor(blob), halves)
    await registry.put_manifest(path, IMAGE.digest, content_of(IMAGE))
    await registry.put_manifest(path, "1.0", content_of(INDEX))


async def check(registry: Registry, path: str) -> None:
    """Read everything back."""
    assert await registry.fetch_manifest(path, "1.0") == content_of(INDEX)
    assert await registry.fetch_manifest(path, IMAGE.digest) == content_of(IMAGE)
    assert await registry.head_manifest(path, "1.0") == content_of(INDEX).descriptor()
    assert await registry.head_manifest(path, "2.0") is None
    assert await registry.read_back(path, "1.0") == parse_digest(INDEX.digest)
    for blob in IMAGE.blobs:
        assert await registry.fetch_blob(path, blob_descriptor(blob)) == blob
        assert await registry.has_blob(path, blob_descriptor(blob).digest)


def test_anonymous(registry: DockerRegistry, repository: str) -> None:
    """An image goes in and comes back; a mount and a copy take it elsewhere."""

    async def use(_: Registries, client: Registry) -> None:
        await push(client, repository)
        await check(client, repository)
        first, *others = IMAGE.blobs
        elsewhere = f"{repository}/copy"
        assert await client.mount_blob(elsewhere, blob_descriptor(first).digest, repository)
        assert not await client.mount_blob(elsewhere, blob_descriptor(first).digest, "not/there/x")
        for blob in others:
            one = blob_descriptor(blob)
            await client.upload_blob(elsewhere, one, partial(client.open_blob, repository, one))
            assert await client.fetch_blob(elsewhere, one) == blob

    with_registry(registry.host, use, Settings())


def test_htpasswd(htpasswd_registry: DockerRegistry, tmp_path: Path) -> None:
    """Basic credentials let in, their absence or a wrong password do not."""
    host = htpasswd_registry.host

    async def use(_: Registries, client: Registry) -> None:
        await push(client, "team/basic")
        await check(client, "team/basic")

    def denied(hint: str) -> Use:
        async def fail(_: Registries, client: Registry) -> None:
            with pytest.raises(Denied) as raised:
                await client.fetch_manifest("team/basic", "1.0")
            assert str(raised.value) == (
                f"{host}/team/basic:1.0: {host} answered 401 Unauthorized (UNAUTHORIZED:"
                f" authentication required); {hint}"
            )

        return fail

    absent = denied(f"no login for it was found: log in with `docker login {host}`")
    wrong = denied(f"the login of {USER!r} was used: check its password and what it may do")
    with_registry(host, use, Settings(authfile=authfile(tmp_path, host)))
    with_registry(host, absent, Settings())
    with_registry(host, wrong, Settings(authfile=authfile(tmp_path, host, password="wrong")))


def test_tokens(token_registry: DockerRegistry, token_server: TokenServer, tmp_path: Path) -> None:
    """One token is enough to push and to read back; a stale one is renewed."""
    host = token_registry.host

    async def use(registries: Registries, client: Registry) -> None:
        registries.may_push(host, "team/tokens")
        await push(client, "team/tokens")
        await check(client, "team/tokens")

    token_server.stale = 1
    token_server.issued.clear()
    with_registry(host, use, Settings(authfile=authfile(tmp_path, host)))
    assert [one.granted for one in token_server.issued] == [
        ("repository:team/tokens:pull,push",)
    ] * 2


def test_tokens_for_a_mount(
    token_registry: DockerRegistry, token_server: TokenServer, tmp_path: Path
) -> None:
    """A mount's token names both repositories, or the real registry would decline."""
    host = token_registry.host
    blob = blob_descriptor(IMAGE.blobs[0])

    async def use(_: Registries, client: Registry) -> None:
        await push(client, "team/source")
        token_server.issued.clear()
        assert await client.mount_blob("team/mounted", blob.digest, "team/source")

    with_registry(host, use, Settings(authfile=authfile(tmp_path, host)))
    assert [one.asked for one in token_server.issued] == [
        ("repository:team/mounted:pull,push", "repository:team/source:pull")
    ]


def test_no_right_to_push(
    token_registry: DockerRegistry, token_server: TokenServer, tmp_path: Path
) -> None:
    """A token with less than was asked for is a denial when it is used."""
    host = token_registry.host
    token_server.rights[USER] = {"team/*": "pull"}

    async def use(_: Registries, client: Registry) -> None:
        with pytest.raises(Denied):
            await client.put_manifest("team/readonly", IMAGE.digest, content_of(IMAGE))

    with_registry(host, use, Settings(authfile=authfile(tmp_path, host)))


def test_tls(tls_registry: DockerRegistry, tls_files: TlsFiles) -> None:
    """A certificate of one's own authority is trusted by --ca."""

    async def use(_: Registries, client: Registry) -> None:
        await push(client, "team/tls")
        await check(client, "team/tls")

    with_registry(tls_registry.host, use, Settings(ca_file=str(tls_files.ca)))
