"""A token service that is slow or gone stops tokens, and not the registry; and the other way round."""

import asyncio
from typing import Any

from mbuild.errors import MbuildError
from mbuild.registry.registries import Registries
from tests.registry.login.token_world import AUTH_HOST, IMAGE, TokenService, world
from tests.registry.retry.test_waits import Measured
from tests.registry.world import HOST, open_registries
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, lost, status
from tests.support.virtual_time import now, run_virtually


async def head(registries: Registries, path: str = "team/app") -> str:
    """Ask for a manifest; give the error."""
    try:
        await registries.registry(HOST).head_manifest(path, "1.0")
    except MbuildError as error:
        return str(error)
    return ""


class Busy(TokenService):
    """A token service that does not answer with a token for a while."""

    def __init__(self, *faults: Fault) -> None:
        super().__init__()
        self.faults = list(faults)

    def handle(self, request: Any) -> Any:
        """Answer through the faults."""
        return FakeRegistry.handle(self, request)

    def _route(self, request: Any) -> Any:
        return self.issue(request)


def test_a_slow_token_service() -> None:
    """While tokens have to wait, a request that has its token does not."""
    recorder = Measured()
    tokens = Busy()
    fake, hosts = world(tokens)
    fake.put("team/other", "1.0", IMAGE)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            assert await head(registries) == ""
            tokens.faults.append(Fault("*", "", status(429, retry_after=30), times=1))
            other = asyncio.create_task(head(registries, "team/other"))
            await asyncio.sleep(1)
            assert await head(registries) == ""
            assert now() == 1
            assert await other == ""
            assert now() == 30

    run_virtually(scenario)
    assert recorder.told == [f"{AUTH_HOST} asks to slow down (429): all requests wait 30 s"]


def test_a_slow_registry() -> None:
    """While a registry has its requests wait, tokens are fetched all the same."""
    recorder = Measured()
    tokens = Busy()
    fake, hosts = world(tokens)
    fake.put("team/other", "1.0", IMAGE)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            assert await head(registries) == ""
            fake.faults.insert(0, Fault("*", "", status(429, retry_after=30), times=1))
            slow = asyncio.create_task(head(registries))
            await asyncio.sleep(1)
            other = asyncio.create_task(head(registries, "team/other"))
            await asyncio.sleep(1)
            assert tokens.number == 2
            assert [await slow, await other] == ["", ""]

    run_virtually(scenario)
    assert recorder.told == [f"{HOST} asks to slow down (429): all requests wait 30 s"]


def test_a_dead_token_service() -> None:
    """After five tokens that could not be had, no more are asked for; the errors say where."""
    recorder = Measured()
    tokens = Busy(Fault("*", "", lost()))
    _, hosts = world(tokens)

    async def scenario() -> list[str]:
        async with open_registries(recorder, hosts) as registries:
            paths = [f"team/app{number}" for number in range(50)]
            await asyncio.gather(*(head(registries, path) for path in paths[:5]))
            sent = len(tokens.log.exchanges)
            begun = now()
            errors = await asyncio.gather(*(head(registries, path) for path in paths[5:]))
            assert (now(), len(tokens.log.exchanges)) == (begun, sent)
            return errors

    errors = run_virtually(scenario)
    assert errors[-1] == (
        f"{HOST}/team/app49:1.0: not tried any more: {AUTH_HOST} has failed 5 operations in a row,"
        f" the last one with: the connection broke while reading: connection reset by peer"
        f" ({AUTH_HOST}), after 6 attempts; see what ails it, then run the same command again"
    )


def test_a_service_at_the_registry_itself() -> None:
    """A token service on the registry's own host shares its pace: all keep to what one is told."""
    recorder = Measured()
    fake = FakeRegistry(
        Fault("GET", "/token", status(429, retry_after=7), times=1),
        Fault("GET", "/token", lambda request, _: TokenService().issue(request)),
        Fault("*", "", challenge_from(HOST)),
    )
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake}) as registries:
            first = asyncio.create_task(head(registries))
            await asyncio.sleep(1)
            sent = len(fake.log.exchanges)
            second = asyncio.create_task(head(registries, "team/other"))
            await asyncio.sleep(5)
            assert len(fake.log.exchanges) == sent
            assert [await first, await second] == ["", ""]
            assert now() == 7

    run_virtually(scenario)
    assert recorder.told == [f"{HOST} asks to slow down (429): all requests wait 7 s"]


def challenge_from(service: str) -> Any:
    """Ask for a token of a service, and take any."""

    def effect(request: Any, registry: Any) -> Any:
        if request.headers.get("authorization"):
            return registry(request)
        realm = f'Bearer realm="https://{service}/token",service="s"'
        return status(401)(request, registry).with_headers(www_authenticate=realm)

    return effect
