"""The report of many targets: what changes is shown, what does not is counted."""

import time
from dataclasses import replace

import pytest

from mbuild.publish.outcome import (
    Copied,
    Outcome,
    TagOutcome,
)
from mbuild.report.outcomes import (
    report_lines,
)
from tests.report.world import (
    APP,
    FAILED,
    INDEX,
    KEPT,
    OLD,
    PUBLISHED,
    lines,
)

UNCHANGED = f"{APP}@{INDEX.digest}  OCI index, 1 image: nothing to do, every tag holds it"


def report(*outcomes: Outcome, planned: bool = False, verbose: bool = False) -> list[str]:
    """The report of a run."""
    return list(report_lines(outcomes, planned=planned, verbose=verbose))


def batch(*outcomes: Outcome) -> list[Outcome]:
    """The outcomes as those of a target each."""
    return [replace(one, target=f"t{number}:1") for number, one in enumerate(outcomes)]


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "pushed"])
def test_unchanged(planned: bool) -> None:
    """A target where nothing is to be done is one line; all of it is shown to who asks."""
    assert report(KEPT, planned=planned) == [UNCHANGED]
    assert report(KEPT, planned=planned, verbose=True) == lines(KEPT, planned=planned)


def test_nothing_chosen() -> None:
    """A run without targets says that there was nothing to do."""
    assert report() == ["nothing to do: no target is chosen"]


def test_total() -> None:
    """Of several targets the last line counts what became of them."""
    outcomes = batch(PUBLISHED, KEPT, FAILED)
    assert report(*outcomes)[-1] == "3 targets: 1 pushed, 1 failed, 1 unchanged"
    assert report(*outcomes, planned=True)[-1] == "3 targets: 1 to change, 1 failed, 1 unchanged"
    assert report(*batch(KEPT, KEPT)) == [UNCHANGED, UNCHANGED, "2 targets: 2 unchanged"]


@pytest.mark.parametrize(
    ("other", "total"),
    [
        (PUBLISHED, "2 targets: 1 pushed, 1 unchanged"),
        (FAILED, "2 targets: 1 failed, 1 unchanged"),
        (replace(KEPT, copied=Copied(1, 0, 512)), "2 targets: 1 pushed, 1 unchanged"),
    ],
    ids=["pushed", "failed", "repaired"],
)
def test_total_counts_targets(other: Outcome, total: str) -> None:
    """A target in several repositories counts once, as what the worst of them is."""
    pair = [replace(KEPT, target="a:1"), replace(other, target="a:1")]
    assert report(*pair, replace(KEPT, target="b:1"))[-1] == total
    assert report(*pair[::-1], replace(KEPT, target="b:1"))[-1] == total


def test_many() -> None:
    """Of many targets those that are unchanged are only counted, unless all is asked for."""
    many = batch(*[KEPT] * 1200, PUBLISHED, FAILED)
    changed = [*lines(PUBLISHED), *lines(FAILED)]
    assert report(*many) == [*changed, "1,202 targets: 1 pushed, 1 failed, 1,200 unchanged"]
    assert len(report(*many, verbose=True)) == 1200 * len(lines(KEPT)) + len(changed) + 1


def test_thousands_are_told_at_once() -> None:
    """The report of thousands of changes is made line by line, and is not the slow part of a run."""
    many = batch(*[PUBLISHED] * 2000)
    began = time.process_time()
    size = sum(map(len, report_lines(many, planned=True)))
    assert time.process_time() - began < 1
    assert size > 1_000_000


def test_a_target_held_back() -> None:
    """A target whose tags all stand for newer versions is unchanged, and says so."""
    tags = (TagOutcome("latest", "untouched", OLD, reason="it holds 2.0"),)
    outcome = replace(KEPT, tags=tags)
    told = "not published, every tag stands for a newer version"
    assert report(outcome) == [f"{APP}@{INDEX.digest}  OCI index, 1 image: {told}"]
    assert report(*batch(outcome, FAILED))[-1] == "2 targets: 1 failed, 1 unchanged"
