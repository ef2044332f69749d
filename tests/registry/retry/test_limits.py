"""Rate-limit headers: every form that is read, what is worth a word, and how often it is said."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.registry.client import Registry
from mbuild.registry.retry.limits import LimitWatch, Quota, has_limits, parse_quotas
from tests.registry.world import HOST, Recorder, ask, open_registries
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import make_image

IMAGE = make_image()


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param(
            {"ratelimit-limit": "100;w=21600", "ratelimit-remaining": "12;w=21600"},
            (Quota(100, 12, 21600),),
            id="Docker Hub",
        ),
        pytest.param(
            {"ratelimit-limit": " 100 ; W = 60 ", "ratelimit-remaining": "0"},
            (Quota(100, 0, 60),),
            id="a window only at the limit",
        ),
        pytest.param(
            {"ratelimit-limit": "10, 10;w=1, 50;w=60", "ratelimit-remaining": "9"},
            (Quota(10, 9, 1),),
            id="draft 3, many windows",
        ),
        pytest.param(
            {"ratelimit-limit": "10;w=60,50;w=3600", "ratelimit-remaining": "9;w=60,7;w=3600"},
            (Quota(10, 9, 60), Quota(50, 7, 3600)),
            id="each window",
        ),
        pytest.param(
            {"ratelimit-limit": "10;w=60", "ratelimit-remaining": "9;w=3600"},
            (Quota(10, 9, 3600),),
            id="another window",
        ),
        pytest.param(
            {"ratelimit": "limit=100, remaining=50, reset=5"}, (Quota(100, 50),), id="draft 7"
        ),
        pytest.param(
            {
                "ratelimit-policy": '"burst";q=100;w=60,"daily";q=1000;w=86400',
                "ratelimit": '"daily";r=50;t=30, "burst";r=7, "other";r=1',
            },
            (Quota(1000, 50, 86400), Quota(100, 7, 60)),
            id="draft 8",
        ),
        pytest.param({}, (), id="nothing"),
        pytest.param({"ratelimit-remaining": "12"}, (), id="no limit"),
        pytest.param({"ratelimit-limit": "0", "ratelimit-remaining": "0"}, (), id="limit 0"),
        pytest.param({"ratelimit-limit": "x", "ratelimit-remaining": "1"}, (), id="no number"),
        pytest.param({"ratelimit-limit": "1", "ratelimit-remaining": "-1"}, (), id="below 0"),
        pytest.param({"ratelimit-limit": ",;=", "ratelimit-remaining": ";;,"}, (), id="marks"),
        pytest.param({"ratelimit": '"a";r=5'}, (), id="no policy"),
        pytest.param({"ratelimit": '"a"', "ratelimit-policy": '"a";q=9'}, (), id="nothing left"),
        pytest.param({"ratelimit": '"a";r=1', "ratelimit-policy": '"a";w=9'}, (), id="no quota"),
        pytest.param({"ratelimit": "limit=9"}, (), id="half of it"),
        pytest.param({"ratelimit-limit": "9" * 99, "ratelimit-remaining": "1"}, (), id="endless"),
    ],
)
def test_parse_quotas(headers: dict[str, str], expected: tuple[Quota, ...]) -> None:
    """Each form gives its quotas, and anything else none."""
    assert parse_quotas(headers) == expected


@given(st.dictionaries(
    st.sampled_from(["ratelimit", "ratelimit-limit", "ratelimit-remaining", "ratelimit-policy"]),
    st.text() | st.text(alphabet='0129;,= wrq"limtreang', max_size=40),
))  # fmt: skip
def test_any_text(headers: dict[str, str]) -> None:
    """Whatever stands there, reading it does not fail, and gives numbers that can be."""
    for quota in parse_quotas(headers):
        assert quota.limit > 0
        assert quota.remaining >= 0
        assert quota.describe("requests")


@given(st.integers(1, 10**9 - 1), st.integers(0, 10**9 - 1), st.integers(1, 10**9 - 1))
def test_round_trip(limit: int, remaining: int, window: int) -> None:
    """What Docker Hub would write is read as it was meant."""
    headers = {
        "ratelimit-limit": f"{limit};w={window}",
        "ratelimit-remaining": f"{remaining};w={window}",
    }
    assert parse_quotas(headers) == (Quota(limit, remaining, window),)


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (Quota(100, 10, 21600), True),
        (Quota(100, 11, 21600), False),
        (Quota(20, 5), True),
        (Quota(20, 6), False),
        (Quota(100, 0, 60), True),
        (Quota(100, 0, 59), False),
    ],
)
def test_scarce(quota: Quota, expected: bool) -> None:
    """A tenth, or five, is little; of a window of seconds it is nothing to speak of."""
    assert quota.is_scarce is expected


@pytest.mark.parametrize(
    ("quota", "expected"),
    [
        (Quota(100, 9, 21600), "9 of 100 pulls left in this 6 h window"),
        (Quota(100, 9, 900), "9 of 100 pulls left in this 15 min window"),
        (Quota(100, 0, 90), "0 of 100 pulls left in this 90 s window"),
        (Quota(100, 9), "9 of 100 pulls left"),
    ],
)
def test_describe(quota: Quota, expected: str) -> None:
    """It is said in whole hours or minutes where it can be."""
    assert quota.describe("pulls") == expected


def test_told_when_halved(recorder: Recorder) -> None:
    """It is told once, and again only when half of that is left."""
    watch = LimitWatch("docker.io", noun="pulls", observer=recorder)
    for left in (50, 11, 10, 9, 6, 5, 4, 3, 2, 1, 0, 0, 90, 10):
        watch.note({"ratelimit-limit": "100;w=3600", "ratelimit-remaining": f"{left};w=3600"})
    assert recorder.warnings == [
        f"docker.io: {left} of 100 pulls left in this 1 h window" for left in (10, 5, 2, 1, 0)
    ]


def test_the_scarcest_is_told(recorder: Recorder) -> None:
    """Of several limits that which leaves the least is told."""
    watch = LimitWatch(HOST, noun="requests", observer=recorder)
    watch.note({"ratelimit-policy": '"a";q=50,"b";q=60', "ratelimit": '"a";r=4,"b";r=3'})
    assert recorder.warnings == [f"{HOST}: 3 of 60 requests left"]


def test_has_limits() -> None:
    """Only answers with one of the two headers are looked at."""
    assert has_limits({"ratelimit-remaining": "1"})
    assert has_limits({"ratelimit": "1"})
    assert not has_limits({"ratelimit-limit": "1"})


def limited(request: Request, registry: Handler) -> Answer:
    """Answer with Docker Hub's headers."""
    answer = registry(request)
    limits = {"RateLimit-Limit": "100;w=21600", "RateLimit-Remaining": "9;w=21600"}
    return Answer(answer.status, {**answer.headers, **limits}, answer.body)


def test_warning(recorder: Recorder) -> None:
    """A registry whose answers say that little is left is named in a warning, once."""
    fake = FakeRegistry(Fault("*", "/manifests/", limited))
    fake.put("team/app", "1.0", IMAGE)

    async def question(registry: Registry) -> None:
        await registry.fetch_manifest("team/app", "1.0")
        await registry.head_manifest("team/app", "1.0")

    ask(recorder, fake, question)
    assert recorder.warnings == [f"{HOST}: 9 of 100 requests left in this 6 h window"]


def test_warning_of_docker_hub(recorder: Recorder) -> None:
    """Docker Hub counts pulls, and goes by the name that references have."""
    fake = FakeRegistry(Fault("*", "/manifests/", limited))
    fake.put("library/alpine", "3", IMAGE)

    async def scenario() -> None:
        async with open_registries(recorder, {"registry-1.docker.io": fake}) as registries:
            await registries.registry("docker.io").fetch_manifest("library/alpine", "3")

    asyncio.run(scenario())
    assert recorder.warnings == ["docker.io: 9 of 100 pulls left in this 6 h window"]


def test_another_hosts_limits(recorder: Recorder) -> None:
    """What the host behind a redirect says of its limits is no word of the registry's."""
    elsewhere = FakeRegistry(Fault("*", "/manifests/", limited))
    elsewhere.put("team/app", "1.0", IMAGE)
    target = "https://cdn.test/v2/team/app/manifests/1.0"
    fake = FakeRegistry(Fault("GET", "", lambda *_: Answer(307, {"Location": target})))

    async def scenario() -> None:
        async with open_registries(recorder, {HOST: fake, "cdn.test": elsewhere}) as registries:
            await registries.registry(HOST).fetch_manifest("team/app", "1.0")

    asyncio.run(scenario())
    assert recorder.warnings == []
