"""Programs that copy an index with all its images from one registry to another."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.cargo import INDEX, REPOSITORY, Cargo
from benchmarks.measure import PROGRAM
from benchmarks.peers import Step, answers
from tests.support.specs import write_spec

TAG = "1"


@dataclass(frozen=True, slots=True)
class CopyJob:
    """The index of `cargo` is to come from one host to another; specs are written to `folder`."""

    cargo: Cargo
    source_host: str
    target_host: str
    folder: Path

    @property
    def source(self) -> str:
        """Give the reference of the index that is there."""
        return f"{self.source_host}/{REPOSITORY}:{INDEX}"

    @property
    def target(self) -> str:
        """Give the reference at which an index is to be."""
        return f"{self.target_host}/{REPOSITORY}:{TAG}"


Command = Callable[[CopyJob], Sequence[str]]
"""Gives the words of the command that does a job."""


@dataclass(frozen=True, slots=True)
class Copier:
    """A program: its name, what has to run for it to be there, and the command of a job."""

    name: str
    probe: Step
    command: Command

    @property
    def is_here(self) -> bool:
        """Tell whether it is on PATH, and answers."""
        return answers(self.probe)


def _mbuild(job: CopyJob) -> Sequence[str]:
    """Give a push whose images are the builds in the other registry, each by its tag."""
    images = {
        platform: f"{job.source_host}/{REPOSITORY}:{tag}"
        for tag, platform in job.cargo.tags.items()
    }
    name, tag = f"{job.target_host}/{REPOSITORY}", f'"{TAG}"'
    return _push(write_spec(job.folder, name, images, tags=[tag]))


def push_each(job: CopyJob) -> Sequence[str]:
    """Give a push of many indexes, one for each image, with the image's own tag."""
    target, source = (f"{host}/{REPOSITORY}" for host in (job.target_host, job.source_host))
    lines = [
        f"  - {{image: {target}, tags: [{tag}], platforms: {{{platform}: {source}:{tag}}}}}"
        for tag, platform in job.cargo.tags.items()
    ]
    path = job.folder / "each.yaml"
    path.write_text("\n".join(["images:", *lines, ""]))
    return _push(path)


def _push(spec: Path) -> Sequence[str]:
    return (*PROGRAM, "push", str(spec), "--no-cache", "--output", "json")


def _skopeo(job: CopyJob) -> Sequence[str]:
    plain = ("--src-tls-verify=false", "--dest-tls-verify=false")
    return ("skopeo", "copy", "--all", *plain, f"docker://{job.source}", f"docker://{job.target}")


def _imagetools(*program: str) -> Command:
    return lambda job: (*program, "imagetools", "create", "--tag", job.target, job.source)


def _oras(job: CopyJob) -> Sequence[str]:
    return ("oras", "cp", "-r", "--from-plain-http", "--to-plain-http", job.source, job.target)


def _regctl(job: CopyJob) -> Sequence[str]:
    hosts = [
        word
        for host in (job.source_host, job.target_host)
        for word in ("--host", f"reg={host},tls=disabled")
    ]
    return ("regctl", *hosts, "image", "copy", job.source, job.target)


SKOPEO = Copier("skopeo copy --all", ("skopeo", "--version"), _skopeo)
MBUILD = Copier("mbuild push", (*PROGRAM, "--version"), _mbuild)
COPIERS = (
    MBUILD,
    SKOPEO,
    Copier(
        "crane copy",
        ("crane", "version"),
        lambda job: ("crane", "copy", "--insecure", job.source, job.target),
    ),
    Copier("oras copy", ("oras", "version"), _oras),
    Copier(
        "docker buildx imagetools", ("docker", "buildx", "version"), _imagetools("docker", "buildx")
    ),
    Copier("buildx imagetools", ("docker-buildx", "version"), _imagetools("docker-buildx")),
    Copier("regctl image copy", ("regctl", "version"), _regctl),
)
