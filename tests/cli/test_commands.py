"""The commands on layouts: what each prints, and its exit code."""

import json
from pathlib import Path

import pytest

from tests.cli.world import AMD64, ARM64, SPEC, mbuild, write_builds
from tests.support.images import digest_of, make_image, make_index, write_layout

DIGEST = "sha256:dbde8386143a1acb1d55e32a8bd7fee8bd9fdb629ca4d41917c6904781219983"
NAME = f"oci:dist@{DIGEST}"
BUILDS = [
    f"  + linux/amd64  {AMD64.digest[:19]}  added  oci:builds:amd64",
    f"  + linux/arm64  {ARM64.digest[:19]}  added  oci:builds:arm64",
]


def shown(summary: str, tag: str, *more: str) -> list[str]:
    """What a first push or plan of the two builds prints."""
    return [
        NAME,
        f"  OCI index, 2 images, 645 bytes: {summary}",
        f"  + :1.0  {tag}",
        *BUILDS,
        *more,
    ]


PUSHED = shown("pushed and verified", "created", "  copied 4 blobs (21.0 kB), mounted 0")
PLANNED = shown("would be pushed", "to be created")
KEPT = [f"{NAME}  OCI index, 2 images: nothing to do, every tag holds it"]


@pytest.mark.parametrize("words", [("push",), ("push", "manifests.yaml")], ids=["default", "named"])
def test_push(folder: Path, words: tuple[str, ...]) -> None:
    """Push tells what it did, and the second time that nothing is to do."""
    done = mbuild(*words)
    assert (done.code, done.stdout.splitlines(), done.stderr) == (0, PUSHED, "")
    again = mbuild(*words)
    assert (again.code, again.stdout.splitlines(), again.stderr) == (0, KEPT, "")
    assert (folder / "dist" / "index.json").exists()


@pytest.mark.parametrize("words", [("push", "--dry-run"), ("plan",)], ids=["dry run", "plan"])
def test_plan(folder: Path, words: tuple[str, ...]) -> None:
    """Plan and dry run tell the same, and write nothing."""
    done = mbuild(*words)
    assert (done.code, done.stdout.splitlines(), done.stderr) == (0, PLANNED, "")
    assert not (folder / "dist").exists()


@pytest.mark.usefixtures("folder")
def test_plan_check() -> None:
    """With --check a difference is code 7, and none is 0."""
    assert mbuild("plan", "--check").code == 7
    mbuild("push")
    assert mbuild("plan", "--check").code == 0


DIFFERENCES = [
    ("image", SPEC.replace("linux/arm64: oci:builds:arm64", "linux/arm64: oci:more:new")),
    ("added platform", SPEC + "  linux/s390x: oci:more:s390x\n"),
    ("removed platform", SPEC.replace("  linux/arm64: oci:builds:arm64\n", "")),
    ("order", "platforms: {linux/arm64: oci:builds:arm64, linux/amd64: oci:builds:amd64}\nimage: oci:dist:1.0\n"),
    ("tag", SPEC + "tags: [latest]\n"),
    ("annotation of the index", SPEC + "annotations: {a: '1'}\n"),
    (
        "annotation of an entry",
        SPEC.replace("oci:builds:arm64", "{image: 'oci:builds:arm64', annotations: {a: '1'}}"),
    ),
]  # fmt: skip


@pytest.mark.parametrize("spec", [one[1] for one in DIFFERENCES], ids=[one[0] for one in DIFFERENCES])  # fmt: skip
def test_plan_check_of_any_difference(folder: Path, spec: str) -> None:
    """Every kind of difference counts, and after a push of it none is left."""
    new, s390x = make_image("linux/arm64", seed="new"), make_image("linux/s390x")
    write_layout(folder / "more", {"new": new, "s390x": s390x})
    mbuild("push")
    (folder / "manifests.yaml").write_text(spec)
    assert mbuild("plan", "--check").code == 7
    mbuild("push")
    assert mbuild("plan", "--check").code == 0


def test_plan_check_of_what_is_wrong(folder: Path) -> None:
    """An error goes before a difference."""
    write_layout(folder / "other", {"amd64": ARM64})
    (folder / "manifests.yaml").write_text(SPEC.replace("builds:amd64", "other:amd64"))
    assert mbuild("plan", "--check").code == 4


@pytest.mark.usefixtures("folder")
def test_quiet() -> None:
    """Quietly, only the published name is printed, and from a check nothing."""
    assert mbuild("push", "-q").stdout == f"{NAME}\n"
    assert mbuild("plan", "-q").stdout == f"{NAME}\n"
    assert mbuild("check", "-q").stdout == ""
    assert mbuild("inspect", "-q", "oci:dist").stdout == f"{NAME}\n"


def test_stdin(folder: Path) -> None:
    """`-` reads the spec from stdin, and its paths are from the current folder."""
    (folder / "manifests.yaml").unlink()
    assert mbuild("push", "-", stdin=SPEC.encode()).stdout.splitlines() == PUSHED
    wrong = mbuild("check", "-", stdin=b"imagee: x\n")
    assert wrong.code == 3
    assert wrong.errors[0].startswith("error: <stdin>:1:1: ")


def test_several_files(folder: Path) -> None:
    """Several files are one run; a path in a file is from the file's folder."""
    inner = folder / "inner"
    write_builds(inner)
    done = mbuild("check", "manifests.yaml", "inner/manifests.yaml")
    assert done.stdout.splitlines() == [
        "ok: 2 images for oci:dist:1.0 (manifests.yaml:1:1)",
        "ok: 2 images for oci:inner/dist:1.0 (inner/manifests.yaml:1:1)",
    ]


def test_check_counts_one(folder: Path) -> None:
    """One image is one image."""
    (folder / "manifests.yaml").write_text("image: oci:dist:1.0\nsources: [oci:builds:amd64]\n")
    assert mbuild("check").stdout == "ok: 1 image for oci:dist:1.0 (manifests.yaml:1:1)\n"


def test_check_counts_a_base(folder: Path) -> None:
    """A base is told beside the images that are put into it, or alone."""
    base = "image: oci:dist:1.0\nbase: oci:builds:amd64\n"
    (folder / "manifests.yaml").write_text(f"{base}sources: [oci:builds:arm64]\n")
    assert (
        mbuild("check").stdout == "ok: a base and 1 image for oci:dist:1.0 (manifests.yaml:1:1)\n"
    )
    document = json.loads(mbuild("check", "-o", "json").stdout)
    assert document["targets"][0]["base"] == "oci:builds:amd64"
    (folder / "manifests.yaml").write_text(base)
    assert mbuild("check").stdout == "ok: a base for oci:dist:1.0 (manifests.yaml:1:1)\n"


@pytest.mark.usefixtures("folder")
def test_append() -> None:
    """With --append what the target's first tag holds is kept; where it holds nothing, none is."""
    failed = mbuild("create", "--append", "oci:dist:1.0", "oci:builds:amd64")
    assert (failed.code, failed.stderr.splitlines()[-1]) == (
        4,
        (
            "error: oci:dist:1.0: oci:dist: no OCI image layout is there; "
            "leave out --append for the first push"
        ),
    )
    assert mbuild("create", "oci:dist:1.0", "oci:builds:amd64").code == 0
    done = mbuild(
        "create", "--append", "oci:dist", "--tag", "1.0", "oci:builds:arm64", "-o", "json"
    )
    assert done.code == 0
    platforms = json.loads(done.stdout)["targets"][0]["platforms"]
    assert [(one["platform"], one["change"]) for one in platforms] == [
        ("linux/amd64", "kept"),
        ("linux/arm64", "added"),
    ]


@pytest.mark.usefixtures("folder")
def test_check_json() -> None:
    """A check's document has each target's names and sources, and its place."""
    document = json.loads(mbuild("check", "-o", "json").stdout)
    assert document == {
        "version": 1,
        "ok": True,
        "targets": [
            {
                "names": ["oci:dist:1.0"],
                "base": None,
                "images": ["oci:builds:amd64", "oci:builds:arm64"],
                "metadata": [],
                "digests": [],
                "where": "manifests.yaml:1:1",
            }
        ],
    }


@pytest.mark.usefixtures("folder")
def test_create() -> None:
    """Create publishes the same bytes without a spec."""
    words = ("oci:dist:1.0", "oci:builds:amd64", "oci:builds:arm64")
    assert mbuild("create", *words).stdout.splitlines() == PUSHED


def test_create_with_all(folder: Path) -> None:
    """Create takes tags, platforms and annotations, and one source for all platforms."""
    done = mbuild(
        "create", "oci:dist:1.0", "oci:builds:{arch}", "--platform", "linux/amd64",
        "--platform", "linux/arm64", "--tag", "latest", "--annotation", "a=1", "-q",
    )  # fmt: skip
    assert (done.code, done.stderr) == (0, "")
    index = json.loads((folder / "dist" / "index.json").read_text())
    names = [list(entry["annotations"].values()) for entry in index["manifests"]]
    assert names == [["1.0"], ["latest"]]
    raw = json.loads(mbuild("inspect", "--raw", "oci:dist:latest").stdout)
    assert raw["annotations"] == {"a": "1"}


def test_create_dry_run(folder: Path) -> None:
    """A dry run of create writes nothing."""
    done = mbuild("create", "oci:dist:1.0", "oci:builds:amd64", "--dry-run")
    assert done.stdout.splitlines()[1] == "  OCI index, 1 image, 374 bytes: would be pushed"
    assert not (folder / "dist").exists()


CREATE_WRONG = [
    (
        ("oci:builds:amd64", "--platform", "linux/arm64"),
        (
            "oci:builds:amd64: --platform says linux/arm64, and the image's config has "
            "architecture 'amd64'; name the right image, or correct the platform"
        ),
    ),
    (
        ("oci:builds:amd64", "oci:builds:amd64"),
        (
            "oci:builds:amd64: it is a second image for linux/amd64, as oci:builds:amd64 is; "
            "a client could not tell them apart; take one of the two out"
        ),
    ),
]


@pytest.mark.usefixtures("folder")
@pytest.mark.parametrize(("words", "message"), CREATE_WRONG, ids=["contradiction", "duplicate"])
def test_create_of_wrong_images(words: tuple[str, ...], message: str) -> None:
    """What is wrong with images of the command line is said in its words: there is no spec."""
    done = mbuild("create", "oci:dist:1.0", *words)
    assert (done.code, done.stdout) == (
        4,
        "oci:dist:1.0: nothing was written; see oci:builds:amd64\n",
    )
    assert done.errors == [f"error: {message}"]


@pytest.mark.usefixtures("folder")
def test_push_tag() -> None:
    """Tags of the command line are added to the spec's."""
    lines = mbuild("push", "--tag", "latest", "--tag", "1.0").stdout.splitlines()
    assert lines[2:4] == ["  + :1.0     created", "  + :latest  created"]


def test_schema() -> None:
    """The schema is a JSON document."""
    done = mbuild("schema")
    assert (done.code, json.loads(done.stdout)["type"], done.stderr) == (0, "object", "")


def test_raw(folder: Path) -> None:
    """Raw bytes are the exact ones, with no newline after them."""
    index = make_index(AMD64, ARM64)
    write_layout(folder / "made", {"1.0": index})
    assert mbuild("inspect", "--raw", "oci:made").stdout == index.manifest.decode()


MISSING = [
    ("no spec", ("push",), 3, ["manifests.yaml: no such file; write one, or name your spec: mbuild push SPEC"]),
    ("two missing", ("plan", "a.yaml", "b.yaml"), 3, ["a.yaml: no such file; check the path", "b.yaml: no such file; check the path"]),
    ("folder", ("check", "builds"), 3, ["builds: cannot be read: is a directory"]),
    ("setting", ("check", "--set", "VERSION"), 2, ["--set 'VERSION' is not K=V; write it like --set VERSION=1.4"]),
    ("nameless setting", ("check", "--set", "=1"), 2, ["--set '=1' is not K=V; write it like --set VERSION=1.4"]),
    ("reference", ("inspect", "a b"), 2, ["'a b' is not a reference: 'a b' is not a repository name (lower-case letters and digits, single '.', '_' or '-' between them, '/' between parts)"]),
    ("no layout", ("inspect", "oci:absent"), 4, ["oci:absent: no OCI image layout is there; check name and tag"]),
    ("no tag", ("inspect", "oci:builds:absent"), 4, ["oci:builds:absent: no such tag in the layout; it holds amd64, arm64"]),
    ("which one", ("inspect", "oci:builds"), 4, ["oci:builds: the layout stands for several images; say which one: amd64, arm64"]),
]  # fmt: skip


@pytest.mark.parametrize(
    ("words", "code", "messages"), [one[1:] for one in MISSING], ids=[one[0] for one in MISSING]
)
def test_errors(folder: Path, words: tuple[str, ...], code: int, messages: list[str]) -> None:
    """What is wrong is told in a line each on stderr, and stdout stays empty."""
    (folder / "manifests.yaml").unlink()
    done = mbuild(*words)
    assert done.errors == [f"error: {message}" for message in messages]
    assert (done.code, done.stdout) == (code, "")


def test_broken_layout(folder: Path) -> None:
    """A broken layout is a matter of the image, for inspect as for push."""
    (folder / "builds" / "oci-layout").unlink()
    reason = (
        "oci:builds: the layout is broken: its oci-layout file is missing; "
        "write the layout again with the tool that made it"
    )
    assert mbuild("inspect", "oci:builds:amd64").errors == [f"error: {reason}"]
    done = mbuild("push")
    assert done.code == 4
    assert done.errors == [
        f"error: manifests.yaml:3:16: {reason}",
        f"error: manifests.yaml:4:16: {reason}",
    ]


def test_malformed_index(folder: Path) -> None:
    """What cannot be shown is told with no half of a table, and raw it can be seen."""
    raw = b'{"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json"}'
    layout = folder / "builds"
    digest = digest_of(raw)
    (layout / "blobs" / digest.replace(":", "/")).write_bytes(raw)
    done = mbuild("inspect", f"oci:builds@{digest}")
    assert (done.code, done.stdout) == (4, "")
    assert done.errors == [
        (
            f"error: oci:builds@{digest}: its application/vnd.oci.image.index.v1+json is malformed: "
            "'manifests' is missing; mbuild inspect --raw shows it as it is"
        )
    ]
    assert mbuild("inspect", "--raw", f"oci:builds@{digest}").stdout == raw.decode()


def test_error_as_json(folder: Path) -> None:
    """An error before any target is in the document too, with its place in the spec."""
    (folder / "manifests.yaml").write_text("imagee: x\n")
    done = mbuild("push", "-o", "json")
    assert done.code == 3
    document = json.loads(done.stdout)
    assert (document["ok"], document["targets"]) == (False, [])
    assert {error["where"] for error in document["errors"]} == {"manifests.yaml:1:1"}
    assert done.stderr.startswith("error: manifests.yaml:1:1: ")


def test_target_error_as_json(folder: Path) -> None:
    """A target's error is in its own element, and on stderr too."""
    (folder / "manifests.yaml").write_text(SPEC.replace("builds:arm64", "builds:absent"))
    done = mbuild("plan", "-o", "json")
    ((error,),) = [target["errors"] for target in json.loads(done.stdout)["targets"]]
    assert error == {
        "code": "source-not-found",
        "message": "oci:builds:absent: no such tag in the layout",
        "where": "manifests.yaml:4:16",
        "hint": "it holds amd64, arm64",
    }
    assert done.errors == [f"error: {error['where']}: {error['message']}; {error['hint']}"]
    assert done.code == 4


def test_warning(folder: Path) -> None:
    """A warning stands on stderr, and changes no exit code."""
    (folder / "manifests.yaml").write_text(
        SPEC.replace("oci:builds:arm64", "{image: oci:builds:absent, optional: true}")
    )
    done = mbuild("push")
    assert done.errors == [
        "warning: oci:builds:absent: not found; linux/arm64 is optional and left out"
    ]
    assert done.code == 0
