"""Many writers at one layout, in one process and in many: nobody loses anything."""

import asyncio
import fcntl
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mbuild.errors import TransportError
from mbuild.oci.reference import LayoutReference
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.store.files import lock_folder
from mbuild.store.layout import LayoutStore
from mbuild.store.stores import Stores
from tests.store.world import AMD64, INDEX, ask, index_json, snapshot, tags_in
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


def test_lock_is_waited_for(tmp_path: Path) -> None:
    """A writer waits, as long as it takes, for whoever holds the lock; nothing is left of it."""
    waits: list[float] = []
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)

    async def sleep(seconds: float) -> None:
        waits.append(seconds)
        if len(waits) == 3:
            os.close(holder)

    async def put(_: LayoutStore) -> None:
        await LayoutStore(str(tmp_path), sleep=sleep).put_manifest("1.0", content_of(AMD64))

    ask(tmp_path, put)
    assert waits == [0.05] * 3
    assert tags_in(tmp_path) == [("1.0", AMD64.digest)]


def test_lock_is_not_waited_for_beyond_the_deadline(tmp_path: Path) -> None:
    """Where another keeps the lock, the deadline ends the wait, and no tag is written."""
    holder = os.open(tmp_path, os.O_RDONLY)
    fcntl.flock(holder, fcntl.LOCK_EX)

    async def put() -> None:
        async with Registries(Settings(deadline=0.2)) as registries:
            store = Stores(registries).open_target(LayoutReference(str(tmp_path)))
            await store.put_manifest("1.0", content_of(AMD64))

    begun = time.monotonic()
    with pytest.raises(TransportError) as raised:
        asyncio.run(put())
    os.close(holder)
    assert time.monotonic() - begun < 2
    assert raised.value.exit_code == 6
    assert str(raised.value) == (
        f"oci:{tmp_path}:1.0: not done within the deadline of 0.2 s; "
        "raise --deadline, or look why the registry is slow (-vv shows each request)"
    )
    assert not (tmp_path / "index.json").exists()


def test_lock_is_given_back(tmp_path: Path) -> None:
    """The lock is free again when the block ends, with an error too."""

    async def use() -> None:
        with pytest.raises(KeyError):
            async with lock_folder(tmp_path):
                raise KeyError
        async with lock_folder(tmp_path):
            pass

    asyncio.run(use())
