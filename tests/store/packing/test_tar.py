"""A tar is the same bytes for the same members, and any tool reads it."""

import io
import subprocess
import tarfile
from pathlib import Path

import pytest

from mbuild.store.packing.tar import TarWriter
from tests.support.images import digest_of

GIB = 1024**3


def tar_of(**members: bytes) -> bytes:
    """A tar of some files."""
    file = io.BytesIO()
    writer = TarWriter(file)
    for name, content in members.items():
        writer.add(name, content)
    writer.close()
    return file.getvalue()


def test_bytes() -> None:
    """The bytes are fixed: another release of mbuild, or of Python, writes the same."""
    raw = tar_of(a=b"one", b=bytes(512), c=b"")
    assert (len(raw), digest_of(raw)) == (
        10240,
        "sha256:a821506728cd84392a547320b1f8f8fc8232298a8915d2da0f43f6d4651fabab",
    )


def test_members() -> None:
    """Files have no owner and no time, and one mode; content of any length is whole."""
    with tarfile.open(fileobj=io.BytesIO(tar_of(a=b"one", b=bytes(513)))) as archive:
        members = archive.getmembers()
        contents = [archive.extractfile(one) for one in members]
        assert [file.read() for file in contents if file] == [b"one", bytes(513)]
    assert [(one.name, one.size, one.mode, one.mtime) for one in members] == [
        ("a", 3, 0o644, 0),
        ("b", 513, 0o644, 0),
    ]
    assert {(one.uid, one.gid, one.uname, one.gname, one.isreg()) for one in members} == {
        (0, 0, "", "", True)
    }


def test_tar_reads_it(tmp_path: Path) -> None:
    """Debian's tar lists the members."""
    (tmp_path / "app.tar").write_bytes(tar_of(a=b"one", b=b"two"))
    listed = subprocess.run(
        ["/bin/tar", "-tf", tmp_path / "app.tar"], capture_output=True, check=True
    )
    assert listed.stdout.decode().split() == ["a", "b"]


@pytest.mark.parametrize("size", [8 * GIB - 1, 8 * GIB, 20 * GIB])
def test_large_member(size: int) -> None:
    """A file that ustar has no room for, from 8 GiB on, has its size in a pax header."""
    file = io.BytesIO()
    TarWriter(file).begin("layer", size)
    assert (len(file.getvalue()) > 512) == (size >= 8 * GIB)
    file.seek(0)
    with tarfile.open(fileobj=file, mode="r:") as archive:
        found = archive.next()
    assert found is not None
    assert (found.name, found.size) == ("layer", size)
