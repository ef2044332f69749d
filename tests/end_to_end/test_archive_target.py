"""An OCI archive as the target: one file, whole or as it was, with nothing left beside it."""

import signal
import subprocess
import time
from pathlib import Path

import pytest

from tests.end_to_end.test_layout_target import push_with_little_room
from tests.store.packing.world import blobs_in, digests_of, names, tags_in
from tests.support import faults, foreign
from tests.support.artifacts import make_referrer
from tests.support.cli import Result, environment, mbuild_command, run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault
from tests.support.images import digest_of, make_image, make_index, write_layout
from tests.support.loopback import LoopbackServer
from tests.support.specs import SPEC, write_spec

AMD64, ARM64 = make_image("linux/amd64"), make_image("linux/arm64", docker=True)
OTHER = make_image("linux/amd64", seed="other")
LARGE = make_image("linux/amd64", size=200_000)
PLATFORMS = {"linux/amd64": "oci:builds:amd64", "linux/arm64": "oci:builds:arm64"}
ARCHIVE = "oci-archive:dist/app.tar"
PATIENCE = 30


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with builds in a layout, and a spec of an archive."""
    write_layout(
        tmp_path / "builds", {"amd64": AMD64, "arm64": ARM64, "other": OTHER, "large": LARGE}
    )
    write_spec(tmp_path, f"{ARCHIVE}:1.0", PLATFORMS, tags=["latest"])
    return tmp_path


def push(folder: Path, *words: str) -> Result:
    """Push the spec, and see that nothing but the archive lies in its folder then."""
    result = run_mbuild("push", *words, cwd=folder)
    if (folder / "dist").exists():
        assert names(folder / "dist") == ["app.tar"]
    return result


def test_whole_flow(folder: Path, registry: DockerRegistry, repository: str) -> None:
    """Planned, pushed, nothing to do, moved, verified; skopeo copies all that it holds."""
    planned = run_mbuild("plan", "-q", cwd=folder)
    assert run_mbuild("push", "--dry-run", "-q", cwd=folder).stdout == planned.stdout
    assert not (folder / "dist").exists()
    first = push(folder, "-q")
    assert (first.code, first.stdout, first.stderr) == (0, planned.stdout, "")
    written = (folder / "dist" / "app.tar").stat()
    assert run_mbuild("plan", "--check", cwd=folder).code == 0
    assert "nothing to do" in push(folder).stdout
    assert (folder / "dist" / "app.tar").stat() == written
    assert push(folder, "--force").code == 0
    write_spec(folder, f"{ARCHIVE}:1.0", {"linux/amd64": "oci:builds:amd64"})
    moved = push(folder)
    assert (moved.code, "~ :1.0  moved from" in moved.stdout) == (0, True)
    verified = run_mbuild("verify", f"{ARCHIVE}:1.0", f"{ARCHIVE}:latest", cwd=folder)
    assert verified.code == 0
    foreign.skopeo_copy_from_archive(
        folder / "dist" / "app.tar", "latest", registry, f"{repository}:latest"
    )
    tag = tags_in(folder / "dist" / "app.tar")["latest"]
    raw = foreign.skopeo_inspect_raw(registry, f"{repository}:latest")
    assert digest_of(raw) == tag


def test_same_file(folder: Path) -> None:
    """The same spec gives the same file, wherever it lies and whenever it is written."""
    assert push(folder).code == 0
    first = (folder / "dist" / "app.tar").read_bytes()
    (folder / "dist" / "app.tar").unlink()
    write_spec(folder, f"{ARCHIVE}:latest", PLATFORMS)
    assert push(folder).code == 0
    write_spec(folder, f"{ARCHIVE}:1.0", PLATFORMS)
    assert push(folder).code == 0
    assert (folder / "dist" / "app.tar").read_bytes() == first


def test_many_targets(folder: Path) -> None:
    """A spec with many images puts all of them into one archive."""
    targets = "".join(
        f"- image: {ARCHIVE}:v{number}\n  sources: [oci:builds:{source}]\n"
        for number, source in enumerate(("amd64", "arm64", "other", "large"))
    )
    (folder / SPEC).write_text(f"images:\n{targets}")
    assert push(folder).code == 0
    assert sorted(tags_in(folder / "dist" / "app.tar")) == ["v0", "v1", "v2", "v3"]
    assert blobs_in(folder / "dist" / "app.tar") >= digests_of(AMD64, ARM64, OTHER, LARGE)


def test_chain(folder: Path, registry: DockerRegistry, repository: str) -> None:
    """A target may be made of what another one puts into an archive."""
    (folder / SPEC).write_text(
        f"images:\n- image: {registry.host}/{repository}:1.0\n  sources: [{ARCHIVE}:base]\n"
        f"- image: {ARCHIVE}:base\n  sources: [oci:builds:amd64, oci:builds:arm64]\n"
    )
    assert run_mbuild("push", "--dry-run", cwd=folder).code == 0
    assert push(folder).code == 0
    raw = foreign.skopeo_inspect_raw(registry, f"{repository}:1.0")
    assert digest_of(raw) == tags_in(folder / "dist" / "app.tar")["base"]


def test_many_writers(folder: Path) -> None:
    """Processes that write other tags into one archive lose none of them."""
    tags = [f"tag-{number}" for number in range(6)]
    running = [
        subprocess.Popen(
            mbuild_command("create", f"{ARCHIVE}:{tag}", "oci:builds:amd64"),
            cwd=folder,
            env=environment(),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        for tag in tags
    ]
    ends = [(process.communicate()[1], process.returncode) for process in running]
    assert ends == [(b"", 0)] * len(tags)
    assert sorted(tags_in(folder / "dist" / "app.tar")) == tags
    assert names(folder / "dist") == ["app.tar"]


def test_refused_elsewhere(folder: Path, fake: FakeRegistry, server: LoopbackServer) -> None:
    """Where another repository of the target refuses a tag, the archive is what it was."""
    assert push(folder).code == 0
    before = (folder / "dist" / "app.tar").read_bytes()
    fake.put("team/app", "1.0", AMD64)
    fake.faults.append(Fault("PUT", "/manifests/1.0", faults.status(403, "DENIED")))
    image = f"[{ARCHIVE}:1.0, '{server.host}/team/app:1.0']"
    write_spec(folder, image, {"linux/amd64": "oci:builds:other"}, tags=["new"])
    result = push(folder)
    assert result.code == 5
    assert "  = :1.0  restored" in result.stdout
    assert "  - :new  removed" in result.stdout
    assert (folder / "dist" / "app.tar").read_bytes() == before


def test_disk_full(folder: Path) -> None:
    """Where the disk takes no more, code 6 says so, and the archive is what it was."""
    assert push(folder).code == 0
    before = (folder / "dist" / "app.tar").read_bytes()
    write_spec(folder, f"{ARCHIVE}:2.0", {"linux/amd64": "oci:builds:large"})
    result = push_with_little_room(folder, 64 * 1024)
    assert result.code == 6
    assert result.lines == [
        (
            f"error: {ARCHIVE}: cannot use 'dist/app.tar': file too large; "
            "raise the limit on file sizes, or take another disk"
        )
    ]
    assert (folder / "dist" / "app.tar").read_bytes() == before
    assert names(folder / "dist") == ["app.tar"]


def test_no_archive_in_its_place(folder: Path) -> None:
    """A file that is no archive is told as such, and stays."""
    (folder / "dist").mkdir()
    (folder / "dist" / "app.tar").write_text("mine" * 500)
    result = push(folder)
    assert result.code == 6
    (line,) = result.lines
    assert line.startswith(f"error: {ARCHIVE}: it cannot be added to: ")
    assert line.endswith("; move the file away, or name another one")
    assert (folder / "dist" / "app.tar").read_text() == "mine" * 500


def test_read_only_folder(folder: Path) -> None:
    """A name below a file is told with the system's reason."""
    (folder / "dist").write_text("mine")
    result = run_mbuild("push", cwd=folder)
    assert (result.code, len(result.lines)) == (6, 1)
    assert result.lines[0].startswith(f"error: {ARCHIVE}: cannot use ")
    assert (folder / "dist").read_text() == "mine"


@pytest.mark.parametrize("by", [signal.SIGINT, signal.SIGKILL], ids=["Ctrl-C", "killed"])
def test_stopped(
    folder: Path, fake: FakeRegistry, server: LoopbackServer, by: signal.Signals
) -> None:
    """A run that is stopped leaves nothing; of one that is killed, the next takes it away."""
    config = digest_of(AMD64.config)
    fake.faults.append(Fault("GET", f"/blobs/{digest_of(AMD64.layers[0])}", faults.slow(20)))
    write_spec(folder, ARCHIVE, {"linux/amd64": f"{server.host}/team/app:amd64"})
    process = subprocess.Popen(
        mbuild_command("push"), cwd=folder, env=environment(), stderr=subprocess.PIPE, text=True
    )
    end = time.monotonic() + PATIENCE
    while not [*(folder / "dist").glob(f".app.tar.tmp-*/layout/blobs/sha256/{config[7:]}")]:
        assert time.monotonic() < end, process.communicate()
        time.sleep(0.01)
    process.send_signal(by)
    _, stderr = process.communicate(timeout=PATIENCE)
    assert process.returncode == (130 if by == signal.SIGINT else -signal.SIGKILL)
    assert "Traceback" not in stderr
    assert len(names(folder / "dist")) == (0 if by == signal.SIGINT else 1)
    fake.faults.clear()
    assert push(folder).code == 0


def test_docker_archive(folder: Path) -> None:
    """A docker-archive cannot hold a list of images: the spec is refused, and says what can."""
    write_spec(folder, "docker-archive:dist/app.tar:app:1.0", PLATFORMS)
    result = run_mbuild("push", cwd=folder)
    assert result.lines == [
        (
            f"error: {SPEC}:1:8: 'docker-archive:dist/app.tar:app:1.0' cannot be a target: a "
            "docker-archive holds images of one platform each, and no list of them; write it as "
            "oci-archive:FILE"
        )
    ]
    assert result.code == 3


def test_index_in_an_archive(folder: Path, tmp_path: Path) -> None:
    """An index passes through an archive byte for byte, attestations and all."""
    index = make_index(AMD64, ARM64, attestations=True)
    write_layout(tmp_path / "staging", {"1.0": index})
    assert run_mbuild("create", f"{ARCHIVE}:1.0", "oci:staging:1.0", cwd=folder).code == 0
    assert tags_in(folder / "dist" / "app.tar") == {"1.0": index.digest}
    assert run_mbuild("create", "oci:out:1.0", f"{ARCHIVE}", cwd=folder).code == 0
    assert digests_of(index) == {
        f"sha256:{path.name}" for path in (folder / "out" / "blobs" / "sha256").iterdir()
    }


def test_extended(folder: Path) -> None:
    """An archive's list is extended in its place: what it held stays."""
    assert run_mbuild("create", f"{ARCHIVE}:1.0", "oci:builds:amd64", cwd=folder).code == 0
    result = run_mbuild("create", "--append", f"{ARCHIVE}:1.0", "oci:builds:arm64", cwd=folder)
    assert (result.code, result.stderr) == (0, "")
    assert blobs_in(folder / "dist" / "app.tar") >= digests_of(AMD64, ARM64)
    assert names(folder / "dist") == ["app.tar"]


def test_names_with_a_colon(folder: Path) -> None:
    """What its entries call `app:1` is found in the archive again, and not taken for a digest."""
    named = {"linux/amd64": f"{ARCHIVE}:app:1", "linux/arm64": f"{ARCHIVE}:host:5000/app"}
    for source, built in zip(named.values(), PLATFORMS.values(), strict=True):
        assert run_mbuild("create", source, built, cwd=folder).code == 0
    write_spec(folder, f"{ARCHIVE}:1.0", named)
    assert push(folder).code == 0
    again = push(folder)
    assert (again.code, again.stderr, "nothing to do" in again.stdout) == (0, "", True)


def test_referrers(folder: Path) -> None:
    """What belongs to an image travels into an archive, and out of it again."""
    sbom = make_referrer(AMD64)
    write_layout(folder / "signed", {"1.0": make_index(AMD64), "": sbom})
    for target, source in ((ARCHIVE, "oci:signed:1.0"), ("oci:out", f"{ARCHIVE}:1.0")):
        more = f"referrers: copy\nsources: ['{source}']\n"
        (folder / SPEC).write_text(f"image: {target}:1.0\n{more}")
        result = push(folder)
        assert (result.code, result.stderr) == (0, "")
        assert "1 referrer copied" in result.stdout
    assert digests_of(AMD64, sbom) <= blobs_in(folder / "dist" / "app.tar")
    # The list of referrers has a tag of its own, and is no image: the only one needs no tag.
    again = run_mbuild("create", "oci:again:1.0", ARCHIVE, cwd=folder)
    assert (again.code, again.stderr) == (0, "")
