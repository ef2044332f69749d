"""The bad network: its share, its kinds, and that a seed repeats it."""

from tests.support.exchange import Request
from tests.support.fake_registry import FakeRegistry
from tests.support.fault_runs import HERE, Network
from tests.support.faults import Fault
from tests.support.spoiler import KINDS, Spoiler

PING = Request("GET", "/v2/")


def answers(seed: int, share: float, times: int) -> tuple[list[tuple[int, bool, bool]], Spoiler]:
    """What so many requests get: status, whether it is lost, whether it is cut."""
    spoiler = Spoiler(seed, share)
    fake = FakeRegistry(Fault("*", "", spoiler))
    got = [fake.handle(PING) for _ in range(times)]
    return [(one.status, one.lost, one.cut is not None) for one in got], spoiler


def test_nothing_is_spoilt() -> None:
    """A share of 0 leaves everything as it is, but for the time."""
    got, spoiler = answers(1, 0, 50)
    assert set(got) == {(200, False, False)}
    assert not spoiler.spoilt


def test_everything_is_spoilt_in_every_way() -> None:
    """A share of 1 spoils each request, and all kinds come."""
    got, spoiler = answers(1, 1, 200)
    assert (200, False, False) not in got
    assert set(spoiler.spoilt) == set(KINDS)
    assert sum(spoiler.spoilt.values()) == 200


def test_a_share_is_spoilt() -> None:
    """Of many requests about the share is spoilt."""
    _, spoiler = answers(1, 0.3, 2000)
    assert 500 < sum(spoiler.spoilt.values()) < 700


def test_a_seed_repeats() -> None:
    """The same seed spoils the same requests in the same way; another does not."""
    assert answers(1, 0.3, 100)[0] == answers(1, 0.3, 100)[0]
    assert answers(1, 0.3, 100)[0] != answers(2, 0.3, 100)[0]


def test_what_is_wrong_is_seen() -> None:
    """A tag that was not moved by a run that said so is wrong, and so is one that dangles."""
    network = Network(seed=1, share=0)
    assert list(network.wrong(6)) == []
    assert len(list(network.wrong(0))) == 9
    held = network.fakes[HERE].repository("team/app")
    held.tags["1.4"] = held.tags["latest"]
    assert len(list(network.wrong(6))) == 1
    del held.manifests[held.tags["latest"]]
    assert len(list(network.wrong(6))) > 1
