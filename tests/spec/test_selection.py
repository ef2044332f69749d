"""Which targets are chosen by name, and how a job is split over machines."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbuild.errors import UsageError
from mbuild.oci.reference import Reference
from mbuild.spec.selection import Shard, find_shards, parse_shard, select
from mbuild.spec.spec import Destination, Position, Spec, Target
from tests.spec.reading import read

SPEC = read("""
    images:
      - {image: [alpine, registry.test/mirror/alpine], tags: ["3.20", latest], sources: [a:1]}
      - {image: "registry.test/team/app:1.0", sources: [a:1]}
      - {image: "registry.test/team/api:1.0", sources: [a:1]}
      - {image: "oci:dist:1.0", sources: [a:1]}
""")
ALPINE, APP, API, DIST = SPEC.targets


@pytest.mark.parametrize(
    ("pattern", "expected"),
    [
        ("alpine", [ALPINE]), ("docker.io/library/alpine", [ALPINE]), ("alpine:3.20", [ALPINE]),
        ("docker.io/library/alpine:latest", [ALPINE]), ("registry.test/mirror/*", [ALPINE]),
        ("registry.test/team/*", [APP, API]), ("*/ap?:1.0", [APP, API]), ("*/ap[ip]", [APP, API]),
        ("*:1.0", [APP, API, DIST]), ("oci:dist", [DIST]), ("*", [ALPINE, APP, API, DIST]),
    ],
)  # fmt: skip
def test_only(pattern: str, expected: list[Target]) -> None:
    """A pattern is matched with each repository, and with each of its tags, short and in full."""
    assert select(SPEC, only=[pattern]) == Spec(tuple(expected))


def test_several_patterns() -> None:
    """Several patterns choose what any of them names, once, in the order of the spec."""
    chosen = select(SPEC, only=["*/api", "*/team/*", "alpine"])
    assert chosen == Spec((ALPINE, APP, API))


@pytest.mark.parametrize(
    ("patterns", "message"),
    [
        (["alpin"], "--only 'alpin' names no target of the spec; near to it: alpine, alpine:3.20"),
        (
            ["*", "registry.test/team/apps"],
            (
                "--only 'registry.test/team/apps' names no target of the spec; near to it: "
                "registry.test/team/app, registry.test/team/api, registry.test/team/app:1.0"
            ),
        ),
        (
            ["ALPINE"],
            (
                "--only 'ALPINE' names no target of the spec; a name is like alpine, "
                "or alpine:TAG; * stands for anything, / too"
            ),
        ),
    ],
    ids=["mistyped", "beside one that does", "case counts"],
)
def test_only_nothing(patterns: list[str], message: str) -> None:
    """Each pattern that names nothing is an error of the command line that shows near names."""
    with pytest.raises(UsageError) as caught:
        select(SPEC, only=patterns)
    assert str(caught.value) == message


@pytest.mark.parametrize(("text", "shard"), [("1/1", (1, 1)), ("2/3", (2, 3)), ("03/12", (3, 12))])
def test_shard(text: str, shard: tuple[int, int]) -> None:
    """A shard is written I/N."""
    assert parse_shard(text) == Shard(*shard)


@pytest.mark.parametrize(
    "text", ["", "1", "0/3", "4/3", "1/0", "-1/3", "1/3/4", " 1/3", "a/b", "٣/٤", "1/" + "9" * 10]
)
def test_bad_shard(text: str) -> None:
    """What is no share of a whole is an error of the command line."""
    with pytest.raises(UsageError) as caught:
        parse_shard(text)
    assert str(caught.value) == (
        f"--shard {text!r} is not I/N with I from 1 to N; "
        "the second of three machines has --shard 2/3"
    )


def named(*names: str) -> Spec:
    """A spec of targets with these names."""
    places = [Destination(Reference("registry.test", name), ("1",)) for name in names]
    return Spec(tuple(Target((place,), (), Position("m.yaml", 1, 1)) for place in places))


NAMES = st.lists(st.from_regex(r"[a-z]{1,3}", fullmatch=True), min_size=1, max_size=12, unique=True)


@settings(deadline=None)
@given(names=NAMES, count=st.integers(1, 6))
def test_shards_are_a_partition(names: list[str], count: int) -> None:
    """Every target is in exactly one of the shards, in the order of the spec."""
    spec = named(*names)
    shards = [select(spec, shard=Shard(number, count)) for number in range(1, count + 1)]
    assert sorted(map(str, spec.targets)) == sorted(str(it) for one in shards for it in one.targets)
    assert all(list(one.targets) == [it for it in spec.targets if it in one.targets]
               for one in shards)  # fmt: skip


@settings(deadline=None)
@given(names=NAMES, more=NAMES, count=st.integers(1, 6))
def test_further_targets_move_no_other(names: list[str], more: list[str], count: int) -> None:
    """A target's shard does not change when others come before it or behind it."""
    grown = named(*[name for name in more if name not in names], *names)
    alone = {str(it.destinations): home for it, home in find_shards(named(*names).targets, count)}
    beside = {str(it.destinations): home for it, home in find_shards(grown.targets, count)}
    assert alone.items() <= beside.items()


@pytest.mark.parametrize("count", [2, 3, 7, 50])
def test_dependent_targets_stand_together(count: int) -> None:
    """What is made of other targets is in their shard, where the first by name would be alone."""
    spec = read("""
        images:
          - {image: "registry.test/z:1", sources: [a:1]}
          - {image: "registry.test/m:1", sources: ["registry.test/z:1", "registry.test/q:1"]}
          - {image: "registry.test/b:1", sources: ["registry.test/m:1"]}
          - {image: "registry.test/q:1", sources: [a:1]}
    """)
    [(_, alone)] = find_shards(named("b").targets, count)
    assert [home for _, home in find_shards(spec.targets, count)] == [alone] * 4


def test_shards_share_out() -> None:
    """Many targets are spread over the shards, each with its fair part."""
    homes = [home for _, home in find_shards(named(*(f"app{n}" for n in range(600))).targets, 3)]
    assert all(150 < homes.count(number) < 250 for number in (1, 2, 3))


def test_a_shard_is_stable_for_ever() -> None:
    """The shard of a name is part of the contract: machines with different versions agree."""
    assert [home for _, home in find_shards(SPEC.targets, 5)] == [4, 4, 3, 4]


def test_only_within_a_shard() -> None:
    """A name chooses among the targets of the shard, and does not change which these are."""
    homes = dict(zip(map(str, SPEC.targets), find_shards(SPEC.targets, 2), strict=True))
    for number in (1, 2):
        chosen = select(SPEC, only=["*/team/*"], shard=Shard(number, 2)).targets
        assert chosen == tuple(it for it in (APP, API) if homes[str(it)][1] == number)
