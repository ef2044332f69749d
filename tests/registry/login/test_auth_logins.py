"""Authorisation by logins: identity tokens, Basic, challenges, and to whom secrets go."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from mbuild.errors import Denied, MbuildError
from tests.registry.login.token_world import (
    BASIC_ALICE,
    IMAGE,
    TokenService,
    authfile,
    pull,
    statuses,
    world,
)
from tests.registry.world import HOST, Recorder, open_registries
from tests.support.exchange import Answer, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, challenge, redirect, status


def test_identity_token(recorder: Recorder, tmp_path: Path) -> None:
    """An identity token is traded in by POST, and shown to nobody else."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    file = authfile(tmp_path, auth="YWxpY2U6", identitytoken="trade-me-in")

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=file) as registries:
            await pull(registries)

    asyncio.run(scenario())
    (asked,) = tokens.log.exchanges
    assert asked.method == "POST"
    assert asked.request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert b"refresh_token=trade-me-in" in asked.request.body
    assert "authorization" not in asked.request.headers
    assert all("trade-me-in" not in str(one.request) for one in fake.log.exchanges)


def test_registry_token(recorder: Recorder, tmp_path: Path) -> None:
    """A ready token is sent as it is; one that is refused is not sent twice."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    tokens.good.add("Bearer ready")
    file = authfile(tmp_path, registrytoken="ready")

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=file) as registries:
            await pull(registries)
            tokens.good.clear()
            with pytest.raises(Denied):
                await registries.registry(HOST).head_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401", "HEAD 200", "HEAD 401"]
    assert tokens.scopes == []


def test_basic(recorder: Recorder, tmp_path: Path) -> None:
    """Basic credentials go with each request after the challenge is known."""
    fake = FakeRegistry(Fault("*", "", challenge('Basic realm="x"', unless=BASIC_ALICE)))
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> None:
        file = authfile(tmp_path)
        async with open_registries(recorder, {HOST: fake}, authfile=file) as registries:
            await pull(registries, 3)

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401"] + ["HEAD 200"] * 3


@pytest.mark.parametrize("is_known", [True, False], ids=["wrong password", "no password"])
def test_basic_refused(recorder: Recorder, tmp_path: Path, is_known: bool) -> None:
    """Without credentials that help a 401 is final at once."""
    fake = FakeRegistry(Fault("*", "", challenge('Basic realm="x"')))
    file = authfile(tmp_path) if is_known else ""

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake}, authfile=file) as registries:
            with pytest.raises(Denied):
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert statuses(fake) == ["GET 401", "GET 401"] if is_known else ["GET 401"]


def test_challenge_only_at_the_root(recorder: Recorder) -> None:
    """A registry that names its token service at /v2/ alone is asked there, once."""
    tokens = TokenService()
    fake, hosts = world(tokens)

    def guard(request: Request, registry: Any) -> Answer:
        answer = tokens.guard(request, registry)
        is_root = request.path == "/v2/"
        return answer if is_root or answer.status != 401 else Answer(401)

    fake.faults[:] = [Fault("*", "", guard)]

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries, 3)

    asyncio.run(scenario())
    assert sorted(statuses(fake)) == ["GET 401"] + ["HEAD 200"] * 3 + ["HEAD 401"] * 3


def test_no_challenge_anywhere(recorder: Recorder) -> None:
    """A 401 without a challenge is a denial."""
    fake = FakeRegistry(Fault("*", "/team", status(401)))

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake}) as registries:
            for _ in range(2):
                with pytest.raises(Denied):
                    await registries.registry(HOST).head_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert statuses(fake) == ["HEAD 401", "GET 200", "HEAD 401"]


def test_challenge_of_another_host(recorder: Recorder, tmp_path: Path) -> None:
    """A 401 from where a redirect led is not answered, and sees no credentials."""
    fake = FakeRegistry(Fault("*", "/team", redirect("https://cdn.test")))
    cdn = FakeRegistry(Fault("*", "", challenge('Basic realm="give me"')))
    hosts = {HOST: fake, "cdn.test": cdn}
    fake.faults.append(Fault("*", "", challenge('Basic realm="x"', unless=BASIC_ALICE)))

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            with pytest.raises(Denied) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert raised.value.message.startswith("cdn.test answered 401 Unauthorized")

    asyncio.run(scenario())
    (asked,) = cdn.log.exchanges
    assert "authorization" not in asked.request.headers
    assert fake.log.exchanges[-1].request.headers["authorization"] == BASIC_ALICE


@pytest.mark.parametrize(
    ("realm", "said"),
    [
        ("http://auth.test/token", "is plain http"),
        ("http://127.0.0.1:1/token", "is on a private network that the registry is not on"),
    ],
    ids=["plain", "loopback"],
)
def test_realm_is_refused(recorder: Recorder, tmp_path: Path, realm: str, said: str) -> None:
    """Credentials do not go where a challenge would lure them."""
    fake = FakeRegistry(Fault("*", "", challenge(f'Bearer realm="{realm}"')))
    trap = TokenService()
    hosts = {HOST: fake, "auth.test": trap, "127.0.0.1:1": trap}

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            with pytest.raises(MbuildError) as raised:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            assert (raised.value.exit_code, str(raised.value)) == (
                6,
                f"{HOST}/team/app:1.0: its token service '{realm}' {said}; nothing was sent to it",
            )

    asyncio.run(scenario())
    assert trap.log.exchanges == ()


def test_secrets_are_not_told(recorder: Recorder, tmp_path: Path) -> None:
    """Neither password nor token stands in anything an observer is told."""
    tokens = TokenService()
    fake, hosts = world(tokens)
    fake.faults.insert(0, Fault("HEAD", "", status(503), times=1))

    async def scenario() -> None:
        async with open_registries(recorder, hosts, authfile=authfile(tmp_path)) as registries:
            await pull(registries)

    asyncio.run(scenario())
    told = repr((recorder.exchanges, recorder.retries, recorder.warnings))
    assert "sesame" not in told
    assert "token-1" not in told
    assert BASIC_ALICE not in told
