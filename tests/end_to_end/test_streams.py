"""What a run does when nobody can read what it says."""

import subprocess
from pathlib import Path

import pytest

from tests.support.cli import Result, check_no_traceback, environment, mbuild_command
from tests.support.docker_registry import DockerRegistry
from tests.support.images import make_image
from tests.support.pushing import push_image, tags_of
from tests.support.specs import write_spec


def push(folder: Path, redirection: str) -> Result:
    """Push with the shell's redirection on the command."""
    done = subprocess.run(
        ["/bin/sh", "-c", f'"$@" {redirection}', "sh", *mbuild_command("push")],
        cwd=folder,
        env=environment(),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    return Result(done.returncode, done.stdout, done.stderr)


@pytest.mark.parametrize(
    ("redirection", "code"),
    [
        (">/dev/full", 6),
        (">&-", 0),
        ("2>&-", 0),
        ("2>/dev/null", 0),
        ("</dev/null", 0),
    ],
    ids=["full", "closed", "stderr closed", "no stderr", "no stdin"],
)
def test_push(
    registry: DockerRegistry, repository: str, tmp_path: Path, redirection: str, code: int
) -> None:
    """The push is done all the same, and no stream is a fault of the program."""
    push_image(registry.url, repository, "amd64", make_image())
    source = f"{registry.host}/{repository}:amd64"
    write_spec(tmp_path, f"{registry.host}/{repository}:1.0", {"linux/amd64": source})
    result = push(tmp_path, redirection)
    assert "1.0" in tags_of(registry.url, repository)
    check_no_traceback(result)
    assert "fault in mbuild" not in result.stderr
    assert "Exception ignored" not in result.stderr
    assert result.code == code


@pytest.mark.parametrize("words", ["", "--raw"], ids=["table", "raw"])
def test_reader_that_leaves(
    registry: DockerRegistry, repository: str, tmp_path: Path, words: str
) -> None:
    """A pipe whose other end is closed ends the program without a word."""
    push_image(registry.url, repository, "1.0", make_image())
    name = f"{registry.host}/{repository}:1.0"
    command = mbuild_command("inspect", *filter(None, [words]), name)
    with subprocess.Popen(
        command,
        cwd=tmp_path,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout
        assert process.stderr
        process.stdout.close()
        assert process.stderr.read() == ""
