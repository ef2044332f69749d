"""An OCI layout as the target: what goes wrong with the disk leaves the old one whole."""

import json
import subprocess
from pathlib import Path

from tests.support import foreign
from tests.support.cli import Result, environment, mbuild_command, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.images import Content, digest_of, make_image, write_layout
from tests.support.specs import write_spec

SMALL = make_image("linux/amd64")
LARGE = make_image("linux/amd64", size=200_000)


def publish(folder: Path, content: Content) -> Result:
    """Push one image from a layout into `oci:dist:1.0`."""
    source = f"source-{content.digest[-8:]}"
    if not (folder / source).exists():
        write_layout(folder / source, {"1": content})
    write_spec(folder, "oci:dist:1.0", {"linux/amd64": f"oci:{source}:1"})
    return run_mbuild("push", cwd=folder)


def push_with_little_room(folder: Path, size: int) -> Result:
    """Push the spec of a folder in a process that can write no file larger than `size` bytes."""
    limited = f'ulimit -f {size // 512}; exec "$@"'
    # What measures the tests writes a larger file than that, so this run is not measured.
    variables = {name: value for name, value in environment().items() if not name.startswith("COV")}
    done = subprocess.run(
        ["/bin/sh", "-c", limited, "sh", *mbuild_command("push")],
        cwd=folder,
        env=variables,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


def held(layout: Path) -> dict[str, bytes]:
    """Every file of a layout but those it makes only to lock itself."""
    return {
        str(path.relative_to(layout)): path.read_bytes()
        for path in sorted(layout.rglob("*"))
        if path.is_file() and not path.name.endswith(".lock")
    }


def check_whole(layout: Path) -> None:
    """Every blob hashes to its name, and the index names blobs that are there."""
    for path in (layout / "blobs" / "sha256").iterdir():
        assert digest_of(path.read_bytes()) == f"sha256:{path.name}"
    for entry in json.loads((layout / "index.json").read_bytes())["manifests"]:
        assert (layout / "blobs" / entry["digest"].replace(":", "/")).exists()


def test_disk_full(tmp_path: Path) -> None:
    """Where the disk takes no more, code 6 says so, and the layout is what it was."""
    assert publish(tmp_path, SMALL).code == 0
    before = held(tmp_path / "dist")
    write_layout(tmp_path / "large", {"1": LARGE})
    write_spec(tmp_path, "oci:dist:1.0", {"linux/amd64": "oci:large:1"})
    result = push_with_little_room(tmp_path, 64 * 1024)
    assert result.lines == [
        (
            "error: oci:dist: cannot use 'dist': file too large; "
            "raise the limit on file sizes, or take another disk"
        )
    ]
    assert result.code == 6
    after = held(tmp_path / "dist")
    assert {name: after[name] for name in before} == before
    check_whole(tmp_path / "dist")
    assert publish(tmp_path, LARGE).code == 0
    check_whole(tmp_path / "dist")


def test_disk_full_at_the_index(tmp_path: Path) -> None:
    """An index.json that does not fit is not half an index.json."""
    assert publish(tmp_path, SMALL).code == 0
    index = tmp_path / "dist" / "index.json"
    padded = json.loads(index.read_bytes())
    padded["annotations"] = {"padding": "x" * 100_000}
    index.write_text(json.dumps(padded))
    before = held(tmp_path / "dist")
    write_layout(tmp_path / "other", {"1": make_image("linux/amd64", seed="other")})
    write_spec(tmp_path, "oci:dist:1.0", {"linux/amd64": "oci:other:1"})
    result = push_with_little_room(tmp_path, 64 * 1024)
    assert result.code == 6
    assert "Traceback" not in result.stderr
    after = held(tmp_path / "dist")
    assert {name: after[name] for name in before} == before
    check_whole(tmp_path / "dist")


def test_file_in_the_way(tmp_path: Path) -> None:
    """A file where the layout should be is code 6, and stays."""
    (tmp_path / "dist").write_text("mine")
    result = publish(tmp_path, SMALL)
    assert result.lines == [
        (
            "error: oci:dist: it is a file, and no folder with an OCI image layout; "
            "a layout in a tar is named oci-archive:FILE"
        )
    ]
    assert result.code == 6
    assert (tmp_path / "dist").read_text() == "mine"


def test_other_entries_are_kept(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """What others put into the layout stays, and skopeo finds both."""
    write_layout(tmp_path / "dist", {"theirs": LARGE})
    assert publish(tmp_path, SMALL).code == 0
    for tag in ("theirs", "1.0"):
        foreign.skopeo_copy_from_layout(tmp_path / "dist", tag, registry, f"{repository}:{tag}")
    assert foreign.skopeo_inspect_raw(registry, f"{repository}:theirs") == LARGE.manifest


def test_many_writers(tmp_path: Path) -> None:
    """Eight processes that publish other tags into one layout lose none of them."""
    write_layout(tmp_path / "source", {"1": SMALL})
    tags = [f"tag-{number}" for number in range(8)]
    running = [
        subprocess.Popen(
            mbuild_command("create", f"oci:dist:{tag}", "oci:source:1"),
            cwd=tmp_path,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for tag in tags
    ]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    assert ends == [(b"", 0)] * len(tags)
    index = json.loads((tmp_path / "dist" / "index.json").read_bytes())
    named = {
        entry.get("annotations", {}).get("org.opencontainers.image.ref.name")
        for entry in index["manifests"]
    }
    assert named >= set(tags)
    check_whole(tmp_path / "dist")


def test_same_layout_from_anywhere(tmp_path: Path) -> None:
    """A layout's path is taken from the spec's folder, not from where the program runs."""
    write_layout(tmp_path / "source", {"1": SMALL})
    spec = write_spec(tmp_path, "oci:dist:1.0", {"linux/amd64": "oci:source:1"})
    (tmp_path / "elsewhere").mkdir()
    assert run_mbuild("push", spec, cwd=tmp_path / "elsewhere").code == 0
    assert (tmp_path / "dist" / "index.json").exists()
