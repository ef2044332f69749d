"""Specs whose images are named by files of their builds: from the files to the published list."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.cli.world import AMD64, ARM64, mbuild

SPEC = """\
image: oci:dist:1.0
platforms:
  linux/amd64: {metadata: amd64.json}
  linux/arm64: {metadata: bake.json, target: app, image: oci:builds}
"""
WRITE = "let the build write it first: docker buildx build --push --metadata-file"
OPTIONAL = SPEC.replace("{metadata: amd64.json", "{metadata: amd64.json, optional: true")


def metadata(digest: str, **more: str) -> dict[str, Any]:
    """What a build writes."""
    return {"containerimage.digest": digest, "image.name": "oci:builds:x", **more}


@pytest.fixture
def built(folder: Path) -> Path:
    """The current folder, with what two builds wrote, and a spec of them."""
    (folder / "amd64.json").write_text(json.dumps(metadata(AMD64.digest)))
    app = {"containerimage.digest": ARM64.digest}
    bake = {"app": app, "other": metadata(AMD64.digest)}
    (folder / "bake.json").write_text(json.dumps(bake))
    (folder / "manifests.yaml").write_text(SPEC)
    return folder


def published(folder: Path) -> list[str]:
    """The digests of the images in the list that was published."""
    outer = json.loads((folder / "dist" / "index.json").read_text())
    digest = outer["manifests"][0]["digest"].removeprefix("sha256:")
    inner = json.loads((folder / "dist" / "blobs" / "sha256" / digest).read_text())
    return [entry["digest"] for entry in inner["manifests"]]


def test_push(built: Path) -> None:
    """What the builds have left is published, each image for its platform."""
    done = mbuild("push")
    assert (done.code, done.stderr) == (0, "")
    assert published(built) == [AMD64.digest, ARM64.digest]
    assert mbuild("plan", "--check").code == 0


def test_digests(folder: Path) -> None:
    """A folder of digests, as builds that push by digest leave it; in another folder's spec."""
    (folder / "ci" / "digests").mkdir(parents=True)
    for image in (AMD64, ARM64):
        (folder / "ci" / "digests" / image.digest.removeprefix("sha256:")).touch()
    spec = "image: oci:../dist:1.0\ndigests: {image: oci:../builds, dir: ./digests}\n"
    (folder / "ci" / "m.yaml").write_text(spec)
    assert mbuild("push", "ci/m.yaml").code == 0
    assert published(folder) == sorted([AMD64.digest, ARM64.digest])


def test_glob(built: Path) -> None:
    """Every file that matches is an image."""
    (built / "bake.json").rename(built / "bake.txt")
    (built / "arm64.json").write_text(json.dumps(metadata(ARM64.digest)))
    (built / "manifests.yaml").write_text("image: oci:dist:1.0\nsources: [{metadata: '*.json'}]")
    assert mbuild("push").code == 0
    assert published(built) == [AMD64.digest, ARM64.digest]


def test_check(built: Path) -> None:
    """A check looks at the spec alone: no file needs to be there."""
    for name in ("amd64.json", "bake.json"):
        (built / name).unlink()
    text = SPEC + "digests: {dir: d}\n"
    (built / "manifests.yaml").write_text(text)
    assert mbuild("check").stdout == (
        "ok: 0 images, and what 3 records of builds name, for oci:dist:1.0 (manifests.yaml:1:1)\n"
    )
    [target] = json.loads(mbuild("check", "-o", "json").stdout)["targets"]
    assert (target["metadata"], target["digests"]) == (["amd64.json", "bake.json"], ["d"])


@pytest.mark.parametrize(
    "command", [("push",), ("plan",), ("lock", "--to", "l.json")], ids=" ".join
)
def test_absent(built: Path, command: tuple[str, ...]) -> None:
    """A file that is not there is an error of its entry, before anything is asked or written."""
    (built / "amd64.json").unlink()
    done = mbuild(*command)
    assert (done.code, done.errors) == (
        4,
        [f"error: manifests.yaml:3:27: amd64.json: no such file; {WRITE}"],
    )
    assert not (built / "dist").exists()
    assert not (built / "l.json").exists()


def test_optional(built: Path) -> None:
    """An optional entry whose file is not there is left out, with a warning and a word for it."""
    (built / "manifests.yaml").write_text(OPTIONAL)
    (built / "amd64.json").unlink()
    done = mbuild("push", "-o", "json")
    assert (done.code, done.errors) == (
        0,
        ["warning: amd64.json: not found; linux/amd64 is optional and left out"],
    )
    [target] = json.loads(done.stdout)["targets"]
    assert [(one["platform"], one["image"], one["change"]) for one in target["platforms"]] == [
        ("linux/amd64", "amd64.json", "skipped"),
        ("linux/arm64", f"oci:builds@{ARM64.digest}", "added"),
    ]


def test_other_targets(built: Path) -> None:
    """A file that is broken is the error of its target; the other targets are published."""
    (built / "bake.json").write_text("{}")
    more = "---\nimage: oci:dist:2.0\nsources: [oci:builds:amd64]\n"
    (built / "manifests.yaml").write_text(SPEC + more)
    done = mbuild("push", "-o", "json")
    one, two = json.loads(done.stdout)["targets"]
    assert (done.code, two["verified"]) == (4, True)
    assert one["errors"] == [
        {
            "code": "source-invalid",
            "message": "bake.json: it has no build 'app'; it names no image at all",
            "where": "manifests.yaml:4:27",
        }
    ]
    assert mbuild("push", "--only", "*:2.0").code == 0


def test_lock(built: Path) -> None:
    """A lock holds what the files named; another build since then is an error."""
    assert mbuild("lock", "--to", "lock.json").code == 0
    locked = json.loads((built / "lock.json").read_text())["sources"]
    assert [source["image"] for source in locked] == sorted(
        [f"oci:builds@{AMD64.digest}", f"oci:builds@{ARM64.digest}"]
    )
    assert mbuild("push", "--frozen", "lock.json").code == 0
    new = f"sha256:{'0' * 64}"
    (built / "amd64.json").write_text(json.dumps(metadata(new)))
    done = mbuild("push", "--frozen", "lock.json")
    assert done.code == 3
    assert done.errors[0] == (
        f"error: manifests.yaml:3:27: oci:builds@{new} is not in lock.json; lock again, "
        "with this spec"
    )


def test_lock_without_an_optional_one(built: Path) -> None:
    """What no file has named is not in the lock, and is left out by a frozen push too."""
    (built / "manifests.yaml").write_text(OPTIONAL)
    held = (built / "amd64.json").read_text()
    (built / "amd64.json").unlink()
    assert mbuild("lock", "--to", "lock.json").code == 0
    assert len(json.loads((built / "lock.json").read_text())["sources"]) == 1
    assert mbuild("push", "--frozen", "lock.json").code == 0
    assert published(built) == [ARM64.digest]
    (built / "amd64.json").write_text(held)
    assert mbuild("push", "--frozen", "lock.json").code == 3


def test_frozen_beside_other_jobs(built: Path) -> None:
    """A job that pushes one target of a locked spec needs no files of the others."""
    more = "---\nimage: oci:dist:2.0\nsources: [oci:builds:amd64]\n"
    (built / "manifests.yaml").write_text(SPEC + more)
    assert mbuild("lock", "--to", "lock.json").code == 0
    (built / "bake.json").unlink()
    assert mbuild("push", "--frozen", "lock.json", "--only", "*:2.0").code == 0
