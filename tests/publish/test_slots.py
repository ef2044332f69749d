"""How many targets are under way at a time, and that those which wait for sources do not count."""

import asyncio

from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.publish.read.patience import Patience
from mbuild.publish.slots import TARGETS_UNDER_WAY, Slots
from mbuild.spec.spec import Spec
from tests.publish.world import APP, BUILDS, World, entry, no_sleep, run, tags_of, target
from tests.support.images import make_image

IMAGE = make_image("linux/amd64")
MANY = TARGETS_UNDER_WAY + 1


def test_left_and_taken() -> None:
    """A slot that is left is another's; it is taken back when one is free, and let go once."""

    async def work() -> None:
        slots = Slots()
        held = [slots.at("a") for _ in range(TARGETS_UNDER_WAY)]
        for slot in held:
            await slot.take()
            await slot.take()
        for _ in range(2):
            held[0].leave()
        async with slots.at("a"):
            back = asyncio.create_task(held[0].take())
            await asyncio.sleep(0)
            assert not back.done()
        await back

    run(work)


def test_waiting_for_sources() -> None:
    """Targets that wait for their sources, however many, do not hold up those that need not."""
    world = World()
    world[BUILDS].put("there", IMAGE)

    async def sleep(_seconds: float) -> None:
        for _ in range(100):
            await asyncio.sleep(0)
        assert "1.0" in world[APP].tags
        for number in range(MANY):
            world[BUILDS].put(f"late{number}", IMAGE)

    late = [
        target(entry(f"{BUILDS}:late{number}"), images=(f"registry.test/late{number}",))
        for number in range(MANY)
    ]

    async def work() -> None:
        publisher = Publisher(
            stores=world,
            library=Library(),
            sleep=no_sleep,
            patience=Patience(60, tell=print, clock=lambda: 0, sleep=sleep),
        )
        outcomes = await publisher.publish(Spec((*late, target(entry(f"{BUILDS}:there")))))
        assert [tags_of(outcome) for outcome in outcomes] == [[("1.0", "created")]] * (MANY + 1)

    run(work)
