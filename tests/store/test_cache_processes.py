"""Many processes at one cache, some of them killed: nobody fails, and what is read is right."""

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.store.cache_world import TAG, Shelf, manifest
from tests.support.cli import environment

PROCESSES = 6
CONTENTS = 400

WORKER = """
import random, sys
from contextlib import closing
from pathlib import Path
from mbuild.store.cache_disk import DiskCache
from tests.store.cache_world import TAG, manifest
path, limit, seed, contents = sys.argv[1], *map(int, sys.argv[2:])
numbers = list(range(contents))
random.Random(seed).shuffle(numbers)
print("begun", flush=True)
with closing(DiskCache(Path(path), print, limit=limit)) as cache:
    for number in numbers:
        content = manifest(number)
        found = cache.content(content.digest)
        assert found in {content, None}
        if found is None:
            cache.keep(content)
        cache.note(f"{TAG}-{number % 7}", content.descriptor())
        cache.recall(f"{TAG}-{number % 5}")
"""


def start(shelf: Shelf, seed: int, *, limit: int, contents: int) -> "subprocess.Popen[str]":
    """Start a process that uses the cache, and wait until it does."""
    words = [str(shelf.path), str(limit), str(seed), str(contents)]
    process = subprocess.Popen(
        [sys.executable, "-W", "error", "-c", WORKER, *words],
        env=environment(), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout
    assert process.stdout.readline() == "begun\n"
    return process


def finish(process: "subprocess.Popen[str]") -> tuple[int, str, str]:
    """Wait for a process, and give its code and what it said: warnings, then errors."""
    output, errors = process.communicate(timeout=60)
    return process.returncode, output, errors


@pytest.mark.parametrize("limit", [100_000_000, 200_000], ids=["room for all", "no room"])
def test_at_once(tmp_path: Path, limit: int) -> None:
    """Processes that read and write side by side, from the first on, end without a warning."""
    shelf = Shelf(tmp_path)
    processes = [start(shelf, seed, limit=limit, contents=CONTENTS) for seed in range(PROCESSES)]
    assert [finish(process) for process in processes] == [(0, "", "")] * PROCESSES
    ((kept,),) = shelf.ask("SELECT count(*) FROM contents")
    assert kept == CONTENTS if limit > 1_000_000 else 0 < int(str(kept)) < CONTENTS
    assert shelf.ask("PRAGMA integrity_check") == [("ok",)]


def test_killed(tmp_path: Path) -> None:
    """Processes killed at any moment leave a cache that is whole, with what was written before."""
    shelf = Shelf(tmp_path)
    shelf.fill(manifest(-1))
    moments = random.Random(4)
    for seed in range(12):
        process = start(shelf, seed, limit=100_000_000, contents=100_000)
        time.sleep(moments.uniform(0, 0.05))
        process.kill()
        assert finish(process)[0] == -signal.SIGKILL
    with shelf.open() as cache:
        assert cache.content(manifest(-1).digest) == manifest(-1)
        cache.keep(manifest(-2))
        for number in range(500):
            assert cache.content(manifest(number).digest) in {manifest(number), None}
            cache.recall(f"{TAG}-{number % 7}")
    assert shelf.warnings == []
    assert shelf.holds(manifest(-2).digest) == [True]
    assert shelf.ask("PRAGMA integrity_check") == [("ok",)]


def test_broken_under_others(tmp_path: Path) -> None:
    """Where the file is broken while others use it, none of them fails, or reads what is wrong."""
    shelf = Shelf(tmp_path)
    shelf.fill(*(manifest(number) for number in range(CONTENTS)))
    processes = [start(shelf, seed, limit=100_000_000, contents=3 * CONTENTS) for seed in range(4)]
    shelf.path.write_bytes(b"no database any more" * 1000)
    ends = [finish(process) for process in processes]
    assert [(code, errors) for code, _, errors in ends] == [(0, "")] * 4
    shelf.fill(manifest(1))
    shelf.warnings.clear()
    with shelf.open() as cache:
        assert cache.content(manifest(1).digest) in {manifest(1), None}
    assert shelf.warnings == []
