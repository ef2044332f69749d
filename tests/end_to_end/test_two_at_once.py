"""Two processes that push to the same tags at the same time."""

import json
import subprocess
from pathlib import Path

from tests.support.cli import environment, mbuild_command
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image
from tests.support.intact import dangling_tags, tagged_digests
from tests.support.pushing import plain_client, push_image
from tests.support.specs import write_spec

TAGS = ("1.4.2", "1.4", "1", "latest")


def begin(folder: Path, spec: Path) -> "subprocess.Popen[str]":
    """Begin a push, and do not wait for it."""
    return subprocess.Popen(
        mbuild_command("push", spec, "--output", "json"),
        cwd=folder,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def test_same_tags(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Each ends well or is told; every tag holds what one of them pushed, and all of it.

    A run whose tag reads back as the other's looks again for 30 seconds.
    """
    image = f"{registry.host}/{repository}"
    push_image(registry.url, repository, "shared", make_image("linux/amd64"))
    runs = []
    for name in ("one", "other"):
        push_image(registry.url, repository, name, make_image("linux/arm64", seed=name))
        (folder := tmp_path / name).mkdir()
        sources = {"linux/amd64": f"{image}:shared", "linux/arm64": f"{image}:{name}"}
        runs.append(begin(folder, write_spec(folder, image, sources, tags=TAGS)))
    said = [run.communicate(timeout=60) for run in runs]
    digests = {json.loads(stdout)["targets"][0]["digest"] for stdout, _ in said}
    assert {run.returncode for run in runs} <= {0, 6}, said
    with plain_client(registry.url) as client:
        held = tagged_digests(client, repository)
        assert {held[tag] for tag in TAGS if tag in held} <= digests
        assert dangling_tags(client, repository) == []
    if all(run.returncode == 0 for run in runs):
        assert {*TAGS} <= {*held}


def test_same_spec(registry: DockerRegistry, repository: str, tmp_path: Path) -> None:
    """Two runs of one spec both end well: whoever comes second finds its work done."""
    image = f"{registry.host}/{repository}"
    push_image(registry.url, repository, "amd64", make_image("linux/amd64"))
    spec = write_spec(tmp_path, image, {"linux/amd64": f"{image}:amd64"}, tags=TAGS)
    runs = [begin(tmp_path, spec) for _ in range(2)]
    said = [run.communicate(timeout=60) for run in runs]
    assert [run.returncode for run in runs] == [0, 0], said
    assert {json.loads(stdout)["targets"][0]["digest"] for stdout, _ in said} == {
        json.loads(said[0][0])["targets"][0]["digest"]
    }
