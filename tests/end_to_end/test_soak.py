"""Many whole pushes through a bad network: some fail, none leaves a tag that it should not."""

from pathlib import Path

import pytest

from tests.support.fault_runs import run_through_faults
from tests.support.kill_runs import kill_many

RUNS = range(12)


@pytest.mark.parametrize("seed", RUNS)
def test_one_request_in_ten_is_spoilt(seed: int) -> None:
    """With the default attempts, all is published and right."""
    run = run_through_faults(seed, 0.1, trusting=seed % 2 == 1)
    assert (run.exit_code, run.errors, run.wrong) == (0, (), ())
    assert sum(run.spoilt.values()) > 0


@pytest.mark.parametrize("seed", RUNS)
def test_three_requests_in_ten_are_spoilt(seed: int) -> None:
    """With eight attempts, hardly a run fails; one that does leaves nothing wrong."""
    run = run_through_faults(seed, 0.3, attempts=8, trusting=seed % 2 == 1)
    assert run.exit_code in (0, 6)
    assert run.wrong == ()


@pytest.mark.parametrize("seed", RUNS)
def test_runs_that_fail(seed: int) -> None:
    """With two attempts, hardly a run succeeds; none leaves a tag that dangles or is misplaced."""
    run = run_through_faults(seed, 0.3, attempts=2, trusting=seed % 2 == 1)
    assert run.exit_code in (0, 6)
    assert run.wrong == ()


def test_killed_at_any_moment(tmp_path: Path) -> None:
    """Runs that are killed leave nothing wrong, and the same command then finishes."""
    runs = tuple(kill_many(tmp_path, 4))
    assert [run.wrong for run in runs] == [()] * 4
    assert [run.again for run in runs] == [0] * 4
