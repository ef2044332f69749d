"""A layout for the store's tests, and how what goes wrong in it is told."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

import pytest

from mbuild.errors import IntegrityError, MbuildError
from mbuild.store.layout import LayoutStore
from tests.support.images import Content, make_image, make_index, write_layout

T = TypeVar("T")
Use = Callable[[LayoutStore], Coroutine[Any, Any, T]]

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64)
DAMAGED = IntegrityError.usual_hint
REF_NAME = "org.opencontainers.image.ref.name"


def ask(directory: Path, use: Use[T]) -> T:
    """Use the layout in a directory."""
    return asyncio.run(use(LayoutStore(str(directory))))


def error_of(directory: Path, use: Use[object]) -> tuple[str, int, str]:
    """Class, exit code and whole message of what is raised, the directory as DIR."""
    with pytest.raises(MbuildError) as raised:
        ask(directory, use)
    text = str(raised.value).replace(str(directory), "DIR")
    return type(raised.value).__name__, raised.value.exit_code, text


def layout_of(directory: Path, **contents: Content) -> Path:
    """A layout that holds contents by tag."""
    return write_layout(directory, contents)


def blob_path(directory: Path, digest: str) -> Path:
    """The file of a blob."""
    return directory / "blobs" / digest.replace(":", "/")


def index_json(directory: Path) -> dict[str, Any]:
    """What index.json says."""
    return dict(json.loads((directory / "index.json").read_text()))


def tags_in(directory: Path) -> list[tuple[str, str]]:
    """Tag and digest of each entry of index.json, in order."""
    entries = index_json(directory)["manifests"]
    return [(entry["annotations"][REF_NAME], entry["digest"]) for entry in entries]


def snapshot(directory: Path) -> dict[str, bytes]:
    """Every file below a directory, with its bytes."""
    files = sorted(path for path in directory.rglob("*") if path.is_file())
    return {path.relative_to(directory).as_posix(): path.read_bytes() for path in files}
