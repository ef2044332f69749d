"""Many requests at a host that asks to slow down, or that is gone: what waits, and what is sent."""

import asyncio
import math
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mbuild.errors import MbuildError
from mbuild.registry.client import Registry
from mbuild.registry.registries import Registries
from tests.registry.retry.test_waits import Measured
from tests.registry.world import HOST, blob_descriptor, content_of, open_registries
from tests.support.exchange import Answer, Handler, Request, most_at_once
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, cut, lost, slow, status
from tests.support.images import make_image
from tests.support.virtual_time import now, run_virtually

IMAGE = make_image()
REQUESTS = 64


class Timed:
    """An effect that notes when each request came, and answers by another effect or as usual."""

    def __init__(self, effect_at: Callable[[float], Effect | None]) -> None:
        self.times: list[float] = []
        self._effect_at = effect_at

    def __call__(self, request: Request, registry: Handler) -> Answer:
        """Answer a tenth of a second after the request came."""
        self.times.append(now())
        effect = self._effect_at(now())
        later = slow(0.1)
        return later(request, lambda asked: effect(asked, registry) if effect else registry(asked))


def storm(until: float, effect: Effect) -> Timed:
    """A fault that all requests meet until a moment."""
    return Timed(lambda time: effect if time < until else None)


async def fetch_many(registry: Registry, count: int) -> list[str]:
    """Fetch side by side, each once; give the errors."""
    results = await asyncio.gather(
        *(registry.fetch_manifest("team/app", "1.0") for _ in range(count)), return_exceptions=True
    )
    return [str(one) for one in results if isinstance(one, MbuildError)]


def play(timed: Timed, recorder: Measured, **settings: Any) -> tuple[list[str], Registries, float]:
    """Fetch many times at a registry whose answers are timed; give errors, world and end."""
    fake = FakeRegistry(Fault("GET", "/manifests/", timed))
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> tuple[list[str], Registries, float]:
        async with open_registries(recorder, {HOST: fake}, **settings) as registries:
            errors = await fetch_many(registries.registry(HOST), REQUESTS)
            return errors, registries, now()

    return run_virtually(scenario)


@pytest.mark.parametrize("jobs", [1, 32])
def test_storm_without_end(jobs: int) -> None:
    """A host that never lets anybody through is given up, however many wait and few may ask."""
    timed = storm(math.inf, status(429, retry_after=60))
    errors, _, ended = play(timed, Measured(), jobs=jobs, attempts=3)
    assert len(errors) == REQUESTS
    assert all("has asked to slow down (429) 7 times in a row" in error for error in errors)
    assert 6 * 60 < ended < 6 * 60 + 5


def test_one_bad_repository() -> None:
    """Failures that come all at once say nothing of the host while others are to be answered."""
    fake = FakeRegistry(Fault("GET", "/bad/", status(500)), Fault("GET", "/app/", slow(0.1)))
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> list[object]:
        async with open_registries(Measured(), {HOST: fake}, attempts=1) as registries:
            fetch = registries.registry(HOST).fetch_manifest
            asked = [*["team/bad"] * 40, *["team/app"] * 40]
            return await asyncio.gather(
                *(fetch(path, "1.0") for path in asked), return_exceptions=True
            )

    found = run_virtually(scenario)
    assert [one for one in found if not isinstance(one, MbuildError)] == [content_of(IMAGE)] * 40


def test_all_wait_for_what_one_was_told() -> None:
    """All 64 requests keep away for as long as the host asked, in one wait, told once."""
    recorder = Measured()
    timed = storm(1, status(429, retry_after=12))
    errors, registries, ended = play(timed, recorder, jobs=32, attempts=2)
    assert errors == []
    assert timed.times[:32] == [0] * 32
    # 64 requests, 16 at a time and a little more with each round: four rounds at the most.
    assert all(12.1 <= time <= 12.5 for time in timed.times[32:])
    assert len(timed.times) == 32 + REQUESTS
    assert sum(time == timed.times[32] for time in timed.times) == 16
    assert ended < 12.7
    assert registries.retries == 32
    assert recorder.waits == [12]
    assert recorder.told == [f"{HOST} asks to slow down (429): all requests wait 12 s"]


def test_waiting_uses_up_no_attempt() -> None:
    """Requests that were only waiting while others were refused have all their attempts left."""
    recorder = Measured()
    timed = storm(25, status(429, retry_after=10))
    errors, *_ = play(timed, recorder, jobs=4, attempts=4)
    assert errors == []
    assert [round(time, 1) for time in timed.times[:10]] == [0] * 4 + [10.1] * 2 + [20.2] * 2 + [
        30.3
    ] * 2
    assert len(recorder.told) == 3


def test_the_limit_of_a_host_is_found() -> None:
    """A host that takes five requests in ten seconds gets them all, without one given up."""
    recorder = Measured()
    granted: list[float] = []

    def limited(time: float) -> Effect | None:
        window = time // 10 * 10
        if sum(one >= window for one in granted) >= 5:
            return status(429, retry_after=round(window + 10 - time + 0.5))
        granted.append(time)
        return None

    errors, registries, ended = play(Timed(limited), recorder, jobs=32, attempts=6)
    assert errors == []
    assert ended < 10 * REQUESTS / 5 + 20
    assert registries.retries < REQUESTS * 2


def test_503_with_retry_after_is_the_same() -> None:
    """A host that is overloaded and says for how long is given that time by all."""
    recorder = Measured()
    timed = storm(1, status(503, retry_after=7))
    assert play(timed, recorder, jobs=32)[0] == []
    assert all(7.1 <= time < 8 for time in timed.times[32:])
    assert recorder.told == [f"{HOST} asks to slow down (503): all requests wait 7 s"]


def test_503_alone_slows_down_only_itself() -> None:
    """Without Retry-After a 503 is one request's own failure."""
    recorder = Measured()
    timed = storm(0.05, status(503))
    assert play(timed, recorder, jobs=32)[0] == []
    assert [time for time in timed.times if 0.05 < time < 0.5]
    assert recorder.told == []


@pytest.mark.parametrize("effect", [status(429, retry_after=3), status(503, retry_after=3)])
def test_the_last_attempt_has_others_wait_too(effect: Effect) -> None:
    """A request that is given up at a 429 has the others wait all the same."""
    recorder = Measured()
    timed = storm(0.05, effect)
    errors, registries, _ = play(timed, recorder, jobs=2, attempts=1)
    assert len(errors) == 2
    assert all(time > 3 for time in timed.times[2:])
    assert registries.retries == 0


def gone(errors: list[str]) -> set[str]:
    """The errors, without the place of each."""
    return {error.partition(": ")[2] for error in errors}


BROKEN = f"the connection broke while reading: connection reset by peer ({HOST}), after 6 attempts"
NOT_TRIED = (
    f"not tried any more: {HOST} has failed 5 operations in a row, the last one with: {BROKEN};"
    " see what ails it, then run the same command again"
)


def test_a_dead_host() -> None:
    """However many wait for a host that is gone, all end when the first were given up."""
    recorder = Measured()
    timed = Timed(lambda _: lost())
    errors, _, ended = play(timed, recorder, jobs=8)
    assert len(errors) == REQUESTS
    assert gone(errors) == {f"{BROKEN}; try again later; -vv shows each request", NOT_TRIED}
    # Each of the 64 has its attempts side by side with the others: 8 at a time, 0.1 s each.
    assert ended < 31 + 6 * REQUESTS / 8 * 0.1 + 1


def test_what_comes_later_is_not_tried() -> None:
    """Once a host is taken for dead nothing more is sent to it, in no other repository either."""
    recorder = Measured()
    fake = FakeRegistry(Fault("*", "", lost()))

    async def scenario() -> tuple[list[str], int, float]:
        async with open_registries(recorder, {HOST: fake}) as registries:
            registry = registries.registry(HOST)
            await fetch_many(registry, 5)
            sent, ended = len(fake.log.exchanges), now()
            errors = await fetch_many(registry, 10_000)
            with pytest.raises(MbuildError, match="not tried any more"):
                await registry.put_manifest("other/app", "1.0", content_of(IMAGE))
            assert len(fake.log.exchanges) == sent
            return errors, sent, now() - ended

    errors, sent, lasted = run_virtually(scenario)
    assert len(errors) == 10_000
    assert set(errors) == {f"{HOST}/team/app:1.0: {NOT_TRIED}"}
    assert (sent, lasted) == (30, 0)


def test_waits_end_when_the_host_is_dead() -> None:
    """An operation that has its own wait before it is not left waiting."""
    recorder = Measured()
    fake = FakeRegistry(Fault("*", "", lost()))

    async def scenario() -> float:
        async with open_registries(recorder, {HOST: fake}) as registries:
            registry = registries.registry(HOST)
            early = asyncio.create_task(fetch_many(registry, 5))
            await asyncio.sleep(28)
            late = await fetch_many(registry, 1)
            assert late == [f"{HOST}/team/app:1.0: {NOT_TRIED}"]
            await early
            return now()

    assert run_virtually(scenario) == 31


def test_random_faults_make_no_dead_host() -> None:
    """A fault in ten, without a second attempt, is bad luck and no dead host."""
    recorder = Measured()
    fake = FakeRegistry()
    fake.put("team/app", "1.0", IMAGE)
    numbers = iter(range(10_000))

    def one_in_ten(request: Request, registry: Handler) -> Answer:
        effect = lost() if next(numbers) % 10 == 0 else slow(0)
        return effect(request, registry)

    fake.faults.append(Fault("GET", "", one_in_ten))

    async def scenario() -> list[str]:
        async with open_registries(recorder, {HOST: fake}, attempts=1) as registries:
            return await fetch_many(registries.registry(HOST), 1000)

    errors = run_virtually(scenario)
    assert len(errors) == 100
    assert not [error for error in errors if "not tried" in error]


def test_requests_under_way() -> None:
    """After a storm half as many are under way at once, before it `jobs`."""
    recorder = Measured()
    fake = FakeRegistry(Fault("GET", "", storm(0.05, status(429, retry_after=1))))
    fake.put("team/app", "1.0", IMAGE)

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake}, jobs=8) as registries:
            assert await fetch_many(registries.registry(HOST), 20) == []

    run_virtually(scenario)
    exchanges = fake.log.exchanges
    assert most_at_once(exchanges[:8]) == 8
    assert 4 <= most_at_once(exchanges[8:]) <= 6


def test_each_host_has_its_own_failures() -> None:
    """Of a copy between two hosts, what the source fails to send is no failure of the target's."""
    recorder = Measured()
    blob = b"x" * 100
    descriptor = blob_descriptor(blob)
    source = FakeRegistry(Fault("GET", "/blobs/", cut(7)))
    source.repository("team/app").blobs[str(descriptor.digest)] = blob
    target = FakeRegistry()
    hosts = {"source.test": source, "target.test": target}

    async def scenario() -> list[str]:
        async with open_registries(recorder, hosts) as registries:
            reading, writing = (registries.registry(name) for name in hosts)

            async def copy() -> None:
                await writing.upload_blob(
                    "team/app", descriptor, partial(reading.open_blob, "team/app", descriptor)
                )

            errors = await asyncio.gather(*(copy() for _ in range(6)), return_exceptions=True)
            assert not await writing.has_blob("team/app", descriptor.digest)
            return [str(error) for error in errors]

    errors = run_virtually(scenario)
    assert len(errors) == 6
    assert all("(source.test)" in error for error in errors), errors
