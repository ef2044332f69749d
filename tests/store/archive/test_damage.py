"""Archives damaged at random: each gives what it gave before, or an error of the tree."""

import asyncio
import random
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from mbuild.errors import MbuildError, make_fault
from mbuild.oci import media_types
from mbuild.oci.digest import digest_of
from mbuild.oci.local_reference import ArchiveReference, ArchiveTransport
from mbuild.oci.manifest import Content, parse_image_manifest
from mbuild.store.archive.archive import ArchiveStore
from tests.store.archive.world import AMD64, ARM64, read_blob
from tests.support.archives import docker_members, make_tar, new_docker_members, oci_members, packed

KINDS = {
    "oci-archive": make_tar(oci_members({"1.0": AMD64, "2.0": ARM64})),
    "docker-archive": make_tar(docker_members({"app:1.0": AMD64, "app:2.0": ARM64})),
    "new docker-archive": make_tar(new_docker_members("app:1.0", AMD64)),
}


@st.composite
def damages(draw: st.DrawFn, raw: bytes) -> bytes:
    """Bytes flipped, cut out, put in twice, or cut off; mostly where headers and texts are."""
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, max(0, len(raw) - 1)))
        at = at if draw(st.booleans()) else at // 512 * 512 + draw(st.integers(0, 160))
        size = draw(st.sampled_from([1, 7, 512, 1024, 4096]))
        kind = draw(st.sampled_from(["flip", "drop", "twice", "cut", "zero"]))
        part = raw[at : at + size]
        replaced = {
            "flip": bytes([part[0] ^ 1 << draw(st.integers(0, 7))]) + part[1:] if part else b"",
            "drop": b"",
            "twice": part + part,
            "cut": None,
            "zero": bytes(len(part)),
        }[kind]
        raw = raw[:at] if replaced is None else raw[:at] + replaced + raw[at + size :]
    return raw


async def look(store: ArchiveStore) -> list[Content]:
    """Read all that an archive holds; every manifest is what its digest says."""
    found = []
    for tag in await store.list_tags():
        content = await store.fetch_manifest(tag)
        assert digest_of(content.raw) == content.digest
        found.append(content)
        if media_types.is_image_manifest(content.media_type):
            try:
                blobs = parse_image_manifest(content.raw).blobs
            except ValueError:
                continue
            for blob in blobs:  # what is wrong is found by whoever checks what is read
                found_size, _ = await store.hash_blob(blob)
                assert len(await read_blob(store, blob)) == found_size
    return found


def run(kind: str, raw: bytes) -> object:
    """Look into an archive of these bytes; what it gives, or the error."""
    transport: ArchiveTransport = "oci-archive" if kind.startswith("oci") else "docker-archive"
    with TemporaryDirectory() as folder:
        path = Path(folder) / "app.tar"
        path.write_bytes(raw)
        store = ArchiveStore(ArchiveReference(transport, str(path)))
        try:
            return asyncio.run(look(store))
        except MbuildError as error:
            told = error
    assert "\n" not in str(told)
    assert str(path) in str(told)
    return told


@pytest.mark.parametrize("packing", ["plain", "gzip", "zstd"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=60)
@given(data=st.data())
def test_damaged_tar(kind: str, packing: str, data: st.DataObject) -> None:
    """Whatever happens to the tar, nothing is given that is not what it is named by."""
    outcome = run(kind, packed(data.draw(damages(KINDS[kind])), packing))
    assert isinstance(outcome, list | MbuildError)


@pytest.mark.parametrize("packing", ["gzip", "zstd"])
@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=40)
@given(data=st.data())
def test_damaged_compression(kind: str, packing: str, data: st.DataObject) -> None:
    """Whatever happens to the compressed file, it is the same."""
    outcome = run(kind, data.draw(damages(packed(KINDS[kind], packing))))
    assert isinstance(outcome, list | MbuildError)


@given(raw=st.binary(max_size=3000))
@example(raw=b"\x1f\x8b")
@example(raw=b"\x28\xb5\x2f\xfd")
@example(raw=b"\x50\x2a\x4d\x18\xff\xff\xff\xff")
def test_anything(raw: bytes) -> None:
    """Bytes that were no archive at any time are an error."""
    assert isinstance(run("oci-archive", raw), MbuildError)


def test_nothing_damaged() -> None:
    """An archive that is whole gives all its images."""
    for kind, raw in KINDS.items():
        found = run(kind, raw)
        assert isinstance(found, list), make_fault(found)  # type: ignore[arg-type]
        assert len(found) == (1 if kind.startswith("new") else 2)


def test_members_in_any_order() -> None:
    """Nothing depends on the order of the members."""
    members = list(oci_members({"1.0": AMD64, "2.0": ARM64}).items())
    for seed in range(5):
        random.Random(seed).shuffle(members)
        assert isinstance(run("oci-archive", packed(make_tar(dict(members)), "zstd")), list)
