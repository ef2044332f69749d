"""Members of a tar: found by name and by way of links, and never outside of it."""

import io
import tarfile
from pathlib import Path

import pytest

from mbuild.errors import SourceError
from mbuild.store.archive.file import Stream
from mbuild.store.archive.headers import Header
from mbuild.store.archive.members import Members
from mbuild.store.archive.steps import Steps
from tests.store.archive.world import AGAIN, bad_members, members_of
from tests.support.archives import PACKINGS, make_tar, packed

UNTRUSTED = "do not trust it: no tool makes such an archive of an image"


def write(path: Path, *members: tuple[str, bytes | str], packing: str = "plain") -> Path:
    """Write a tar; text in the place of bytes is where a symbolic link leads."""
    path.write_bytes(packed(make_tar(members), packing))
    return path


@pytest.fixture(params=PACKINGS)
def packing(request: pytest.FixtureRequest) -> str:
    """Each packing in turn."""
    return str(request.param)


def test_links(tmp_path: Path, packing: str) -> None:
    """Links are followed within the tar, from where they stand, one after another."""
    path = write(
        tmp_path / "a.tar",
        ("one/layer.tar", b"layer"),
        ("two/layer.tar", "../one/layer.tar"),
        ("three/layer.tar", "../two/layer.tar"),
        ("lost", "nowhere"),
        packing=packing,
    )
    members = members_of(path)
    header = members.find("three/layer.tar")
    assert header
    assert members.read(header) == b"layer"
    assert members.find("./one//layer.tar") == header
    assert members.find("lost") is None
    assert members.find("absent") is None
    assert members.find("../one/layer.tar") is None


def test_a_link_in_a_circle(tmp_path: Path) -> None:
    """Links that lead to one another lead nowhere."""
    members = members_of(write(tmp_path / "a.tar", ("a", "b"), ("b", "a")))
    with pytest.raises(SourceError) as caught:
        members.find("a")
    assert str(caught.value) == f"archive: 'a' is a link in a circle; {AGAIN}"


OUTSIDE = {
    "up": ("../evil", b"", "'../evil' leads"),
    "up from within": ("a/../../evil", b"", "'a/../../evil' leads"),
    "absolute": ("/etc/passwd", b"", "'/etc/passwd' leads"),
    "link up": ("a/link", "../../evil", "'a/link' links"),
    "absolute link": ("link", "/etc/passwd", "'link' links"),
}


@pytest.mark.parametrize(("name", "content", "told"), OUTSIDE.values(), ids=OUTSIDE)
def test_outside(tmp_path: Path, name: str, content: bytes | str, told: str) -> None:
    """A path or a link that leads outside makes the whole archive one that is not read."""
    path = write(tmp_path / "a.tar", ("index.json", b"{}"), (name, content))
    assert bad_members(path) == f"archive: {told} to a place outside of the archive; {UNTRUSTED}"


def test_a_hard_link_outside(tmp_path: Path) -> None:
    """A hard link starts from the root of the tar, and may not leave it either."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        entry = tarfile.TarInfo("a/b")
        entry.type, entry.linkname = tarfile.LNKTYPE, "../c"
        archive.addfile(entry)
    path = tmp_path / "a.tar"
    path.write_bytes(raw.getvalue())
    assert "'a/b' links to a place outside" in bad_members(path)


def test_twins(tmp_path: Path, packing: str) -> None:
    """A member that stands twice with the same content is one, with other content an error."""
    path = write(
        tmp_path / "a.tar",
        ("same", b"x" * 5000),
        ("same", b"x" * 5000),
        ("longer", b"x"),
        ("longer", b"xx"),
        ("other", b"x" * 400_000),
        ("other", b"x" * 399_999 + b"y"),
        ("link", "same"),
        ("link", "same"),
        ("mixed", "same"),
        ("mixed", b""),
        packing=packing,
    )
    members = members_of(path)
    assert members.find("same") == members.find("link")
    for name in ("longer", "other", "mixed"):
        with pytest.raises(SourceError) as caught:
            members.find(name)
        told = f"archive: '{name}' stands in it twice, with other content; {AGAIN}"
        assert str(caught.value) == told


def test_twins_are_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """However often a member that stands twice is asked for, it is compared but once."""
    path = write(tmp_path / "a.tar", ("same", b"x" * 5000), ("same", b"x" * 5000))
    members, read = members_of(path), []
    opened = Members.open

    def open_counted(self: Members, header: Header, offset: int = 0) -> Steps[Stream]:
        read.append(header.offset)
        return opened(self, header, offset)

    monkeypatch.setattr(Members, "open", open_counted)
    assert members.find("same") == members.find("same")
    assert len(read) == 2


def test_many_twins(tmp_path: Path) -> None:
    """A member that stands again and again is not read again and again."""
    path = write(tmp_path / "a.tar", *([("a", b"")] * 101))
    assert bad_members(path) == f"archive: 'a' stands in it often; {AGAIN}"


def test_folders(tmp_path: Path) -> None:
    """Folders are passed over, however often they stand there."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as archive:
        for name in ("./", "blobs", "blobs/", "blobs"):
            entry = tarfile.TarInfo(name)
            entry.type = tarfile.DIRTYPE
            archive.addfile(entry)
    path = tmp_path / "a.tar"
    path.write_bytes(raw.getvalue())
    assert members_of(path).find("blobs") is None


@pytest.mark.parametrize("name", ["index.json", "manifest.json", "oci-layout", "./index.json"])
def test_huge_texts(tmp_path: Path, name: str, packing: str) -> None:
    """What will be read whole is measured when it is met."""
    path = write(tmp_path / "a.tar", (name, b" " * 4_194_305), packing=packing)
    told = f"'{name}' has 4194305 bytes, and 4194304 are the most that are read; {AGAIN}"
    assert bad_members(path) == f"archive: {told}"


@pytest.mark.parametrize(
    ("start", "told"),
    [
        (b"BZh91AY&SY", "bzip2"),
        (b"\xfd7zXZ\x00\x00\x04", "xz"),
        (b"\x04\x22\x4d\x18\x64\x40", "lz4"),
    ],
    ids=["bzip2", "xz", "lz4"],
)
def test_other_compressions(tmp_path: Path, start: bytes, told: str) -> None:
    """A compression that is not read is told by its name."""
    path = tmp_path / "a.tar"
    path.write_bytes(start + bytes(2000))
    assert bad_members(path) == (
        f"archive: it is compressed with {told}, and only gzip and zstd are read; "
        "unpack it, or compress it with one of these"
    )
