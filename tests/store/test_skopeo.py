"""Skopeo reads the layouts we write, and we read the ones it writes."""

import json
import subprocess
from pathlib import Path

import pytest

from mbuild.store.layout import LayoutStore
from tests.store.world import AMD64, ARM64, INDEX, ask, snapshot, tags_in
from tests.support.docker_registry import find_program
from tests.support.images import Content, write_layout
from tests.support.values import blob_descriptor, content_of, stream_of


def skopeo(*arguments: str) -> bytes:
    """Run skopeo, and give what it printed."""
    command = [find_program("skopeo"), *arguments]
    done = subprocess.run(command, capture_output=True, check=False, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def copy(source: str, target: str) -> None:
    """Copy an index and all its images as they are."""
    skopeo("copy", "--quiet", "--all", "--preserve-digests", source, target)


async def write(store: LayoutStore, tag: str, content: Content) -> None:
    """Put a content and all below it."""
    for child in content.children:
        for blob in child.blobs:
            await store.upload_blob(blob_descriptor(blob), stream_of(blob))
        await store.put_manifest(child.digest, content_of(child))
    await store.put_manifest(content.digest, content_of(content))
    await store.put_manifest(tag, content_of(content))


def test_skopeo_reads_ours(tmp_path: Path) -> None:
    """Skopeo finds the exact index at its tag, and every blob of it."""
    ours = tmp_path / "ours"
    ask(ours, lambda store: write(store, "1.0", INDEX))
    assert skopeo("inspect", "--raw", f"oci:{ours}:1.0") == INDEX.manifest
    copy(f"oci:{ours}:1.0", f"oci:{tmp_path / 'copied'}:1.0")
    blobs = {name: raw for name, raw in snapshot(ours).items() if name.startswith("blobs")}
    assert blobs.items() <= snapshot(tmp_path / "copied").items()


@pytest.mark.parametrize("tag", ["1.0", "registry.test:5000/team/app:1.0"])
def test_we_read_skopeos(tmp_path: Path, tag: str) -> None:
    """We find what skopeo wrote: by its tag, a child by its digest, and each blob."""
    source = write_layout(tmp_path / "source", {"1.0": INDEX})
    copied = tmp_path / "copied"
    copy(f"oci:{source}:1.0", f"oci:{copied}:{tag}")
    (layer,) = AMD64.layers

    async def read(store: LayoutStore) -> list[object]:
        return [
            await store.fetch_manifest(tag),
            await store.fetch_manifest(""),
            await store.fetch_manifest(ARM64.digest),
            await store.fetch_blob(blob_descriptor(layer)),
        ]

    expected = [content_of(INDEX), content_of(INDEX), content_of(ARM64), layer]
    assert ask(copied, read) == expected


def test_side_by_side(tmp_path: Path) -> None:
    """Our tag beside skopeo's, skopeo's beside ours: both are there."""
    source = write_layout(tmp_path / "source", {"1.0": INDEX})
    both = tmp_path / "both"
    copy(f"oci:{source}:1.0", f"oci:{both}:theirs")
    ask(both, lambda store: write(store, "ours", INDEX))
    copy(f"oci:{source}:1.0", f"oci:{both}:later")
    tags = dict(tags_in(both))
    assert tags == dict.fromkeys(("theirs", "ours", "later"), INDEX.digest)
    assert json.loads((both / "oci-layout").read_text()) == {"imageLayoutVersion": "1.0.0"}
