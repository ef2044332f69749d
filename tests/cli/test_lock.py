"""`lock` and `--frozen`: what was reviewed is what is published."""

import json
from pathlib import Path

import pytest

from tests.cli.world import AMD64, ARM64, SPEC, mbuild
from tests.support.images import make_image, write_layout

NEW = make_image("linux/amd64", seed="new")
OPTIONAL = '  linux/s390x: {image: "oci:builds:s390x", optional: true}\n'
LOCK = {
    "version": 1,
    "sources": [
        {
            "image": f"oci:builds:{name}",
            "digest": image.digest,
            "size": len(image.manifest),
            "mediaType": image.media_type,
        }
        for name, image in (("amd64", AMD64), ("arm64", ARM64))
    ],
}


def move(folder: Path) -> None:
    """Build another image for amd64, under the same tag."""
    write_layout(folder / "more", {"amd64": NEW})
    for blob in (folder / "more" / "blobs" / "sha256").iterdir():
        blob.rename(folder / "builds" / "blobs" / "sha256" / blob.name)
    index = folder / "builds" / "index.json"
    held = json.loads(index.read_text())
    for entry in held["manifests"]:
        if entry["digest"] == AMD64.digest:
            entry.update(digest=NEW.digest, size=len(NEW.manifest))
    index.write_text(json.dumps(held))


def digests(*words: str) -> list[str]:
    """The digests of the images that a command tells of."""
    (target,) = json.loads(mbuild(*words, "-o", "json").stdout)["targets"]
    return [platform["digest"] for platform in target["platforms"]]


def test_lock(folder: Path) -> None:
    """Every source is written down, and nothing is published."""
    done = mbuild("lock", "--to", "lock.json")
    assert (done.code, done.stdout, done.stderr) == (0, "lock.json: 2 sources pinned\n", "")
    assert json.loads((folder / "lock.json").read_text()) == LOCK
    assert not (folder / "dist").exists()


def test_same_bytes(folder: Path) -> None:
    """The same sources give the same file, whatever the order of the spec."""
    mbuild("lock", "--to", "one.json")
    lines = SPEC.splitlines(keepends=True)
    (folder / "manifests.yaml").write_text("".join([*lines[:2], lines[3], lines[2]]))
    mbuild("lock", "--to", "two.json")
    assert (folder / "one.json").read_bytes() == (folder / "two.json").read_bytes()


def test_frozen(folder: Path) -> None:
    """What was locked is planned and pushed, though a tag has moved since."""
    mbuild("lock", "--to", "lock.json")
    move(folder)
    assert digests("plan") == [NEW.digest, ARM64.digest]
    for command in ("plan", "push"):
        assert digests(command, "--frozen", "lock.json") == [AMD64.digest, ARM64.digest]
    assert mbuild("plan", "--check", "--frozen", "lock.json").code == 0
    assert mbuild("plan", "--check").code == 7


def test_absent(folder: Path) -> None:
    """An optional image that is absent when the lock is made stays out."""
    (folder / "manifests.yaml").write_text(SPEC + OPTIONAL)
    done = mbuild("lock", "--to", "lock.json")
    assert done.stdout == "lock.json: 2 sources pinned, 1 noted as absent\n"
    assert done.errors == [
        "warning: oci:builds:s390x: not found; linux/s390x is optional and left out"
    ]
    assert json.loads((folder / "lock.json").read_text())["sources"][2] == {
        "image": "oci:builds:s390x",
        "absent": True,
    }
    assert digests("push", "--frozen", "lock.json") == [AMD64.digest, ARM64.digest, None]
    assert mbuild("plan", "--frozen", "lock.json").errors == [
        "warning: oci:builds:s390x: absent when it was locked; linux/s390x is optional and left out"
    ]


def test_tag(folder: Path) -> None:
    """A tag of the command line decides on the sources of a template; plan and lock take it too."""
    spec = "image: oci:dist\nplatforms: [linux/amd64]\nsource: oci:builds:{tag}\n"
    (folder / "manifests.yaml").write_text(spec)
    assert mbuild("lock", "--to", "lock.json").code == 4
    for words in (
        ("plan",),
        ("lock", "--to", "lock.json"),
        ("plan", "--frozen", "lock.json"),
        ("push", "--frozen", "lock.json"),
    ):
        assert mbuild(*words, "--tag", "amd64").code == 0


@pytest.mark.usefixtures("folder")
def test_json_and_quiet() -> None:
    """The document holds what the file does; quietly, there is a line a source."""
    document = json.loads(mbuild("lock", "--to", "lock.json", "-o", "json").stdout)
    assert list(document) == [
        "version", "ok", "seconds", "requests", "retries", "sources", "errors",
    ]  # fmt: skip
    assert (document["ok"], document["sources"], document["errors"]) == (True, LOCK["sources"], [])
    assert mbuild("lock", "--to", "lock.json", "-q").stdout.splitlines() == [
        f"oci:builds:amd64@{AMD64.digest}",
        f"oci:builds:arm64@{ARM64.digest}",
    ]


def test_wrong_images(folder: Path) -> None:
    """All that is wrong is told, as for a push, and the lock that was there stays."""
    (folder / "lock.json").write_text("old")
    wrong = SPEC.replace("builds:amd64", "builds:arm64").replace(
        "arm64: oci:builds:arm64", "arm64: oci:builds:x"
    )
    (folder / "manifests.yaml").write_text(wrong)
    done = mbuild("lock", "--to", "lock.json")
    assert (done.code, done.stdout, len(done.errors)) == (4, "", 2)
    assert (folder / "lock.json").read_text() == "old"
    document = json.loads(mbuild("lock", "--to", "lock.json", "-o", "json").stdout)
    assert (document["ok"], document["sources"], len(document["errors"])) == (False, [], 2)


@pytest.mark.usefixtures("folder")
def test_where_no_file_can_be() -> None:
    """A lock that cannot be written is an error before anything is asked."""
    done = mbuild("lock", "--to", "no/lock.json")
    assert (done.code, done.errors) == (
        2,
        ["error: --to 'no/lock.json' cannot be written; name a file in a folder that exists"],
    )


def test_full_disk(folder: Path) -> None:
    """A lock that cannot be written after all is an error of the disk."""
    (folder / "full").symlink_to("/dev/full")
    done = mbuild("lock", "--to", "full")
    assert (done.code, done.stdout) == (6, "")
    assert done.errors == [
        "error: cannot use 'full': no space left on device; free some space, then run again"
    ]


def test_only(folder: Path) -> None:
    """A lock of some targets is a lock for these, and for no other."""
    many = "images:\n" + "".join(
        f'  - {{image: "oci:{name}:1", sources: ["oci:builds:{name}"]}}\n'
        for name in ("amd64", "arm64")
    )
    (folder / "manifests.yaml").write_text(many)
    mbuild("lock", "--to", "lock.json", "--only", "oci:arm64")
    assert mbuild("push", "--frozen", "lock.json", "--only", "oci:arm64").code == 0
    done = mbuild("push", "--frozen", "lock.json")
    assert (done.code, done.errors) == (
        3,
        [
            (
                "error: manifests.yaml:2:38: oci:builds:amd64 is not in lock.json; lock again, "
                "with this spec"
            )
        ],
    )


def test_does_not_fit(folder: Path) -> None:
    """A lock that does not fit the spec stops the run before any request, with each difference."""
    mbuild("lock", "--to", "lock.json")
    (folder / "manifests.yaml").write_text(SPEC.replace("builds:amd64", "builds:x86"))
    done = mbuild("push", "--frozen", "lock.json", "-o", "json")
    assert done.code == 3
    assert [error["code"] for error in json.loads(done.stdout)["errors"]] == [
        "not-locked",
        "locked-in-vain",
    ]


@pytest.mark.parametrize(
    ("write", "error"),
    [
        (None, "lock.json: no such lock; make it: mbuild lock --to lock.json"),
        ("", "lock.json: the lock is empty"),
        (
            '{"version": 9}',
            "lock.json:1:13: the lock is version '9', and this mbuild reads version 1; lock again",
        ),
    ],
    ids=["absent", "empty", "another version"],
)
def test_no_lock(folder: Path, write: str | None, error: str) -> None:
    """What is no lock is an error of the spec."""
    if write is not None:
        (folder / "lock.json").write_text(write)
    done = mbuild("plan", "--frozen", "lock.json")
    assert (done.code, done.stdout, done.errors) == (3, "", [f"error: {error}"])


def test_a_folder_is_no_lock(folder: Path) -> None:
    """A lock that cannot be read is an error of the spec, too."""
    done = mbuild("plan", "--frozen", str(folder / "builds"))
    assert (done.code, done.errors) == (
        3,
        [f"error: {folder}/builds: cannot be read: is a directory"],
    )


def test_gone(folder: Path) -> None:
    """An image that is gone by the time of the push is missing, with the way out."""
    mbuild("lock", "--to", "lock.json")
    move(folder)
    (folder / "builds" / "blobs" / "sha256" / AMD64.digest.removeprefix("sha256:")).unlink()
    done = mbuild("push", "--frozen", "lock.json")
    assert done.code == 4
    assert done.errors == [
        (
            f"error: manifests.yaml:3:16: oci:builds:amd64: what was locked, {AMD64.digest}, is not "
            "there any more: no such manifest in the layout; build and push the image again, or lock again"
        )
    ]
