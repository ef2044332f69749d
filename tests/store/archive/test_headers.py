"""Headers of a tar: what they say in each dialect, and what is wrong with bad ones."""

import io
import tarfile
from pathlib import Path
from typing import Literal

import pytest

from mbuild.store.archive.headers import MAX_EXTENSION, MAX_NAME, Header
from mbuild.store.archive.headers import show as shown
from tests.store.archive.world import AGAIN, bad_members, members_of
from tests.support.archives import make_tar

LONG = "blobs/" + "x" * 300
Dialect = Literal[0, 1, 2]
DIALECTS: dict[str, Dialect] = {
    "ustar": tarfile.USTAR_FORMAT,
    "GNU": tarfile.GNU_FORMAT,
    "pax": tarfile.PAX_FORMAT,
}


def tar_of(
    entry: tarfile.TarInfo, content: bytes = b"", dialect: Dialect = tarfile.GNU_FORMAT
) -> bytes:
    """A tar of one member, whatever its header says."""
    padding = bytes(-len(content) % 512)
    return entry.tobuf(dialect, "utf-8") + content + padding + bytes(1024)


def entry_of(name: str, **fields: object) -> tarfile.TarInfo:
    """The header of a member."""
    entry = tarfile.TarInfo(name)
    for key, value in fields.items():
        setattr(entry, key, value)
    return entry


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
@pytest.mark.parametrize("name", ["index.json", "./a/b", "ä/ö", "d" * 90 + "/" + "n" * 90])
def test_names(tmp_path: Path, dialect: Dialect, name: str) -> None:
    """Whoever wrote the tar, a file is found by its name, with its bytes."""
    path = tmp_path / "a.tar"
    path.write_bytes(tar_of(entry_of(name, size=3), b"abc", dialect))
    members = members_of(path)
    header = members.find(name)
    assert header
    assert members.read(header) == b"abc"


@pytest.mark.parametrize("dialect", ["GNU", "pax"])
def test_long_names(tmp_path: Path, dialect: str) -> None:
    """Names and targets of links that need a header of their own are read from it."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=DIALECTS[dialect]) as archive:
        archive.addfile(entry_of(LONG, size=3), io.BytesIO(b"abc"))
        archive.addfile(entry_of("short", type=tarfile.LNKTYPE, linkname=LONG))
        archive.addfile(entry_of("after", size=1), io.BytesIO(b"x"))
    path = tmp_path / "a.tar"
    path.write_bytes(raw.getvalue())
    members = members_of(path)
    assert members.find("short") == members.find(LONG) != members.find("after")


def test_pax_says_more(tmp_path: Path) -> None:
    """A size in a pax header counts, as do keys that mean nothing here, and global ones not."""
    entry = entry_of("a", size=3, pax_headers={"size": "3", "comment": "ä", "mtime": "1.5"})
    raw = io.BytesIO()
    with tarfile.open(
        fileobj=raw, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"path": "global"}
    ) as archive:
        archive.addfile(entry, io.BytesIO(b"abc"))
    path = tmp_path / "a.tar"
    path.write_bytes(raw.getvalue())
    header = members_of(path).find("a")
    assert header
    assert header.size == 3


def pax(records: bytes) -> bytes:
    """A tar whose only file has a pax header of these records."""
    return tar_of(entry_of("x", type=tarfile.XHDTYPE, size=len(records)), records)[:1024] + tar_of(
        entry_of("a")
    )


WHOLE = make_tar({"a": b"x" * 1000, "b": b"y" * 1000})
BAD = {
    "text": (b"hello" * 200, "it is not a tar archive"),
    "short text": (b"hello", "it is not a tar archive"),
    "nothing": (b"", "the file is empty"),
    "damaged header": (
        WHOLE[:1536] + b"?" + WHOLE[1537:],
        "the header at byte 1536 is damaged",
    ),
    "half a header": (
        WHOLE[:1700],
        "it is cut short: it ends within a member, at byte 1700 or later",
    ),
    "half a file": (
        WHOLE[:2100],
        "it is cut short: it ends within a member, at byte 2048 or later",
    ),
    "device": (
        tar_of(entry_of("dev/null", type=tarfile.CHRTYPE)),
        "'dev/null' is a device, which no image has",
    ),
    "pipe": (
        tar_of(entry_of("pipe", type=tarfile.FIFOTYPE)),
        "'pipe' is a named pipe, which no image has",
    ),
    "sparse": (
        tar_of(entry_of("s", type=tarfile.GNUTYPE_SPARSE)),
        "'s' is a sparse file, which no image has",
    ),
    "sparse in pax": (
        tar_of(entry_of("s", pax_headers={"GNU.sparse.major": "1"}), dialect=tarfile.PAX_FORMAT),
        "'s' is a sparse file, which no image has",
    ),
    "unknown kind": (
        tar_of(entry_of("u", type=b"Z")),
        "'u' is of an unknown kind ('Z'), which no image has",
    ),
    "negative size": (
        tar_of(entry_of("n", size=-1)),
        "the header of 'n' is damaged: its size is no size",
    ),
    "no size": (
        tar_of(entry_of("n", pax_headers={"size": "many"}), dialect=tarfile.PAX_FORMAT),
        "the header of 'n' is damaged: its size is no size",
    ),
    "endless size": (
        tar_of(entry_of("n", pax_headers={"size": "9" * 30}), dialect=tarfile.PAX_FORMAT),
        "the header of 'n' is damaged: its size is no size",
    ),
    "huge long name": (
        tar_of(entry_of("x", type=tarfile.GNUTYPE_LONGNAME, size=5_000_000_000)),
        (
            "a header at byte 512 has 5000000000 bytes, "
            f"and {MAX_EXTENSION} are the most that are read"
        ),
    ),
    "long name cut short": (
        tar_of(entry_of("x", type=tarfile.GNUTYPE_LONGNAME, size=600))[:600],
        "it is cut short: it ends within a member, at byte 600 or later",
    ),
    "endless name": (
        tar_of(entry_of("n" * (MAX_NAME + 1))),
        f"'{'n' * 200}'… has a name of more than {MAX_NAME} characters",
    ),
    "pax without length": (pax(b"path=a\n"), "the pax header at byte 1024 is damaged"),
    "pax of length 0": (pax(b"0 path=a\n"), "the pax header at byte 1024 is damaged"),
    "pax without value": (pax(b"7 path\n"), "the pax header at byte 1024 is damaged"),
    "pax too long": (pax(b"99 path=a\n"), "the pax header at byte 1024 is damaged"),
    "huge file": (
        tar_of(entry_of("blob", size=2**62)),
        "it is cut short: it ends within a member, at byte 512 or later",
    ),
}


@pytest.mark.parametrize(("raw", "message"), BAD.values(), ids=BAD)
def test_bad(tmp_path: Path, raw: bytes, message: str) -> None:
    """What is no tar, cut short or damaged, or holds what no image has, is told."""
    path = tmp_path / "a.tar"
    path.write_bytes(raw)
    assert bad_members(path) == f"archive: {message}; {AGAIN}"


@pytest.mark.parametrize("cut", [1024, 512, 0], ids=["one block", "no end", "no padding"])
def test_ends(tmp_path: Path, cut: int) -> None:
    """A tar whose last blocks of zeros are missing is whole all the same."""
    path = tmp_path / "a.tar"
    whole = WHOLE[: 512 + 1024 + 512 + 1024 + cut] if cut else WHOLE[: 512 + 1024 + 512 + 1000]
    path.write_bytes(whole)
    members = members_of(path)
    header = members.find("b")
    assert header == Header("b", 2048, 1000)
    assert members.read(header) == b"y" * 1000


def test_what_follows_the_end(tmp_path: Path) -> None:
    """Behind the blocks of zeros nothing is looked at."""
    path = tmp_path / "a.tar"
    path.write_bytes(WHOLE + b"anything")
    assert members_of(path).find("b")


def test_too_many(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Members, headers and names have a bound each."""
    path = tmp_path / "a.tar"
    path.write_bytes(make_tar({f"member {number}": b"" for number in range(6)}))
    told = "it has more members than an image has (5 at most)"
    for name, value, message in [
        ("MAX_MEMBERS", 5, told),
        ("MAX_NAMES", 30, "it has more members than an image has (50000 at most)"),
        ("MAX_HEADERS", 5, "it has more than 5 headers"),
    ]:
        with monkeypatch.context() as patch:
            patch.setattr(f"mbuild.store.archive.headers.{name}", value)
            assert bad_members(path) == f"archive: {message}; {AGAIN}"


def test_shown_names() -> None:
    """A name in a message is quoted, plain and not endless."""
    assert shown("a\nb") == r"'a\nb'"
    assert shown("x" * 300) == f"'{'x' * 200}'…"
