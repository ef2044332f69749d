"""Sources in layouts: one that is broken is never forgiven, and is a matter of the image."""

from dataclasses import replace
from pathlib import Path

import pytest

from mbuild.publish.read.source import Skipped, Source
from mbuild.store.index_file import WRITE_AGAIN
from tests.publish.world import World, entry, errors_of, remade, resolve
from tests.support.images import OCI_LAYER, digest_of, make_image, write_layout
from tests.support.values import content_of

AMD64 = make_image("linux/amd64")


@pytest.mark.parametrize("optional", [True, False], ids=["optional", "required"])
def test_broken_layout(tmp_path: Path, optional: bool) -> None:
    """A layout that is broken is a matter of the image, code 4, and never forgiven."""
    layout = write_layout(tmp_path / "app", {"1.0": AMD64})
    (layout / "oci-layout").unlink()
    given = entry(f"oci:{layout}:1.0", optional=optional)
    expected = (
        f"spec.yaml:3:5: oci:{layout}: the layout is broken: its oci-layout file is missing; "
        f"{WRITE_AGAIN}"
    )
    assert errors_of(lambda: resolve(World(), given)) == [("SourceError", 4, expected)]


@pytest.mark.parametrize("optional", [True, False], ids=["optional", "required"])
def test_tag_without_its_blob(tmp_path: Path, optional: bool) -> None:
    """A layout's tag whose manifest is gone is broken, and no image that was not built."""
    layout = write_layout(tmp_path / "app", {"1.0": AMD64})
    (layout / "blobs" / AMD64.digest.replace(":", "/")).unlink()
    given = entry(f"oci:{layout}:1.0", optional=optional)
    message = f"oci:{layout}:1.0: blob {AMD64.digest} is missing from the layout; {WRITE_AGAIN}"
    assert errors_of(lambda: resolve(World(), given)) == [
        ("SourceError", 4, f"spec.yaml:3:5: {message}")
    ]


def test_layouts(tmp_path: Path) -> None:
    """A layout's image is found by tag or as the only one; a missing one may be optional."""
    layout = write_layout(tmp_path / "app", {"1.0": AMD64})
    entries = (
        entry(f"oci:{layout}:1.0"),
        entry(f"oci:{layout}"),
        entry(f"oci:{tmp_path / 'absent'}", optional=True),
    )
    first, second, third = resolve(World(), *entries)
    assert isinstance(first, Source)
    assert isinstance(second, Source)
    assert first.child.content == second.child.content == content_of(AMD64)
    assert isinstance(third, Skipped)
    expected = (
        "SourceNotFound",
        4,
        (
            f"spec.yaml:3:5: oci:{tmp_path / 'absent'}: no OCI image layout is there; "
            "check the name and the tag, or mark the entry optional"
        ),
    )
    assert errors_of(lambda: resolve(World(), entry(f"oci:{tmp_path / 'absent'}"))) == [expected]


@pytest.mark.parametrize(
    "media_type",
    ["application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", OCI_LAYER],
    ids=["foreign", "ordinary"],
)
def test_layer_at_a_url(tmp_path: Path, media_type: str) -> None:
    """A layer that a layout does not have may lie at its URL."""
    layer = {"mediaType": media_type, "digest": digest_of(b"layer"), "size": 5}
    image = remade(AMD64, layers=[{**layer, "urls": ["https://layers.test/1"]}])
    layout = write_layout(tmp_path / "app", {"1.0": replace(image, layers=())})
    (source,) = resolve(World(), entry(f"oci:{layout}:1.0"))
    assert isinstance(source, Source)
