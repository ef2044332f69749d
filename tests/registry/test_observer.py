"""What the observer is told: warnings once, and requests without their queries."""

import asyncio

import pytest

from mbuild.registry.client import Registry
from tests.registry.world import (
    HOST,
    Recorder,
    ask,
    open_registries,
)
from tests.support.exchange import Answer
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import (
    Fault,
    header,
)
from tests.support.images import make_image, make_index

IMAGE = make_image()
INDEX = make_index(IMAGE)


@pytest.fixture
def fake() -> FakeRegistry:
    """A registry that holds an index."""
    fake = FakeRegistry()
    fake.put("team/app", "1.0", INDEX)
    return fake


def test_warnings(recorder: Recorder, fake: FakeRegistry) -> None:
    """A registry's warning is passed on once; other codes are not."""
    fake.faults.append(Fault("*", "", header("Warning", '299 - "going \\"away\\"\x1b"')))

    async def question(registry: Registry) -> None:
        await registry.head_manifest("team/app", "1.0")
        await registry.head_manifest("team/app", "1.0")
        fake.faults[:] = [Fault("*", "", header("Warning", '199 - "other"'))]
        await registry.head_manifest("team/app", "1.0")

    ask(recorder, fake, question)
    assert recorder.warnings == [f'{HOST} says: going "away"\\x1b']


def test_observer_sees_no_query(recorder: Recorder, fake: FakeRegistry) -> None:
    """What is told of a request has neither query nor user."""
    target = "https://user:word@cdn.test/v2/team/app/manifests/1.0?signature=secret"
    fake.faults.append(Fault("GET", "", lambda *_: Answer(307, {"Location": target}), times=1))

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake, "cdn.test": fake}) as registries:
            await registries.registry(HOST).fetch_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert [(one.method, one.url, one.status) for one in recorder.exchanges] == [
        ("GET", f"https://{HOST}/v2/team/app/manifests/1.0", 307),
        ("GET", "https://cdn.test/v2/team/app/manifests/1.0", 200),
    ]
