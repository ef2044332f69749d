"""Whether an image in a layout has its blobs: all but the foreign layers, which lie elsewhere."""

import json
from pathlib import Path

from mbuild.publish.read.source import Source
from tests.publish.world import World, entry, errors_of, remade, resolve
from tests.support.images import digest_of, make_image, write_layout

AMD64 = make_image("linux/amd64", layers=2)
FOREIGN = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip"


def lay(folder: Path, lost: bytes, *, media_type: str = "") -> str:
    """A layout with an image, of which one layer, perhaps of another type, is lost."""
    layers = json.loads(AMD64.manifest)["layers"]
    for layer in layers:
        if layer["digest"] == digest_of(lost) and media_type:
            layer["mediaType"] = media_type
    layout = write_layout(folder / "app", {"1.0": remade(AMD64, layers=layers)})
    (layout / "blobs" / digest_of(lost).replace(":", "/")).unlink()
    return f"oci:{layout}:1.0"


def test_lost_layer(tmp_path: Path) -> None:
    """A layer that is not there is told when the image is read."""
    name = lay(tmp_path, AMD64.layers[1])
    text = f"its layer {digest_of(AMD64.layers[1])} does not exist; build or export the image again"
    assert errors_of(lambda: resolve(World(), entry(name))) == [
        ("SourceError", 4, f"spec.yaml:3:5: {name}: {text}")
    ]


def test_foreign_layer(tmp_path: Path) -> None:
    """A foreign layer need not be there."""
    name = lay(tmp_path, AMD64.layers[1], media_type=FOREIGN)
    (source,) = resolve(World(), entry(name))
    assert isinstance(source, Source)
