"""Clocks that jump: spans are measured by one that does not, and dates can do no harm."""

import asyncio
from email.utils import formatdate
from typing import Any

import pytest

from mbuild.errors import MbuildError
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from tests.registry.login.token_world import IMAGE, TokenService, pull, world
from tests.registry.retry.test_waits import Measured
from tests.registry.world import HOST, NOON, open_registries
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, status
from tests.support.virtual_time import now, run_virtually

HOUR = 3600.0


class Jumping(Measured):
    """A wall clock that somebody sets while the run goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.offset = 0.0

    def wall_clock(self) -> float:
        """Give the Unix time, as far as this machine knows it."""
        return super().wall_clock() + self.offset


def busy_for(seconds: float, *, is_dated: bool) -> Fault:
    """A registry that says by its own clock when to come back."""

    def effect(request: Request, registry: Handler) -> Answer:
        back = formatdate(NOON + now() + seconds, usegmt=True)
        answer = status(429, retry_after=back)(request, registry)
        return answer.with_headers(date=formatdate(NOON + now(), usegmt=True) if is_dated else None)

    return Fault("GET", "/manifests/", effect, times=1)


def waits_of(fault: Fault, offset: float, **settings: Any) -> tuple[list[float], str]:
    """Fetch with a clock that is wrong by `offset`; give the waits and the error."""
    recorder = Jumping()
    recorder.offset = offset
    fake = FakeRegistry(fault)
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> str:
        async with open_registries(recorder, {HOST: fake}, **settings) as registries:
            try:
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            except MbuildError as error:
                return str(error)
            return ""

    error = run_virtually(scenario)
    return recorder.waits, error


@pytest.mark.parametrize("offset", [-9 * HOUR, -1.0, 0.0, 9 * HOUR])
def test_a_date_beside_the_registrys_own(offset: float) -> None:
    """Where the answer has a date too, it does not matter what the time is here."""
    assert waits_of(busy_for(20, is_dated=True), offset) == ([20], "")


def test_a_date_when_the_clock_is_ahead() -> None:
    """A moment that seems to have passed is waited for as if none had been named."""
    assert waits_of(busy_for(20, is_dated=False), 9 * HOUR) == ([1], "")


def test_a_date_when_the_clock_is_behind() -> None:
    """A moment that seems hours away is not waited for, and the message says why."""
    waits, error = waits_of(busy_for(20, is_dated=False), -9 * HOUR)
    assert waits == []
    assert "asks to wait 32420 s, longer than the 600 s that mbuild waits" in error


@pytest.mark.parametrize("jump", [-9 * HOUR, 9 * HOUR])
def test_deadline(jump: float) -> None:
    """A clock that is set makes the deadline neither come nor stay away."""
    recorder = Jumping()
    fake = FakeRegistry(Fault("GET", "/manifests/", status(503)))

    async def scenario() -> float:
        async with open_registries(recorder, {HOST: fake}, deadline=20) as registries:
            recorder.offset = jump
            with pytest.raises(MbuildError, match="the deadline of 20 s leaves no time"):
                await registries.registry(HOST).fetch_manifest("team/app", "1.0")
            return now()

    assert run_virtually(scenario) == 15  # after 1, 2, 4 and 8 s; 16 s more would be too late


@pytest.mark.parametrize("jump", [-9 * HOUR, 9 * HOUR])
@pytest.mark.parametrize("issued", [None, "2025-06-15T15:06:40Z"])
def test_tokens(jump: float, issued: str | None) -> None:
    """A token lasts as long as it lasts, whatever the clock says before or after it was given."""
    recorder = Jumping()
    tokens = TokenService(issued_at=issued)
    _, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            recorder.offset = jump
            await pull(registries)
            assert tokens.number == 1
            await asyncio.sleep(291)
            await pull(registries)
            assert tokens.number == 2
            await pull(registries)
            assert tokens.number == 2

    run_virtually(scenario)


def test_a_token_that_ended_unseen() -> None:
    """A token that ended while this machine slept is renewed at the registry's 401."""
    recorder = Jumping()
    tokens = TokenService()
    fake, hosts = world(tokens)

    async def scenario() -> None:
        async with open_registries(recorder, hosts) as registries:
            await pull(registries)
            tokens.good.clear()
            recorder.offset = 9 * HOUR
            await pull(registries)

    run_virtually(scenario)
    assert [one.status for one in fake.log.exchanges] == [401, 200, 401, 200]


@pytest.mark.parametrize(("deadline", "slept"), [(None, 14.25), (20, 14.25), (10, 10)])
def test_pause(deadline: float | None, slept: float) -> None:
    """What waits between two looks waits no longer than the deadline leaves."""

    async def scenario() -> float:
        async with Registries(Settings(deadline=deadline), clock=now) as registries:
            await registries.pause(14.25)
            ended = now()
            if deadline is not None:
                await asyncio.sleep(30)
                before = now()
                await registries.pause(1)
                assert now() == before
            return ended

    assert run_virtually(scenario) == slept
