"""The pages about platforms and index bytes say what the code does."""

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from mbuild.oci import descriptor, index, platform
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.oci.platform import Platform, complete, contradictions, normalise, parse_platform

DOCS = Path(__file__).parents[2] / "docs"
PLATFORMS = (DOCS / "platforms.md").read_text("utf-8")
BYTES = (DOCS / "index-bytes.md").read_text("utf-8")


def table(page: str, heading: str) -> list[list[str]]:
    """The rows of the table that begins with a heading, as cells without their backticks."""
    after = page.split(f"\n| {heading} |", 1)[1].splitlines()[2:]
    rows = []
    for line in after:
        if not line.startswith("|"):
            break
        rows.append([cell.strip().replace("`", "") for cell in line.strip("|").split("|")])
    return rows


def test_words() -> None:
    """The page lists every operating system and architecture, and no other."""
    [[systems, architectures]] = table(PLATFORMS, "operating system")
    assert systems.split() == sorted(platform.KNOWN_OS)
    assert architectures.split() == sorted(platform.KNOWN_ARCHITECTURES)


def test_aliases() -> None:
    """The page lists every alias, each with what it means."""
    shown = {
        alias: meant for cell, meant in table(PLATFORMS, "alias") for alias in cell.split(", ")
    }
    assert shown.keys() == (platform.OS_NAMES | platform.ARCHITECTURE_NAMES) - (
        platform.KNOWN_OS | platform.KNOWN_ARCHITECTURES
    )
    assert shown.pop("macos") == normalise(Platform("macos", "")).os
    for alias, meant in shown.items():
        assert parse_platform(f"linux/{alias}") == parse_platform(f"linux/{meant}")


@pytest.mark.parametrize(("written", "same"), table(PLATFORMS, "written"))
def test_folding(written: str, same: str) -> None:
    """Each row of the table of equal platforms is equal."""
    assert platform.equals(parse_platform(written), parse_platform(same))


@pytest.mark.parametrize(("said", "found", "result"), table(PLATFORMS, "the spec says")[1:])
def test_completion(said: str, found: str, result: str) -> None:
    """Each row of the table of completed platforms comes out as it says."""
    completed = complete(parse_platform(said), parse_platform(found))
    assert completed == parse_platform(result)


@pytest.mark.parametrize(("field", "said", "found"), table(PLATFORMS, "contradiction"))
def test_contradiction(field: str, said: str, found: str) -> None:
    """Each row of the table of contradictions is one, and of that field alone."""
    assert contradictions(parse_platform(said), parse_platform(found)) == (field,)


def test_key_order() -> None:
    """The page's table of keys is the order in which they are written."""
    least = Descriptor("m", digest_of(b""), 1)
    whole = replace(
        least,
        platform=Platform("windows", "arm64", "v8", "1", ("a",)),
        annotations=(("a", "b"),),
        urls=("u",),
        data="e30=",
        artifact_type="t",
    )
    full = index.Index("application/x", (least,), (("a", "b"),), "t", least)
    listed = replace(full, media_type="application/vnd.docker.distribution.manifest.list.v2+json")
    assert whole.platform is not None
    written = [
        json.loads(index.to_bytes(full)),
        descriptor.to_oci_dict(whole),
        json.loads(index.to_bytes(listed)),
        descriptor.to_docker_dict(whole),
        whole.platform.to_dict(),
    ]
    assert [keys.split() for _, keys in table(BYTES, "object")] == [[*each] for each in written]


def test_shown_index() -> None:
    """The index on the page is written, byte for byte, as it is shown."""
    [shown] = re.findall(r"```json\n(.*?)\n```", BYTES, re.DOTALL)
    assert index.to_bytes(index.parse_index(shown.encode())) == shown.encode()
