"""The reference of the format: its examples are specs, and it leaves no key out."""

import re
from pathlib import Path

import pytest

from mbuild.spec import compose, documents, fill_in, interpolate, problems, references
from mbuild.spec.entry_model import (
    DigestsShape,
    LongEntry,
    LongSource,
    ManifestShape,
    MetadataEntry,
    PlatformShape,
    Shape,
    keys_of,
)
from mbuild.spec.model import DocumentShape
from tests.spec.reading import complaints, read

ROOT = Path(__file__).parents[2]
TEXT = (ROOT / "docs" / "spec.md").read_text("utf-8")
TOUR = (ROOT / "manifests.yaml.example").read_text("utf-8")


def examples() -> list[str]:
    """Every `yaml` block of the page, and the example spec."""
    return [*re.findall(r"^```yaml\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE), TOUR]


@pytest.mark.parametrize("text", examples())
def test_every_example_is_a_spec(text: str) -> None:
    """What the page shows can be copied and checked."""
    spec = read(text, VERSION="1.4.2")
    assert all(target.entries or target.records for target in spec.targets)


@pytest.mark.parametrize(
    "shape",
    [
        *(DocumentShape, LongEntry, LongSource, ManifestShape, PlatformShape),
        *(MetadataEntry, DigestsShape),
    ],
)
def test_every_key_is_documented(shape: type[Shape]) -> None:
    """No key of any mapping is left out."""
    assert [key for key in keys_of(shape) if f"`{key}`" not in TEXT] == []


def test_the_limits_are_those_of_the_code() -> None:
    """The table of limits is not out of date."""
    limits = [
        f"{documents.MOST_BYTES // 1024**2} MiB",
        *map(str, (compose.DEEPEST, interpolate.DEEPEST_DEFAULT)),
        f"{compose.MOST_ALIASED:,}",
        f"{fill_in.MOST_BYTES // 1024**2} MiB",
        f"{fill_in.MOST_FILES:,}",
        f"{interpolate.MOST_CHARACTERS:,}",
        f"{references.LONGEST:,} characters",
        f"{problems.MOST_PROBLEMS:,}",
    ]
    cells = re.findall(r"\| ([^|]+) \|$", TEXT, re.MULTILINE)
    assert [limit for limit in limits if limit not in cells] == []


def test_the_problems_shown_are_real() -> None:
    """The messages at the end of the page come from a spec that has these faults."""
    shown = TEXT.rpartition("```\n")[0].rpartition("```\n")[2]
    text = """\
        image: app:1
        taggs: [a]

        platforms:
          linux/amd46: app:a
          linux/arm64: app:b
          linux/arm64/v8: app:c
        """
    assert [
        line.replace("m.yaml", "manifests.yaml") for line in complaints(text)
    ] == shown.splitlines()
