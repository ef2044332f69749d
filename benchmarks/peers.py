"""The same job done by other tools, each in the way that its documentation shows."""

from __future__ import annotations

import json
import shlex
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from tests.support.images import to_platform

TAGS = ("1.4.2", "1.4", "1", "latest")


@dataclass(frozen=True, slots=True)
class Job:
    """One list of images in one repository, to be put at four tags that nobody has used before.

    `builds` are the tags of the images in the same repository, by platform. `round` counts the
    jobs done at one `distance`; both, and `by`, are part of the tags.
    """

    host: str
    repository: str
    builds: Mapping[str, str]
    by: str
    distance: str
    round: int

    @property
    def run(self) -> str:
        """Give what tells this job's tags from all others."""
        return f"{self.by}-{self.distance}-{self.round}"

    @property
    def name(self) -> str:
        """Give the repository with its host."""
        return f"{self.host}/{self.repository}"

    @property
    def sources(self) -> tuple[str, ...]:
        """Give the references of the images."""
        return tuple(f"{self.name}:{build}" for build in self.builds.values())

    @property
    def tags(self) -> tuple[str, ...]:
        """Give the four tags."""
        return tuple(f"{tag}-{self.run}" for tag in TAGS)

    @property
    def targets(self) -> tuple[str, ...]:
        """Give the references of the four tags."""
        return tuple(f"{self.name}:{tag}" for tag in self.tags)


Step = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Peer:
    """A tool: its name, what has to run for it to be there, and the steps of a job."""

    name: str
    probe: Step
    steps: Callable[[Job], Iterator[Step]]

    @property
    def is_here(self) -> bool:
        """Tell whether the tool is on PATH, and answers."""
        return answers(self.probe)

    def command(self, job: Job) -> Sequence[str]:
        """Give one command that does all the steps, and stops at the first that fails."""
        return ("sh", "-ec", "\n".join(map(shlex.join, self.steps(job))))


def answers(probe: Step) -> bool:
    """Tell whether a command can be run, and ends well."""
    if shutil.which(probe[0]) is None:
        return False
    return subprocess.run(probe, capture_output=True, check=False).returncode == 0


def _docker(job: Job) -> Iterator[Step]:
    for target in job.targets:
        yield ("docker", "manifest", "create", "--insecure", target, *job.sources)
        yield ("docker", "manifest", "push", "--insecure", "--purge", target)


def _imagetools(*program: str) -> Callable[[Job], Iterator[Step]]:
    def steps(job: Job) -> Iterator[Step]:
        tags = [word for target in job.targets for word in ("--tag", target)]
        yield (*program, "imagetools", "create", *tags, *job.sources)

    return steps


def _crane(job: Job) -> Iterator[Step]:
    first, *others = job.targets
    manifests = [word for source in job.sources for word in ("--manifest", source)]
    yield ("crane", "index", "append", *manifests, "--tag", first)
    for other in others:
        yield ("crane", "tag", first, other.rpartition(":")[2])


def _oras(job: Job) -> Iterator[Step]:
    target = f"{job.name}:{','.join(job.tags)}"
    yield ("oras", "manifest", "index", "create", "--plain-http", target, *job.builds.values())


def _regctl(job: Job) -> Iterator[Step]:
    first, *others = job.targets
    config = ("regctl", "--host", f"reg={job.host},tls=disabled")
    refs = [word for source in job.sources for word in ("--ref", source)]
    yield (*config, "index", "create", *refs, first)
    for other in others:
        yield (*config, "image", "copy", first, other)


def _manifest_tool(job: Job) -> Iterator[Step]:
    first, *others = job.tags
    entries = [
        {"image": f"{job.name}:{build}", "platform": to_platform(platform)}
        for platform, build in job.builds.items()
    ]
    spec = json.dumps({"image": f"{job.name}:{first}", "tags": others, "manifests": entries})
    file = "manifest-tool.yaml"
    yield ("sh", "-c", 'printf %s "$1" > "$2"', "sh", spec, file)
    yield ("manifest-tool", "--plain-http", "push", "from-spec", file)


PEERS = (
    Peer("docker manifest", ("docker", "manifest", "--help"), _docker),
    Peer(
        "docker buildx imagetools", ("docker", "buildx", "version"), _imagetools("docker", "buildx")
    ),
    Peer("buildx imagetools", ("docker-buildx", "version"), _imagetools("docker-buildx")),
    Peer("crane", ("crane", "version"), _crane),
    Peer("oras", ("oras", "version"), _oras),
    Peer("regctl", ("regctl", "version"), _regctl),
    Peer("manifest-tool", ("manifest-tool", "--version"), _manifest_tool),
)
