"""Where the cache is, and what takes its place where there is none."""

import sys
from pathlib import Path

import pytest

from mbuild.store.cache import NoCache, cache_file, open_cache
from mbuild.store.cache_disk import DiskCache
from tests.store.cache_world import BLOB, BLOB_DIGEST, IMAGE, TAG

PLACES: list[tuple[dict[str, str], str | None]] = [
    ({"XDG_CACHE_HOME": "/cache", "HOME": "/users/a"}, "/cache/mbuild/content.db"),
    ({"HOME": "/users/a"}, "/users/a/.cache/mbuild/content.db"),
    ({"XDG_CACHE_HOME": "", "HOME": "/users/a"}, "/users/a/.cache/mbuild/content.db"),
    ({"XDG_CACHE_HOME": "cache", "HOME": "/users/a"}, "/users/a/.cache/mbuild/content.db"),
    ({"XDG_CACHE_HOME": "/cache"}, "/cache/mbuild/content.db"),
    ({"XDG_CACHE_HOME": "cache"}, None),
    ({"HOME": ""}, None),
    ({}, None),
]


@pytest.mark.parametrize(("environment", "expected"), PLACES, ids=[str(env) for env, _ in PLACES])
def test_place(environment: dict[str, str], expected: str | None) -> None:
    """The file lies where the XDG base directory specification has it; nowhere without a home."""
    assert cache_file(environment) == (Path(expected) if expected else None)


def test_open(tmp_path: Path) -> None:
    """A user with a home has a cache; it makes no file before it is needed."""
    warnings: list[str] = []
    cache = open_cache({"XDG_CACHE_HOME": str(tmp_path)}, warnings.append)
    cache.close()
    assert isinstance(cache, DiskCache)
    assert (warnings, list(tmp_path.iterdir())) == ([], [])


def test_homeless() -> None:
    """Without a home nothing is kept, and nothing is said of it."""
    warnings: list[str] = []
    assert isinstance(open_cache({}, warnings.append), NoCache)
    assert warnings == []


def test_python_without_sqlite(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where Python lacks sqlite3, a warning says so and nothing is kept."""
    for name in ("mbuild.store.cache_disk", "mbuild.store.cache_file"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setitem(sys.modules, "sqlite3", None)
    warnings: list[str] = []
    assert isinstance(open_cache({"HOME": str(tmp_path)}, warnings.append), NoCache)
    assert warnings == ["nothing is kept for the next run: this Python was built without sqlite3"]


def test_no_cache() -> None:
    """NoCache takes all and gives nothing back."""
    cache = NoCache()
    cache.keep(IMAGE)
    cache.keep_blob(BLOB_DIGEST, BLOB)
    cache.note(TAG, IMAGE.descriptor())
    known = (cache.content(IMAGE.digest), cache.blob(BLOB_DIGEST), cache.recall(TAG))
    cache.close()
    assert known == (None, None, None)
