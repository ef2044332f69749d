"""An archive for the tests of its store, and how what goes wrong in it is told."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mbuild.errors import MbuildError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.manifest import Content
from mbuild.oci.reference import parse_archive_reference
from mbuild.store.archive.archive import ArchiveStore
from mbuild.store.archive.file import look_at
from mbuild.store.archive.gather import read_members
from mbuild.store.archive.members import Members
from mbuild.store.archive.steps import run_steps
from tests.support.images import make_image, make_index

T = TypeVar("T")
Use = Callable[[ArchiveStore], Coroutine[Any, Any, T]]

AGAIN = "make the archive again"
AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64)


def ask(kind: str, path: Path, use: Use[T]) -> T:
    """Use the archive in a file."""
    return asyncio.run(use(ArchiveStore(parse_archive_reference(f"{kind}:{path}"))))


def fetch(kind: str, path: Path, reference: str = "") -> Content:
    """Fetch a manifest from the archive in a file."""
    return ask(kind, path, lambda store: store.fetch_manifest(reference))


def error_of(kind: str, path: Path, use: Use[object]) -> tuple[str, str]:
    """Class and whole message of what is raised, the file as FILE."""
    with pytest.raises(MbuildError) as raised:
        ask(kind, path, use)
    return type(raised.value).__name__, str(raised.value).replace(str(path), "FILE")


async def read_blob(store: ArchiveStore, blob: Descriptor, offset: int = 0) -> bytes:
    """Read a blob from an offset on."""
    async with store.open_blob(blob, offset) as chunks:
        return b"".join([chunk async for chunk in chunks])


def members_of(path: Path) -> Members:
    """Go through the tar in a file."""
    return asyncio.run(run_steps(read_members(look_at(path, "archive"))))


def bad_members(path: Path) -> str:
    """The whole message with which the tar in a file is refused."""
    with pytest.raises(MbuildError) as raised:
        members_of(path)
    return str(raised.value)
