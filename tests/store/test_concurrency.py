"""Many writers at one layout, in one process and in many: nobody loses anything."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from mbuild.store.layout import LayoutStore
from tests.store.world import INDEX, ask, index_json, snapshot, tags_in
from tests.support.cli import environment
from tests.support.images import make_image
from tests.support.values import content_of

WRITERS = 20
PROGRAM = """
import asyncio, sys
from mbuild.store.layout import LayoutStore
from tests.support.images import make_image
from tests.support.values import content_of
directory, number = sys.argv[1:]
store = LayoutStore(directory)
asyncio.run(store.put_manifest(f"v{number}", content_of(make_image(seed=number))))
"""
FULL_DISK = """
import asyncio, resource, signal, sys
from mbuild.errors import StoreError
from mbuild.store.layout import LayoutStore
from tests.support.images import make_image
from tests.support.values import blob_descriptor, content_of, stream_of
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1000, resource.RLIM_INFINITY))
image = make_image(size=3000)
store = LayoutStore(sys.argv[1])
what = {
    "blob": lambda: store.upload_blob(blob_descriptor(image.layers[0]), stream_of(*image.layers)),
    "tag": lambda: store.put_manifest("v20", content_of(image)),
}
try:
    asyncio.run(what[sys.argv[2]]())
except StoreError as error:
    print(error)
"""


def start(program: str, *arguments: str) -> "subprocess.Popen[str]":
    """Start a program of ours under the interpreter of the tests, and not under coverage.

    Where files may not grow, coverage could not write what it found.
    """
    command = [sys.executable, "-W", "error", "-c", program, *arguments]
    env = {name: value for name, value in environment().items() if not name.startswith("COV")}
    return subprocess.Popen(command, env=env, stdout=subprocess.PIPE, text=True)


def finish(process: "subprocess.Popen[str]") -> str:
    """Wait for a program's end, which must be a good one, and give what it printed."""
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    return output


def expected_tags() -> set[tuple[str, str]]:
    """What index.json holds when every writer has had its way."""
    return {(f"v{number}", make_image(seed=str(number)).digest) for number in range(WRITERS)}


def test_one_process(tmp_path: Path) -> None:
    """Tasks that put a tag each, side by side in a folder that is not there yet, all succeed."""

    async def put_all(_: LayoutStore) -> None:
        stores = [LayoutStore(str(tmp_path / "app")) for _ in range(WRITERS)]
        async with asyncio.TaskGroup() as group:
            for number, store in enumerate(stores):
                content = content_of(make_image(seed=str(number)))
                group.create_task(store.put_manifest(f"v{number}", content))

    ask(tmp_path, put_all)
    assert set(tags_in(tmp_path / "app")) == expected_tags()
    assert len(index_json(tmp_path / "app")["manifests"]) == WRITERS


def test_many_processes(tmp_path: Path) -> None:
    """Twenty processes put a tag each: all are there at the end, and no file of the way there."""
    directory = tmp_path / "app"
    processes = [start(PROGRAM, str(directory), str(number)) for number in range(WRITERS)]
    for process in processes:
        finish(process)
    assert set(tags_in(directory)) == expected_tags()
    blobs = {f"blobs/{digest.replace(':', '/')}" for _, digest in expected_tags()}
    assert set(snapshot(directory)) == {"oci-layout", "index.json", *blobs}


@pytest.mark.parametrize("what", ["blob", "tag"])
def test_full_disk(tmp_path: Path, what: str) -> None:
    """Where the system takes no more bytes, the error says so and the old layout is whole."""

    async def put_many(store: LayoutStore) -> None:
        for number in range(WRITERS):
            await store.put_manifest(f"v{number}", content_of(INDEX))

    ask(tmp_path, put_many)
    # So that the tag fails at index.json, which is longer than the limit, and not before.
    ask(tmp_path, lambda store: store.put_manifest(BIG.digest, content_of(BIG)))
    before = snapshot(tmp_path)
    output = finish(start(FULL_DISK, str(tmp_path), what))
    assert output == (
        f"oci:{tmp_path}: cannot use {str(tmp_path)!r}: file too large; "
        "raise the limit on file sizes, or take another disk\n"
    )
    assert snapshot(tmp_path) == before


BIG = make_image(size=3000)
