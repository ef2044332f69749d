"""However large an archive is, or says it is, little of it is in memory at a time."""

import gzip
import json
import tarfile
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mbuild.errors import SourceError
from mbuild.oci.manifest import parse_image_manifest
from mbuild.store.archive.archive import ArchiveStore
from tests.store.archive.world import AMD64, ask, bad_members, error_of
from tests.support.archives import make_tar, oci_members, packed
from tests.support.images import digest_of

MOST = 40 * 1024 * 1024


@contextmanager
def bounded() -> Iterator[None]:
    """Fail where more memory is taken than may be."""
    tracemalloc.start()
    try:
        yield
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < MOST


def entry_of(name: str, size: int) -> bytes:
    """The header of a file that says it has so many bytes."""
    entry = tarfile.TarInfo(name)
    entry.size = size
    return entry.tobuf(tarfile.GNU_FORMAT, "utf-8", "strict")


def sparse(path: Path, start: bytes, size: int) -> Path:
    """A file that begins with some bytes, and has so many in all that are nowhere on the disk."""
    path.write_bytes(start)
    with path.open("r+b") as file:
        file.truncate(size)
    return path


GIGABYTES = 5_000_000_000
TOO_LARGE = "has 5000000000 bytes, and 4194304 are the most that are read"
MANIFEST = f"blobs/sha256/{AMD64.digest[7:]}"


def huge_index(path: Path) -> Path:
    return sparse(path, entry_of("index.json", GIGABYTES), GIGABYTES + 1536)


def huge_manifest(path: Path) -> Path:
    whole = oci_members({"1.0": AMD64})
    del whole[MANIFEST]
    start = make_tar(whole)
    start = start[: -(len(start) % 512 or 512)].rstrip(b"\0")
    start += bytes(-len(start) % 512) + entry_of(MANIFEST, GIGABYTES)
    return sparse(path, start, len(start) + GIGABYTES)


def huge_config(path: Path) -> Path:
    saved = json.dumps([{"Config": "config", "Layers": []}]).encode()
    start = entry_of("manifest.json", len(saved)) + saved + bytes(-len(saved) % 512)
    return sparse(path, start + entry_of("config", GIGABYTES), len(start) + 512 + GIGABYTES)


HUGE = {
    "index": (huge_index, "oci-archive", f"'index.json' {TOO_LARGE}"),
    "manifest": (huge_manifest, "oci-archive", f"'{MANIFEST}' {TOO_LARGE}"),
    "config": (huge_config, "docker-archive", f"'config' {TOO_LARGE}"),
}


@pytest.mark.parametrize(("make", "kind", "message"), HUGE.values(), ids=HUGE)
def test_huge_texts(tmp_path: Path, make: Callable[[Path], Path], kind: str, message: str) -> None:
    """A manifest or config of five gigabytes is not read."""
    path = make(tmp_path / "app.tar")
    with bounded():
        told = error_of(kind, path, lambda store: store.fetch_manifest(""))
    assert told == ("SourceError", f"{kind}:FILE: {message}; make the archive again")


def test_many_members(tmp_path: Path) -> None:
    """An archive of a hundred thousand members is refused when it has shown half of them."""
    some = b"".join(entry_of(f"m/{number}", 0) for number in range(1000))
    path = tmp_path / "app.tar"
    path.write_bytes(packed(some * 100, "gzip"))
    with bounded():
        told = bad_members(path)
    message = "it has more members than an image has (50000 at most)"
    assert told == f"archive: {message}; make the archive again"


def test_a_bomb(tmp_path: Path) -> None:
    """A layer of zeros that is a thousand times smaller in the file is read piece by piece."""
    layer = bytes(200 * 1024 * 1024)
    config = json.dumps({"rootfs": {"diff_ids": [digest_of(layer)]}}).encode()
    saved = json.dumps([{"Config": "c", "Layers": ["layer.tar"]}]).encode()
    path = tmp_path / "app.tar.gz"
    with gzip.open(path, "wb", compresslevel=1) as file:
        file.write(entry_of("layer.tar", len(layer)))
        file.write(layer)
        file.write(make_tar({"c": config, "manifest.json": saved}))
    del layer

    async def use(store: ArchiveStore) -> int:
        manifest = parse_image_manifest((await store.fetch_manifest("")).raw)
        (only,) = manifest.layers
        async with store.open_blob(only) as chunks:
            return sum([len(chunk) async for chunk in chunks])

    with bounded():
        assert ask("docker-archive", path, use) < 1024 * 1024


def test_a_long_name_is_not_believed(tmp_path: Path) -> None:
    """A header for a name of five gigabytes is refused before it is read."""
    entry = tarfile.TarInfo("././@LongLink")
    entry.type, entry.size = tarfile.GNUTYPE_LONGNAME, GIGABYTES
    path = sparse(tmp_path / "app.tar", entry.tobuf(tarfile.GNU_FORMAT), GIGABYTES)
    with bounded(), pytest.raises(SourceError, match="a header at byte 512 has 5000000000 bytes"):
        ask("oci-archive", path, lambda store: store.fetch_manifest(""))
