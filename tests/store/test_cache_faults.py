"""What is wrong with the cache is told once, and the run goes on without it."""

import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from mbuild.store import cache_disk, cache_file
from mbuild.store.cache_disk import BATCH, MOST_WAITING, DiskCache
from mbuild.store.cache_file import VERSION
from tests.store.cache_world import IMAGE, TAG, WITHOUT, Shelf, manifest, use
from tests.support.cli import environment


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty cache."""
    return Shelf(tmp_path)


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long for a lock."""
    monkeypatch.setattr(cache_disk, "CLOSING_MS", 20)
    monkeypatch.setattr(cache_file, "OPENING_MS", 20)
    monkeypatch.setattr(cache_file, "READING_MS", 20)


def a_file_for_a_folder(path: Path) -> None:
    """A file stands where the cache's folder belongs."""
    path.parent.write_text("in the way")


def a_folder_for_the_file(path: Path) -> None:
    """A folder stands where the file belongs."""
    path.mkdir(parents=True)


def a_folder_for_the_journal(path: Path) -> None:
    """The file is there, and sqlite cannot make the one that it needs beside it."""
    Shelf(path.parents[1]).fill(IMAGE)
    path.with_name("content.db-wal").mkdir()


def a_later_version(path: Path) -> None:
    """A later version of the program has made the file."""
    Shelf(path.parents[1]).fill(IMAGE)
    Shelf(path.parents[1]).ask(f"PRAGMA user_version = {VERSION + 1}")


def of_another_program(path: Path) -> None:
    """Another program has a database there."""
    path.parent.mkdir()
    Shelf(path.parents[1]).ask("CREATE TABLE songs (title TEXT)")


def marked_by_another_program(path: Path) -> None:
    """Another program has marked the database as its own."""
    path.parent.mkdir()
    Shelf(path.parents[1]).ask("PRAGMA application_id = 77")


UNUSABLE: list[tuple[Callable[[Path], None], str]] = [
    (a_file_for_a_folder, "file exists"),
    (a_folder_for_the_file, "unable to open database file"),
    (a_folder_for_the_journal, "unable to open database file"),
    (a_later_version, "it is of a later version of mbuild"),
    (of_another_program, "it is another program's database"),
    (marked_by_another_program, "it is another program's database"),
]


@pytest.mark.parametrize(("prepare", "reason"), UNUSABLE, ids=[one.__name__ for one, _ in UNUSABLE])
def test_unusable(shelf: Shelf, prepare: Callable[[Path], None], reason: str) -> None:
    """A cache that cannot be opened is one warning, and stays as it is."""
    prepare(shelf.path)
    before = shelf.path.read_bytes() if shelf.path.is_file() else b""
    use(shelf)
    assert shelf.warnings == [f"the cache 'PATH' cannot be used: {reason}; {WITHOUT}"]
    assert (shelf.path.read_bytes() if shelf.path.is_file() else b"") == before


def test_denied(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """So is a folder that may not be written to; to root nothing is denied, so it is acted."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied", str(shelf.path.parent))

    monkeypatch.setattr(Path, "mkdir", deny)
    use(shelf)
    assert shelf.warnings == [f"the cache 'PATH' cannot be used: permission denied; {WITHOUT}"]


@contextmanager
def read_only(path: Path) -> Iterator[None]:
    """Make sqlite open the file for reading alone, as it does where writing is denied."""
    connect = sqlite3.connect

    def connect_read_only(_: object, **options: object) -> sqlite3.Connection:
        return connect(f"file:{path}?mode=ro", uri=True, **options)  # type: ignore[call-overload,no-any-return]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sqlite3, "connect", connect_read_only)
        yield


def test_read_only(shelf: Shelf) -> None:
    """A file that can only be read is read, until there is something to write."""
    shelf.fill(IMAGE)
    with read_only(shelf.path):
        with shelf.open() as cache:
            assert cache.content(IMAGE.digest) == IMAGE
        assert shelf.warnings == []
        use(shelf)
    reason = "attempt to write a readonly database"
    assert shelf.warnings == [f"the cache 'PATH' cannot be used: {reason}; {WITHOUT}"]


@contextmanager
def locked(path: Path, how: str) -> Iterator[None]:
    """Hold the file, as another process that does not let go."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute(how)
        yield
        connection.execute("ROLLBACK")


@pytest.mark.usefixtures("impatient")
def test_locked_for_writing(shelf: Shelf) -> None:
    """Where another process writes for ever, the cache is read; what is new is lost at the end."""
    shelf.fill(IMAGE)
    with locked(shelf.path, "BEGIN IMMEDIATE"):
        with shelf.open() as cache:
            for number in range(BATCH + 5):
                cache.keep(manifest(number, 10))
            assert cache.content(IMAGE.digest) == IMAGE
            assert cache.content(manifest(0, 10).digest) == manifest(0, 10)
            assert shelf.warnings == []
        assert shelf.warnings == [f"the cache 'PATH' cannot be used: database is locked; {WITHOUT}"]


@pytest.mark.usefixtures("impatient")
def test_locked_for_a_while(shelf: Shelf) -> None:
    """Where another process lets go in time, nothing is lost."""
    shelf.fill(IMAGE)
    with shelf.open() as cache:
        with locked(shelf.path, "BEGIN IMMEDIATE"):
            for number in range(3 * BATCH):
                cache.keep(manifest(number, 10))
        cache.keep(manifest(3 * BATCH, 10))
    assert shelf.warnings == []
    assert shelf.ask("SELECT count(*) FROM contents") == [(3 * BATCH + 2,)]


@pytest.mark.usefixtures("impatient")
def test_locked_for_too_long(shelf: Shelf) -> None:
    """What waits to be written does not grow without end."""
    shelf.fill(IMAGE)
    with locked(shelf.path, "BEGIN IMMEDIATE"), shelf.open() as cache:
        for number in range(MOST_WAITING + BATCH):
            cache.keep(manifest(number, 10))
        assert len(shelf.warnings) == 1
        assert cache.content(manifest(0, 10).digest) is None
    assert shelf.warnings == [f"the cache 'PATH' cannot be used: database is locked; {WITHOUT}"]


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize("mode", ["WAL", "DELETE"])
def test_locked_altogether(shelf: Shelf, mode: str) -> None:
    """Where not even reading is possible, the run waits once and no more."""
    shelf.fill(IMAGE)
    shelf.ask(f"PRAGMA journal_mode = {mode}")
    lock = "PRAGMA locking_mode = EXCLUSIVE" if mode == "WAL" else "BEGIN EXCLUSIVE"
    with closing(sqlite3.connect(shelf.path, isolation_level=None)) as connection:
        connection.execute(lock)
        if mode == "WAL":
            connection.execute("BEGIN IMMEDIATE")
        use(shelf)
    assert shelf.warnings == [f"the cache 'PATH' cannot be used: database is locked; {WITHOUT}"]


SMALL_DISK = """
import resource, signal, sys
from contextlib import closing
from pathlib import Path
from mbuild.store.cache_disk import DiskCache
from tests.store.cache_world import use, WITHOUT, manifest
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[2]), resource.RLIM_INFINITY))
with closing(DiskCache(Path(sys.argv[1]), print)) as cache:
    for number in range(400):
        content = manifest(number)
        cache.keep(content)
        assert cache.content(content.digest) in {content, None}
"""


@pytest.mark.parametrize("size", [0, 100, 10_000, 40_000, 200_000])
def test_full_disk(shelf: Shelf, size: int) -> None:
    """A disk that is full, at whatever moment, is one warning, and leaves a file that is whole."""
    kept = {name: value for name, value in environment().items() if not name.startswith("COV")}
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", SMALL_DISK, str(shelf.path), str(size)],
        env=kept, check=True, capture_output=True, text=True,
    )  # fmt: skip
    (warning,) = done.stdout.replace(str(shelf.path), "PATH").splitlines()
    reasons = ("database or disk is full", "disk I/O error")
    assert warning in {f"the cache 'PATH' cannot be used: {one}; {WITHOUT}" for one in reasons}
    assert done.stderr == ""
    use(shelf)
    assert shelf.warnings == []
    assert shelf.ask("PRAGMA integrity_check") == [("ok",)]


def test_closed(shelf: Shelf) -> None:
    """A cache that was closed keeps and knows nothing, and can be closed again."""
    shelf.fill(IMAGE)
    with shelf.open() as cache:
        cache.close()
        cache.keep(manifest(1))
        cache.note(TAG, IMAGE.descriptor())
        assert (cache.content(IMAGE.digest), cache.recall(TAG)) == (None, None)
    assert shelf.holds(manifest(1).digest) == [False]


def test_another_thread(shelf: Shelf) -> None:
    """Used where it must not be, the cache says so, and its file stays."""
    shelf.fill(IMAGE)
    with shelf.open() as cache:
        assert cache.content(IMAGE.digest) == IMAGE
        with ThreadPoolExecutor() as threads:
            assert threads.submit(cache.content, IMAGE.digest).result() is None
    (warning,) = shelf.warnings
    assert "thread" in warning
    assert shelf.holds(IMAGE.digest) == [True]


def test_file_that_is_taken_away(shelf: Shelf) -> None:
    """A cache whose folder is removed during a run is used to its end, or is one warning."""
    shelf.fill(IMAGE)
    with shelf.open() as cache:
        assert cache.content(IMAGE.digest) == IMAGE
        for path in shelf.path.parent.iterdir():
            path.unlink()
        shelf.path.parent.rmdir()
        for number in range(2 * BATCH):
            cache.keep(manifest(number))
    assert len(shelf.warnings) <= 1
    assert isinstance(cache, DiskCache)
