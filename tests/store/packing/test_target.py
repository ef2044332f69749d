"""An archive that is written to: packed whole, reproducibly, with all that others put there."""

import asyncio
import json
import os
import tarfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from mbuild.errors import SourceError, StoreError
from mbuild.oci.digest import parse_digest
from mbuild.oci.reference import ArchiveReference
from mbuild.store.packing.bundle import Bundle
from mbuild.store.packing.tar import TarWriter
from mbuild.store.packing.target import ArchiveTarget
from mbuild.store.store import Store
from tests.store.packing.world import (
    REF_NAME,
    blobs_in,
    digests_of,
    error_of,
    members,
    names,
    pack_layout,
    push,
    tags_in,
    use_archive,
    write,
)
from tests.support.images import Content, digest_of, make_image, make_index
from tests.support.values import blob_descriptor, content_of, stream_of

AMD64, ARM64, OTHER = map(make_image, ("linux/amd64", "linux/arm64", "linux/s390x"))
INDEX = make_index(AMD64, ARM64)
NEXT = make_index(AMD64, OTHER)


def test_new_archive(tmp_path: Path) -> None:
    """It holds a layout: what names the rest first, then the blobs in the order of their names."""
    file = write(tmp_path / "dist" / "app.tar", {"1.0": INDEX})
    assert (tags_in(file), blobs_in(file)) == ({"1.0": INDEX.digest}, digests_of(INDEX))
    held = list(members(file))
    assert held[:2] == ["oci-layout", "index.json"]
    assert held[2:] == sorted(held[2:])
    assert json.loads(members(file)["oci-layout"]) == {"imageLayoutVersion": "1.0.0"}
    assert names(tmp_path / "dist") == ["app.tar"]
    assert file.stat().st_mode & 0o777 == 0o644


def test_same_bytes(tmp_path: Path) -> None:
    """The same tags on the same images are the same file, whatever came first, and when."""
    one = write(tmp_path / "one.tar", {"1.0": INDEX, "2.0": NEXT, "latest": NEXT})
    other = write(tmp_path / "other.tar", {"latest": INDEX, "2.0": NEXT, "1.0": INDEX})
    assert one.read_bytes() != other.read_bytes()
    write(other, {"latest": NEXT})
    assert one.read_bytes() == other.read_bytes()


def test_nothing_is_left_out_or_over(tmp_path: Path) -> None:
    """A tag that moves leaves behind what no entry reaches any more; what others reach stays."""
    file = write(tmp_path / "app.tar", {"1.0": INDEX, "2.0": OTHER})
    write(file, {"1.0": NEXT})
    assert tags_in(file) == {"1.0": NEXT.digest, "2.0": OTHER.digest}
    assert blobs_in(file) == digests_of(NEXT, OTHER)


@pytest.mark.parametrize("suffix", ["tar", "tar.gz"])
def test_others_entries(tmp_path: Path, suffix: str) -> None:
    """What another tool has put into an archive stays, its tags, keys and nameless images too."""
    made = pack_layout(
        tmp_path / "made.tar", {"theirs": INDEX, "": OTHER}, annotations={"by": "them"}
    )
    file = tmp_path / f"app.{suffix}"
    if suffix == "tar":
        made.rename(file)
    else:
        with tarfile.open(made) as old, tarfile.open(file, "w:gz") as new:
            for member in old:
                new.addfile(member, old.extractfile(member))
    write(file, {"ours": NEXT})
    assert tags_in(file) == {"": OTHER.digest, "ours": NEXT.digest, "theirs": INDEX.digest}
    assert blobs_in(file) == digests_of(NEXT, INDEX, OTHER)
    assert json.loads(members(file)["index.json"])["annotations"] == {"by": "them"}


def test_others_gaps(tmp_path: Path) -> None:
    """Where others have left a blob out, that is no matter of ours, and stays so."""
    file = pack_layout(tmp_path / "app.tar", {"theirs": INDEX})
    (gone,) = ARM64.layers
    kept = {name: raw for name, raw in members(file).items() if raw != gone}
    with tarfile.open(file, "w") as archive:
        for name, raw in kept.items():
            path = tmp_path / "blob"
            path.write_bytes(raw)
            archive.add(path, name)
    write(file, {"ours": OTHER})
    assert tags_in(file) == {"ours": OTHER.digest, "theirs": INDEX.digest}
    assert blobs_in(file) == digests_of(INDEX, OTHER) - {digest_of(gone)}


def test_missing_blob(tmp_path: Path) -> None:
    """A tag is not put on an image without all its blobs: the archive stays what it was."""
    file = write(tmp_path / "app.tar", {"1.0": OTHER})
    before = file.read_bytes()

    async def put(store: ArchiveTarget) -> None:
        await store.put_manifest("2.0", content_of(AMD64))

    missing = min(AMD64.blobs, key=lambda blob: blob != AMD64.layers[0])
    kind, code, text = error_of(file, put)
    assert (kind, code) == ("StoreError", 6)
    assert text in {
        f"oci-archive:DIR/app.tar: blob {digest_of(blob)} is missing from the archive; "
        "push with --force, which brings every blob again"
        for blob in (missing, AMD64.config)
    }
    assert (file.read_bytes(), names(tmp_path)) == (before, ["app.tar"])


def test_put_back(tmp_path: Path) -> None:
    """A tag that was moved can be put back, though the archive had left its image out by then."""
    file = write(tmp_path / "app.tar", {"1.0": INDEX})
    before = file.read_bytes()

    async def move_and_put_back(store: ArchiveTarget) -> None:
        held = await store.fetch_manifest("1.0")
        await push(store, NEXT, "1.0")
        assert blobs_in(file) == digests_of(NEXT)
        await store.put_manifest("1.0", held)

    use_archive(file, move_and_put_back)
    assert file.read_bytes() == before
    assert names(tmp_path) == ["app.tar"]


def test_put_back_without_links(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that knows no hard links keeps a copy of the old archive meanwhile."""
    refused: list[object] = []

    def refuse(*paths: object) -> None:
        refused.extend(paths)
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    test_put_back(tmp_path)
    assert refused


def test_take_back(tmp_path: Path) -> None:
    """An archive that was made for a tag is gone when the tag is taken back."""

    async def put_and_delete(store: ArchiveTarget) -> bool:
        await push(store, INDEX, "1.0")
        return await store.delete_tag("1.0")

    assert use_archive(tmp_path / "app.tar", put_and_delete)
    assert names(tmp_path) == []


def test_take_one_back(tmp_path: Path) -> None:
    """A tag that is taken back leaves an archive that was there before as it was."""
    file = write(tmp_path / "app.tar", {"1.0": INDEX})
    before = file.read_bytes()

    async def put_and_delete(store: ArchiveTarget) -> None:
        await push(store, NEXT, "2.0")
        await store.delete_tag("2.0")

    use_archive(file, put_and_delete)
    assert file.read_bytes() == before


def test_two_writers(tmp_path: Path) -> None:
    """Two runs that write other tags side by side lose nothing of each other."""
    file = tmp_path / "app.tar"

    async def one(content: Content, tag: str) -> None:
        bundle = Bundle(ArchiveReference("oci-archive", str(file)))
        store = ArchiveTarget(bundle)
        assert await store.head_manifest(tag) is None
        await push(store, content, tag)
        assert str(await store.read_back(tag)) == content.digest
        await bundle.close()

    async def both() -> None:
        await asyncio.gather(*(one(image, tag) for image, tag in WRITTEN))

    asyncio.run(both())
    assert tags_in(file) == {tag: image.digest for image, tag in WRITTEN}
    assert blobs_in(file) == digests_of(*(image for image, _ in WRITTEN))
    assert names(tmp_path) == ["app.tar"]


WRITTEN: list[tuple[Content, str]] = [(INDEX, "1"), (NEXT, "2"), (OTHER, "3"), (AMD64, "4")]


def test_seen_meanwhile(tmp_path: Path) -> None:
    """What another run has written meanwhile is seen, before it is written over."""
    file = write(tmp_path / "app.tar", {"1.0": INDEX})

    async def use(store: ArchiveTarget) -> tuple[str, str]:
        before = await store.read_back("1.0")
        await store.upload_blob(blob_descriptor(b"staged"), stream_of(b"staged"))
        bundle = Bundle(ArchiveReference("oci-archive", str(file)))
        await push(ArchiveTarget(bundle), NEXT, "1.0")
        await bundle.close()
        found = await store.head_manifest("1.0")
        return str(before), str(found and found.digest)

    assert use_archive(file, use) == (INDEX.digest, NEXT.digest)


def test_reading_leaves_no_trace(tmp_path: Path) -> None:
    """An archive that is only asked is not touched, and one that is not there is not made."""

    async def ask(store: ArchiveTarget) -> list[object]:
        names = ("1.0", INDEX.digest)
        held: list[object] = [await store.head_manifest(name) for name in names]
        return [*held, await store.list_tags(), await store.candidates("")]

    entry = content_of(INDEX).descriptor()
    file = write(tmp_path / "app.tar", {"1.0": INDEX})
    before = file.stat()
    named = replace(entry, annotations=((REF_NAME, "1.0"),))
    assert use_archive(file, ask) == [entry, entry, ("1.0",), (named,)]
    assert file.stat() == before
    assert use_archive(tmp_path / "dist" / "absent.tar", ask) == [None, None, (), ()]
    assert names(tmp_path) == ["app.tar"]


def test_mended(tmp_path: Path) -> None:
    """A blob that was damaged is packed again when it is put again with its image."""
    file = write(tmp_path / "app.tar", {"1.0": INDEX})
    whole = file.read_bytes()
    (layer,) = ARM64.layers
    file.write_bytes(whole.replace(layer, layer[:-1] + b"?"))

    async def mend(store: ArchiveTarget) -> list[bool]:
        there = [await store.has_blob(blob_descriptor(blob)) for blob in (*AMD64.layers, layer)]
        await push(store, INDEX)
        return there

    assert use_archive(file, mend) == [True, False]
    assert file.read_bytes() == whole


def test_damaged(tmp_path: Path) -> None:
    """What is carried over is compared with its name: damage is not packed again."""
    file = write(tmp_path / "app.tar", {"1.0": INDEX})
    (layer,) = ARM64.layers
    damaged = file.read_bytes().replace(layer, layer[:-1] + b"?")
    file.write_bytes(damaged)
    kind, code, text = error_of(file, lambda store: push(store, OTHER, "2.0"))
    assert (kind, code) == ("StoreError", 6)
    assert f"blob {digest_of(layer)} does not hash to its name" in text
    assert (file.read_bytes(), names(tmp_path)) == (damaged, ["app.tar"])


def make_text(file: Path) -> None:
    file.write_text("mine" * 500)


def make_empty(file: Path) -> None:
    file.write_bytes(b"")


def make_folder(file: Path) -> None:
    file.mkdir()


def make_docker_archive(file: Path) -> None:
    with tarfile.open(file, "w") as archive:
        (file.parent / "manifest.json").write_text("[]")
        archive.add(file.parent / "manifest.json", "manifest.json")
    (file.parent / "manifest.json").unlink()


@pytest.mark.parametrize(
    "make",
    [make_text, make_empty, make_folder, make_docker_archive],
    ids=lambda one: one.__name__,
)
def test_in_the_way(tmp_path: Path, make: object) -> None:
    """What stands in the file's place and is no OCI archive is told, and stays."""
    assert callable(make)
    file = tmp_path / "app.tar"
    make(file)
    before = file.stat()
    for use in (
        lambda store: store.head_manifest("1.0"),
        lambda store: push(store, AMD64, "1.0"),
    ):
        kind, code, text = error_of(file, use)
        assert (kind, code) == ("StoreError", 6)
        assert text.startswith("oci-archive:DIR/app.tar: it cannot be added to: ")
        assert text.endswith("; move the file away, or name another one")
    assert (file.stat(), names(tmp_path)) == (before, ["app.tar"])


def test_link(tmp_path: Path) -> None:
    """A name that is a link to the archive stays one."""
    write(tmp_path / "dist" / "app.tar", {"1.0": AMD64})
    link = tmp_path / "link.tar"
    link.symlink_to("dist/app.tar")
    write(link, {"2.0": ARM64})
    assert link.is_symlink()
    assert tags_in(tmp_path / "dist" / "app.tar") == {"1.0": AMD64.digest, "2.0": ARM64.digest}
    assert (names(tmp_path), names(tmp_path / "dist")) == (["dist", "link.tar"], ["app.tar"])


def test_absent_blob_of_a_staged_archive(tmp_path: Path) -> None:
    """A blob may be staged, in the archive, or nowhere."""
    file = write(tmp_path / "app.tar", {"1.0": AMD64})

    async def use(store: ArchiveTarget) -> list[int | None]:
        await store.upload_blob(blob_descriptor(b"staged"), stream_of(b"staged"))
        digests = (digest_of(b"staged"), AMD64.digest)
        return [await store.blob_size(parse_digest(one)) for one in digests]

    assert use_archive(file, use) == [6, AMD64.size]


def test_others_oddities(tmp_path: Path) -> None:
    """What others call a manifest, and is none, is carried over as it is."""
    odd = b"no manifest"
    made = pack_layout(tmp_path / "made.tar", {"theirs": AMD64})
    index = json.loads(members(made)["index.json"])
    entry = {**index["manifests"][0], "digest": digest_of(odd), "size": len(odd)}
    index["manifests"].append({**entry, "annotations": {REF_NAME: "odd"}})
    file = tmp_path / "app.tar"
    with file.open("wb") as tar:
        writer = TarWriter(tar)
        for name, raw in {
            **members(made),
            "index.json": json.dumps(index).encode(),
            f"blobs/{digest_of(odd).replace(':', '/')}": odd,
        }.items():
            writer.add(name, raw)
        writer.close()
    write(file, {"ours": ARM64})
    assert blobs_in(file) == digests_of(AMD64, ARM64) | {digest_of(odd)}
    assert tags_in(file)["odd"] == digest_of(odd)


def test_replaced_while_read(tmp_path: Path) -> None:
    """An archive that another run replaces while it is read is read again, the new one."""
    file = write(tmp_path / "app.tar", {"1.0": AMD64})
    new = write(tmp_path / "new.tar", {"2.0": ARM64})
    asked: list[Sequence[Store]] = []

    async def ask(stores: Sequence[Store]) -> tuple[str, ...]:
        asked.append(stores)
        if len(asked) == 1:
            new.replace(file)
            raise SourceError("the file was changed while it was being read")
        return await stores[-1].list_tags()

    async def main() -> tuple[str, ...]:
        return await Bundle(ArchiveReference("oci-archive", str(file))).read(ask)

    assert asyncio.run(main()) == ("2.0",)


def test_broken_while_read(tmp_path: Path) -> None:
    """What is wrong with an archive that stays is told at once."""
    file = write(tmp_path / "app.tar", {"1.0": AMD64})

    async def ask(_stores: Sequence[Store]) -> None:
        raise SourceError("it is cut short", where="oci-archive:app.tar")

    async def main() -> None:
        await Bundle(ArchiveReference("oci-archive", str(file))).read(ask)

    with pytest.raises(StoreError) as raised:
        asyncio.run(main())
    assert str(raised.value) == (
        "oci-archive:app.tar: it cannot be added to: it is cut short; "
        "move the file away, or name another one"
    )
