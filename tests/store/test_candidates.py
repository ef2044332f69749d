"""Which entries of an index.json a tag, or no tag, may mean."""

import json
from collections.abc import Mapping
from typing import Any

import pytest

from mbuild.errors import StoreError
from mbuild.store.candidates import find_candidates, pick_candidate
from mbuild.store.layout_index import LayoutIndex, parse_layout_index
from tests.store.world import AMD64, ARM64, INDEX, REF_NAME
from tests.support.images import Content, attests, make_image

IMAGE_NAME = "io.containerd.image.name"
RISCV = make_image("linux/riscv64")
ATTESTED: dict[str, Any] = {"platform": {"os": "unknown", "architecture": "unknown"}}


def entry_of(content: Content, tag: str = "", **more: Any) -> dict[str, Any]:
    """An entry of index.json, as most tools write it: without platform."""
    entry = {"mediaType": content.media_type, "digest": content.digest, "size": content.size}
    return {**entry, **({"annotations": {REF_NAME: tag}} if tag else {}), **more}


def index_of(*entries: Mapping[str, Any]) -> LayoutIndex:
    """An index.json with these entries."""
    raw = json.dumps({"schemaVersion": 2, "manifests": entries}).encode()
    return parse_layout_index(raw)


TAGGED = index_of(entry_of(AMD64, "1.0"), entry_of(ARM64, "1.1"), entry_of(AMD64, "latest"))
CONTAINERD = index_of(
    entry_of(INDEX, annotations={IMAGE_NAME: "docker.io/team/app:1.0", REF_NAME: "1.0"}),
    entry_of(ARM64, annotations={IMAGE_NAME: "docker.io/team/other:2.0", REF_NAME: "2.0"}),
)
SIGNED = f"sha256-{AMD64.digest.removeprefix('sha256:')}"

CASES = [
    pytest.param(TAGGED, "1.1", [ARM64], id="by tag"),
    pytest.param(TAGGED, "2", [], id="no such tag"),
    pytest.param(TAGGED, "", [AMD64, ARM64], id="each image once"),
    pytest.param(index_of(), "", [], id="none"),
    pytest.param(CONTAINERD, "1.0", [INDEX], id="containerd's tag"),
    pytest.param(CONTAINERD, "docker.io/team/other:2.0", [ARM64], id="containerd's whole name"),
    pytest.param(
        index_of(entry_of(AMD64, "1.0"), entry_of(ARM64, annotations={IMAGE_NAME: "1.0"})),
        "1.0",
        [AMD64],
        id="ref.name goes first",
    ),
    pytest.param(
        index_of(entry_of(AMD64, "1.0"), entry_of(ARM64, "1.0")),
        "1.0",
        [AMD64, ARM64],
        id="one tag, two platforms",
    ),
    pytest.param(
        index_of(entry_of(AMD64), entry_of(ARM64, annotations=attests(AMD64.digest))),
        "",
        [AMD64],
        id="an attestation beside it",
    ),
    pytest.param(
        index_of(entry_of(AMD64), entry_of(ARM64, **ATTESTED)), "", [AMD64], id="unknown/unknown"
    ),
    pytest.param(
        index_of(entry_of(AMD64, "1.0"), entry_of(ARM64, f"{SIGNED}.sig"), entry_of(RISCV, SIGNED)),
        "",
        [AMD64],
        id="tags of referrers",
    ),
    pytest.param(
        index_of(entry_of(ARM64, artifactType="application/spdx+json"), entry_of(AMD64)),
        "",
        [AMD64],
        id="an artifact",
    ),
    pytest.param(
        index_of(entry_of(ARM64, mediaType="application/xml"), entry_of(AMD64)),
        "",
        [AMD64],
        id="something else",
    ),
    pytest.param(
        index_of(entry_of(ARM64, f"{SIGNED}.sig")), "", [ARM64], id="nothing but a signature"
    ),
    pytest.param(
        index_of(entry_of(AMD64, "1.0"), entry_of(ARM64, f"{SIGNED}.sig")),
        f"{SIGNED}.sig",
        [ARM64],
        id="a signature by its tag",
    ),
]


@pytest.mark.parametrize(("index", "tag", "expected"), CASES)
def test_find_candidates(index: LayoutIndex, tag: str, expected: list[Content]) -> None:
    """A tag means the entries that have it; no tag, every image."""
    found = [str(one.digest) for one in find_candidates(index, tag)]
    assert found == [one.digest for one in expected]


def test_pick_candidate() -> None:
    """One candidate is taken, and none is none."""
    found = pick_candidate(TAGGED, "1.1")
    assert found is not None
    assert str(found.digest) == ARM64.digest
    assert pick_candidate(TAGGED, "2") is None


UNCLEAR = [
    (
        TAGGED,
        "",
        "oci-archive:app.tar: the archive stands for several images; say which one: 1.0, 1.1",
    ),
    (
        index_of(entry_of(AMD64, "1.0"), entry_of(ARM64, "1.0")),
        "1.0",
        (
            "oci-archive:app.tar: the tag stands for several images; "
            f"say which one: @{AMD64.digest}, @{ARM64.digest}"
        ),
    ),
]


@pytest.mark.parametrize(("index", "tag", "message"), UNCLEAR, ids=["no tag", "tag"])
def test_unclear(index: LayoutIndex, tag: str, message: str) -> None:
    """Several are an error that lists them by what tells them apart."""
    with pytest.raises(StoreError) as raised:
        pick_candidate(index, tag, noun="archive", where="oci-archive:app.tar")
    assert str(raised.value) == message
