"""Archives for the tests of packing: filled by the store, looked into with tarfile."""

import asyncio
import json
import tarfile
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mbuild.errors import MbuildError
from mbuild.oci.reference import ArchiveReference
from mbuild.store.packing.bundle import Bundle
from mbuild.store.packing.target import ArchiveTarget
from mbuild.store.store import Store
from tests.support.images import Content, blobs_of, digest_of, write_layout
from tests.support.values import blob_descriptor, content_of, stream_of

T = TypeVar("T")
REF_NAME = "org.opencontainers.image.ref.name"


def use_archive(file: Path, use: Callable[[ArchiveTarget], Awaitable[T]]) -> T:
    """Use the archive as a target, to the end of a run."""

    async def main() -> T:
        bundle = Bundle(ArchiveReference("oci-archive", str(file)))
        try:
            return await use(ArchiveTarget(bundle))
        finally:
            await bundle.close()

    return asyncio.run(main())


def error_of(file: Path, use: Callable[[ArchiveTarget], Awaitable[object]]) -> tuple[str, int, str]:
    """Class, exit code and whole message of what is raised, the folder as DIR."""
    with pytest.raises(MbuildError) as raised:
        use_archive(file, use)
    text = str(raised.value).replace(str(file.parent), "DIR")
    return type(raised.value).__name__, raised.value.exit_code, text


async def push(store: Store, content: Content, *tags: str) -> None:
    """Put an image or index, with all below it, and move tags to it at once."""
    for child in content.children:
        await push(store, child)
    for blob in content.blobs:
        await store.upload_blob(blob_descriptor(blob), stream_of(blob))
    if tags:
        await store.put_tagged(content_of(content), tags)
    else:
        await store.put_manifest(content.digest, content_of(content))


def write(file: Path, contents: Mapping[str, Content]) -> Path:
    """Write an archive with each content at its tag, a tag after the other."""

    async def use(store: ArchiveTarget) -> None:
        for tag, content in contents.items():
            await push(store, content, tag)

    use_archive(file, use)
    return file


def pack_layout(file: Path, contents: Mapping[str, Content], **index: Any) -> Path:
    """Write an archive as another tool does: tarfile, folders, clocks, an owner."""
    layout = write_layout(file.parent / f"{file.name}.layout", contents)
    if index:
        found = json.loads((layout / "index.json").read_bytes())
        (layout / "index.json").write_text(json.dumps({**found, **index}))
    with tarfile.open(file, "w") as archive:
        archive.add(layout, ".")
    return file


def members(file: Path) -> dict[str, bytes]:
    """The files in an archive, with their bytes."""
    with tarfile.open(file) as archive:
        files = ((one.name, archive.extractfile(one)) for one in archive.getmembers())
        return {name.removeprefix("./"): found.read() for name, found in files if found}


def tags_in(file: Path) -> dict[str, str]:
    """Each tag with its digest."""
    entries = json.loads(members(file)["index.json"])["manifests"]
    return {one.get("annotations", {}).get(REF_NAME, ""): one["digest"] for one in entries}


def blobs_in(file: Path) -> set[str]:
    """The digests of the blobs, each of which has its own bytes."""
    found = {name: raw for name, raw in members(file).items() if name.startswith("blobs/")}
    named = {name.removeprefix("blobs/").replace("/", ":") for name in found}
    assert named == {digest_of(raw) for raw in found.values()}
    return named


def digests_of(*contents: Content) -> set[str]:
    """The digests of all that contents are made of."""
    return {digest_of(blob) for content in contents for blob in blobs_of(content)}


def names(folder: Path) -> list[str]:
    """What lies in a folder."""
    return sorted(path.name for path in folder.iterdir())
