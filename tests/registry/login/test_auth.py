"""Authorisation by tokens: who sees a 401, and how many tokens are asked for."""

import asyncio
from pathlib import Path

import pytest

from mbuild.errors import Denied, MbuildError
from mbuild.oci.digest import parse_digest
from tests.registry.login.token_world import (
    AUTH_HOST,
    BASIC_ALICE,
    BEARER,
    IMAGE,
    TokenService,
    authfile,
    pull,
    statuses,
    world,
)
from tests.registry.world import HOST, LOGIN, Recorder, content_of, open_registries
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, challenge, status


def test_anonymous_token(recorder: Recorder) -> None:
    """One 401, one token, and from then on no more of either."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> int:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            await pull(registries, 5)
            return registries.requests

    assert asyncio.run(scenario()) == 8
    assert statuses(fake) == ["HEAD 401"] + ["HEAD 200"] * 6
    assert tokens.scopes == ["repository%3Ateam%2Fapp%3Apull"]


def test_token_once_for_many(recorder: Recorder) -> None:
    """However many requests wait, a token is fetched once."""
    tokens = TokenService()
    _, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries, 20)

    asyncio.run(scenario())
    assert len(tokens.scopes) == 1


def test_credentials_ask_first(recorder: Recorder, tmp_path: Path) -> None:
    """With credentials at hand the challenge is asked for once, before anything else."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            await pull(registries, 5)

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401"] + ["HEAD 200"] * 5
    (asked,) = tokens.log.exchanges
    assert asked.request.headers["authorization"] == BASIC_ALICE


@pytest.mark.parametrize(
    ("seconds", "asked"), [(289, 1), (291, 2)], ids=["still good", "about to end"]
)
def test_renewed_in_time(recorder: Recorder, seconds: float, asked: int) -> None:
    """A token is renewed ten seconds before it ends, without a 401."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            recorder.now += seconds
            await pull(registries)

    asyncio.run(scenario())
    assert len(tokens.scopes) == asked
    assert statuses(fake) == ["HEAD 401", "HEAD 200", "HEAD 200"]


def test_renewed_on_401(recorder: Recorder) -> None:
    """A token that the registry no longer takes is renewed once for all."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            tokens.good.clear()
            await pull(registries, 3)

    asyncio.run(scenario())
    assert len(tokens.scopes) == 2
    assert statuses(fake).count("HEAD 401") == 4


def test_refused_with_a_fresh_token(recorder: Recorder) -> None:
    """A second 401 is final."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    fake.faults[:] = [Fault("*", "", challenge(BEARER))]

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            with pytest.raises(Denied) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert str(raised.value) == (
                f"{HOST}/team/app:1.0: {HOST} answered 401 Unauthorized"
                f" (UNAUTHORIZED: scripted){LOGIN}"
            )

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401", "GET 401"]


def test_may_push(recorder: Recorder) -> None:
    """One token serves reading and writing where a push was announced."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            registries.may_push(HOST, "team/app")
            registry = registries.registry(HOST)
            await registry.fetch_manifest("team/app", "1.0")
            await registry.put_manifest("team/app", "2.0", content_of(IMAGE))
            await registry.put_manifest("team/other", IMAGE.digest, content_of(IMAGE))

    fake.put("team/other", "", IMAGE)
    asyncio.run(scenario())
    assert tokens.scopes == [
        "repository%3Ateam%2Fapp%3Apull%2Cpush",
        "repository%3Ateam%2Fother%3Apull%2Cpush",
    ]


def test_mount_scopes(recorder: Recorder) -> None:
    """A mount's token may push to the destination, named first, and pull from the source."""
    tokens = TokenService()
    _, hosts = world(tokens)
    digest = parse_digest(IMAGE.digest)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await registries.registry(HOST).mount_blob("z/to", digest, "a/from")

    asyncio.run(scenario())
    assert tokens.scopes[0] == (
        "repository%3Az%2Fto%3Apull%2Cpush&scope=repository%3Aa%2Ffrom%3Apull"
    )


def test_mount_denied_by_the_token_service(recorder: Recorder) -> None:
    """A token service that refuses the source's scope has declined the mount."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    hosts[AUTH_HOST] = FakeRegistry(Fault("*", "", status(403, "DENIED")))

    async def scenario() -> bool:
        async with open_registries(recorder, hosts) as registries:
            digest = parse_digest(IMAGE.digest)
            return await registries.registry(HOST).mount_blob("a/b", digest, "c/d")

    assert asyncio.run(scenario()) is False
    assert statuses(fake) == ["POST 401"]


def test_token_service_denies(recorder: Recorder) -> None:
    """A refusal by the token service is a denial, and names the reference."""
    _, hosts = world(TokenService())
    hosts[AUTH_HOST] = FakeRegistry(Fault("*", "", status(403, "DENIED")))

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            with pytest.raises(Denied) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert str(raised.value) == (
                f"{HOST}/team/app:1.0: no token: {AUTH_HOST} answered 403 Forbidden"
                f" (DENIED: scripted){LOGIN}"
            )

    asyncio.run(scenario())


def test_token_service_is_tried_again(recorder: Recorder) -> None:
    """A token service that stumbles is met with the same patience, not with its square."""
    _, hosts = world(TokenService())
    stumbling = FakeRegistry(Fault("*", "", status(503)))
    hosts[AUTH_HOST] = stumbling

    async def scenario() -> None:
        async with open_registries(recorder, hosts, attempts=3) as registries:
            with pytest.raises(MbuildError) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert str(raised.value) == (
                f"{HOST}/team/app:1.0: {AUTH_HOST} answered 503 Service Unavailable,"
                " after 3 attempts; try again later"
            )

    asyncio.run(scenario())
    assert len(stumbling.log.exchanges) == 3
