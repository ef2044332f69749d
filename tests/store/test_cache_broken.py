"""A cache whose file is damaged: nothing wrong is read, and it is made anew."""

import random
from pathlib import Path

import pytest

from mbuild.oci.manifest import Content
from mbuild.store.cache_file import APPLICATION
from tests.store.cache_world import TAG, WITHOUT, Shelf, manifest, use

MADE_ANEW = "the cache 'PATH' was broken, and was made anew"


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    """An empty cache."""
    return Shelf(tmp_path)


@pytest.mark.parametrize(
    "content",
    [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000],
    ids=["something else", "damaged header"],
)
def test_broken_file(shelf: Shelf, content: bytes) -> None:
    """A file that is no database any more is made anew, and used at once."""
    shelf.path.parent.mkdir()
    shelf.path.write_bytes(content)
    shelf.path.with_name("content.db-wal").write_bytes(b"left behind")
    use(shelf)
    assert shelf.warnings == [MADE_ANEW]
    shelf.warnings.clear()
    use(shelf)
    assert shelf.warnings == []
    assert shelf.holds(manifest(0).digest) == [True]


def test_empty_file(shelf: Shelf) -> None:
    """An empty file, as a process leaves it that is killed at once, is a cache with nothing in it."""
    shelf.path.parent.mkdir()
    shelf.path.touch()
    use(shelf)
    assert (shelf.warnings, shelf.holds(manifest(0).digest)) == ([], [True])


def test_earlier_version(shelf: Shelf) -> None:
    """A file of an earlier version is made anew, without a word."""
    shelf.path.parent.mkdir()
    shelf.ask(f"PRAGMA application_id = {APPLICATION}")
    shelf.ask("CREATE TABLE contents (anything TEXT)")
    use(shelf)
    assert (shelf.warnings, shelf.holds(manifest(0).digest)) == ([], [True])


def filled(shelf: Shelf) -> list[Content]:
    """Fill the cache with more than fits into a few pages."""
    contents = [manifest(number, 3000) for number in range(200)]
    shelf.fill(*contents)
    return contents


def damage(path: Path) -> None:
    """Overwrite all pages but the first two, which sqlite reads when it opens a file."""
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(8192)
        file.write(b"\xa5" * (size - 8192))


def test_broken_pages(shelf: Shelf) -> None:
    """A file that turns out to be damaged is removed, and is made anew by the next run."""
    contents = filled(shelf)
    damage(shelf.path)
    with shelf.open() as cache:
        assert [cache.content(content.digest) for content in contents] == [None] * 200
    (warning,) = shelf.warnings
    assert "broken" in warning or "malformed" in warning
    shelf.warnings.clear()
    shelf.fill(*contents)
    with shelf.open() as cache:
        assert [cache.content(content.digest) for content in contents] == contents
    assert shelf.warnings == []


def worn(raw: bytes, seed: int) -> bytes:
    """A file some of whose bytes are others now, more often at its beginning."""
    dice = random.Random(seed)
    content = bytearray(raw)
    for _ in range(dice.choice([1, 3, 30, 300])):
        place = dice.randrange(len(content) if dice.random() < 0.7 else 4096)
        content[place] = dice.randrange(256)
    return bytes(content[: dice.randrange(len(content))] if dice.random() < 0.1 else content)


@pytest.mark.parametrize("seed", range(60))
def test_worn_file(shelf: Shelf, seed: int) -> None:
    """Whatever bytes are damaged: nothing is raised, what is read is right, and it heals."""
    contents = [manifest(number, 300) for number in range(60)]
    shelf.fill(*contents)
    with shelf.open() as cache:
        for content in contents:
            cache.note(f"{TAG}-{content.digest}", content.descriptor())
    shelf.path.write_bytes(worn(shelf.path.read_bytes(), seed))
    for _ in range(2):
        shelf.warnings.clear()
        with shelf.open() as cache:
            for content in contents:
                cache.recall(f"{TAG}-{content.digest}")
                assert cache.content(content.digest) in {content, None}
                cache.keep(content)
        assert len(shelf.warnings) <= 1
    assert not shelf.warnings or "later version" in shelf.warnings[0]


def test_broken_file_that_cannot_be_removed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    """A broken file that stays is a warning in each run."""

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    shelf.path.parent.mkdir()
    shelf.path.write_bytes(b"no database at all" * 100)
    monkeypatch.setattr(Path, "unlink", deny)
    use(shelf)
    use(shelf)
    warning = f"the cache 'PATH' cannot be used: permission denied; {WITHOUT}"
    assert shelf.warnings == [warning] * 2


def test_damaged_while_it_is_open_and_not_removable(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """That a file found damaged cannot be removed is not told beside the damage."""
    contents = filled(shelf)

    def deny(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    with shelf.open() as cache:
        assert cache.recall(TAG) is None
        damage(shelf.path)
        monkeypatch.setattr(Path, "unlink", deny)
        assert [cache.content(content.digest) for content in contents] == [None] * 200
    assert shelf.warnings == [
        f"the cache 'PATH' cannot be used: database disk image is malformed; {WITHOUT}"
    ]
