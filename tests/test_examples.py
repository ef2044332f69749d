"""What a newcomer meets first: the example spec, form by form, and the layouts it publishes."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from mbuild.oci.digest import parse_digest
from mbuild.oci.image_config import parse_config_platform
from mbuild.oci.index import parse_index
from mbuild.oci.manifest import parse_image_manifest
from mbuild.spec.parse import SpecText, parse_spec
from mbuild.spec.spec import Spec

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "examples"
SPEC = ROOT / "manifests.yaml.example"
FORM = re.compile(r"^# --- (.*?) -+\n(?:#(?: [^ ].*)?\n)*\n((?:#.+\n)+)", re.MULTILINE)
"""A heading, prose (`# words`), and after an empty line a spec (`#key: value`)."""
LAYOUTS = sorted(path.parent for path in EXAMPLES.glob("*/oci-layout"))


def forms() -> dict[str, str]:
    """The specs that stand in the example as comments, by their headings, uncommented."""
    found = FORM.findall(SPEC.read_text("utf-8"))
    return {heading: re.sub(r"^#", "", form, flags=re.MULTILINE) for heading, form in found}


def parse(text: str, **variables: str) -> Spec:
    """Parse one spec that stands in the project's folder."""
    return parse_spec([SpecText(SPEC.name, text.encode(), "")], variables=variables)


def blob(layout: Path, digest: str) -> bytes:
    """The bytes of a blob, which must be what its name says."""
    content = (layout / "blobs" / digest.replace(":", "/")).read_bytes()
    assert parse_digest(digest).matches(content)
    return content


def test_the_example_is_what_the_demo_publishes() -> None:
    """The part that is no comment goes to one layout under three tags, from five images."""
    [target] = parse(SPEC.read_text("utf-8")).targets
    [destination] = target.destinations
    assert str(destination.repository) == "oci:dist/hello"
    assert destination.tags == ("1.0", "1", "latest")
    assert [str(entry.platform) for entry in target.entries] == [
        "linux/amd64",
        "linux/arm64",
        "linux/arm/v7",
        "windows/amd64",
        "windows/amd64",
    ]


def test_the_demo_can_go_elsewhere() -> None:
    """MBUILD_TARGET sends the same to a registry."""
    [target] = parse(SPEC.read_text("utf-8"), MBUILD_TARGET="localhost:5000/hello:1.0").targets
    assert str(target.destinations[0].repository) == "localhost:5000/hello"


def test_every_form_is_found() -> None:
    """Every heading of the example has a spec below it, and nothing stands outside of one."""
    text = SPEC.read_text("utf-8")
    assert len(forms()) == text.count("# --- ") >= 9
    assert sum(form.count("\n") for form in forms().values()) == len(
        re.findall(r"^#(?: {2,}|[^ \n])", text, re.MULTILINE)
    )


@pytest.mark.parametrize("heading", forms())
def test_form(heading: str) -> None:
    """Each form in a comment is a spec when its # are taken away."""
    targets = parse(forms()[heading], VERSION="1.4.2").targets
    assert targets
    assert all((target.entries or target.records) and target.destinations for target in targets)


def test_layouts_are_what_their_script_makes() -> None:
    """The shipped layouts are, byte for byte, what the script beside them writes."""
    command = [sys.executable, str(EXAMPLES / "make_layouts.py"), "--check"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_layout(layout: Path) -> None:
    """A layout is whole: every blob is there, and is what its name says."""
    [entry] = json.loads((layout / "index.json").read_bytes())["manifests"]
    content = blob(layout, entry["digest"])
    manifests = [content]
    if "index" in entry["mediaType"]:
        manifests = [blob(layout, str(each.digest)) for each in parse_index(content).manifests]
    for raw in manifests:
        for part in parse_image_manifest(raw).blobs:
            assert len(blob(layout, str(part.digest))) == part.size


@pytest.mark.parametrize("layout", LAYOUTS, ids=lambda layout: layout.name)
def test_skopeo_reads_the_layout(layout: Path) -> None:
    """Another tool reads the layout too, and finds the platform of its config."""
    os = layout.name.partition("-")[0]
    command = ["skopeo", "--override-os", os, "inspect", "--config", f"oci:{layout}:1.0"]
    done = subprocess.run(command, check=False, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    assert parse_config_platform(done.stdout).os == os


def test_layouts_are_small() -> None:
    """A clone of the project is not made heavy by them."""
    files = [path for layout in LAYOUTS for path in layout.rglob("*") if path.is_file()]
    assert sum(path.stat().st_size for path in files) < 20_000
