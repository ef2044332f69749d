"""A layout with several images: the choice is by tag, then by the spec's platform."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from mbuild.publish.read.source import Source
from mbuild.store.index_file import WRITE_AGAIN
from tests.publish.world import World, entry, errors_of, remade, resolve
from tests.support.images import (
    Content,
    Image,
    Index,
    blobs_of,
    digest_of,
    make_image,
    make_index,
    write_layout,
)

AMD64, ARM64, ARMV6 = map(make_image, ("linux/amd64", "linux/arm64", "linux/arm/v6"))
OTHER = make_image("linux/amd64", seed=1)
LTSC2022, LTSC2025 = (
    make_image(f"windows/amd64:{version}") for version in ("10.0.20348.1", "10.0.26100.1")
)
INDEX = make_index(AMD64, ARM64)
REF_NAME = "org.opencontainers.image.ref.name"


def nested(*children: Content) -> Index:
    """An index whose entries have no platform: indexes, as some tools nest them."""
    entries = [
        {"mediaType": one.media_type, "digest": one.digest, "size": one.size} for one in children
    ]
    raw = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    return Index(raw, INDEX.media_type, children)


def lay(directory: Path, *contents: Content, tag: str = "", **more: Any) -> Path:
    """A layout whose entries all have one tag, or none, and `more`."""
    write_layout(directory, {str(number): one for number, one in enumerate(contents)})
    index = json.loads((directory / "index.json").read_bytes())
    for one in index["manifests"]:
        one.pop("annotations")
        one.update({"annotations": {REF_NAME: tag}} if tag else {}, **more)
    (directory / "index.json").write_text(json.dumps(index))
    return directory


def chosen(layout: Path, platform: str, tag: str = "") -> str:
    """The digest of what an entry for a platform gives."""
    name = f"oci:{layout}:{tag}" if tag else f"oci:{layout}"
    (source,) = resolve(World(), entry(name, platform))
    assert isinstance(source, Source)
    return str(source.child.descriptor.digest)


CHOICES: list[Any] = [
    pytest.param([AMD64, ARM64], "linux/arm64", ARM64, id="by config"),
    pytest.param([AMD64, ARM64], "linux/arm64/v8", ARM64, id="by a client's rules"),
    pytest.param([ARMV6, ARM64], "linux/arm/v6", ARMV6, id="variant"),
    pytest.param([LTSC2022, LTSC2025], "windows/amd64:10.0.26100.1", LTSC2025, id="os.version"),
    pytest.param([INDEX, ARMV6], "linux/arm64", ARM64, id="in an index"),
    pytest.param([INDEX, ARMV6], "linux/arm/v6", ARMV6, id="beside an index"),
    pytest.param([INDEX, AMD64, ARM64], "linux/amd64", AMD64, id="an index and its children"),
    pytest.param([nested(AMD64), ARM64], "linux/amd64", AMD64, id="an index without platforms"),
]


@pytest.mark.parametrize(("contents", "platform", "expected"), CHOICES)
@pytest.mark.parametrize("tag", ["", "1.0"], ids=["no tag", "one tag"])
def test_by_platform(
    tmp_path: Path, contents: list[Content], platform: str, expected: Image, tag: str
) -> None:
    """Of several images the one for the entry's platform is taken, wherever it says so."""
    assert chosen(lay(tmp_path / "app", *contents, tag=tag), platform, tag) == expected.digest


def test_by_entry(tmp_path: Path) -> None:
    """What index.json says of an image's platform is taken, and its config is not read."""
    layout = write_layout(tmp_path / "app", {"a": AMD64, "b": ARM64})
    index = json.loads((layout / "index.json").read_bytes())
    index["manifests"] = [AMD64.descriptor(), ARM64.descriptor()]
    (layout / "index.json").write_text(json.dumps(index))
    (layout / "blobs" / digest_of(AMD64.config).replace(":", "/")).unlink()
    assert chosen(layout, "linux/arm64") == ARM64.digest


def test_index_and_its_children(tmp_path: Path) -> None:
    """An index is the only image where index.json lists its children too, no platform said."""
    layout = lay(tmp_path / "app", AMD64, INDEX, ARM64)
    resolved = resolve(World(), entry(f"oci:{layout}"))
    assert [str(one.child.descriptor.digest) for one in resolved if isinstance(one, Source)] == [
        AMD64.digest,
        ARM64.digest,
    ]


SIGNATURE = remade(
    OTHER, config={"mediaType": "application/json", "digest": digest_of(b"{}"), "size": 2}
)
HINT = "name one by its tag or its digest"
UNCLEAR: list[Any] = [
    pytest.param(
        {"a": AMD64, "b": OTHER, "c": ARM64},
        "linux/amd64",
        f"2 of them are for linux/amd64: a ({AMD64.digest}, linux/amd64), "
        f"b ({OTHER.digest}, linux/amd64)",
        id="two",
    ),
    pytest.param(
        {"": SIGNATURE, "b": INDEX, "c": ARMV6},
        "linux/s390x",
        f"none of them is for linux/s390x: no tag ({SIGNATURE.digest}, no platform), "
        f"b ({INDEX.digest}, linux/amd64 linux/arm64), c ({ARMV6.digest}, linux/arm/v6)",
        id="none",
    ),
]


@pytest.mark.parametrize("optional", [True, False], ids=["optional", "required"])
@pytest.mark.parametrize(("contents", "platform", "message"), UNCLEAR)
def test_unclear(
    tmp_path: Path, contents: Mapping[str, Content], platform: str, message: str, optional: bool
) -> None:
    """An unclear choice lists the images with tag, digest and platform; it is never forgiven."""
    layout = write_layout(tmp_path / "app", contents)
    text = f"oci:{layout}: it stands for several images, and {message}; {HINT}"
    given = entry(f"oci:{layout}", platform, optional=optional)
    assert errors_of(lambda: resolve(World(), given)) == [
        ("ImageMismatch", 4, f"spec.yaml:3:5: {text}")
    ]


def test_no_platform_to_choose_by(tmp_path: Path) -> None:
    """Where the spec says no platform, several images are an error that names their tags."""
    layout = write_layout(tmp_path / "app", {"a": AMD64, "b": ARM64})
    text = f"oci:{layout}: the layout stands for several images; say which one: a, b"
    assert errors_of(lambda: resolve(World(), entry(f"oci:{layout}"))) == [
        ("SourceError", 4, f"spec.yaml:3:5: {text}")
    ]


def test_candidate_that_dangles(tmp_path: Path) -> None:
    """An entry of index.json without its blob is an error of the whole layout."""
    layout = write_layout(tmp_path / "app", {"a": AMD64, "b": ARM64})
    (layout / "blobs" / AMD64.digest.replace(":", "/")).unlink()
    text = f"oci:{layout}@{AMD64.digest}: blob {AMD64.digest} is missing from the layout; {WRITE_AGAIN}"
    assert errors_of(lambda: resolve(World(), entry(f"oci:{layout}", "linux/arm64"))) == [
        ("SourceError", 4, f"spec.yaml:3:5: {text}")
    ]


def test_deep_nesting(tmp_path: Path) -> None:
    """Indexes within indexes are looked into, up to a depth no tool goes to."""
    deep: Content = AMD64
    for _ in range(12):
        deep = nested(deep)
    assert len(blobs_of(deep)) == 15
    layout = lay(tmp_path / "app", deep, ARM64)
    (error,) = errors_of(lambda: resolve(World(), entry(f"oci:{layout}", "linux/amd64")))
    assert f"no tag ({deep.digest}, no platform)" in error[2]
