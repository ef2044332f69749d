"""Other people's clients as judges of what was published; one that is missing is a failure."""

import os
import subprocess
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.docker_registry import DockerRegistry, find_program


def skopeo_inspect_raw(registry: DockerRegistry, name: str) -> bytes:
    """Give the bytes skopeo finds at `repository:tag` or `repository@digest`."""
    return _run("skopeo", "inspect", "--raw", "--tls-verify=false", _docker(registry, name))


def skopeo_copy_all(
    registry: DockerRegistry, name: str, layout: Path, *, converts: bool = False
) -> None:
    """Have skopeo copy an index and every image in it into an OCI layout.

    Byte for byte, unless it `converts`: Docker's types have no place in a layout.
    """
    options = ["--all", "--src-tls-verify=false"]
    if not converts:
        options.append("--preserve-digests")
    target = f"oci:{layout}:copied"
    _run("skopeo", "copy", "--quiet", *options, _docker(registry, name), target)


def skopeo_copy_to_folder(registry: DockerRegistry, name: str, folder: Path) -> None:
    """Have skopeo copy an index and every image in it, byte for byte, whatever their kind."""
    options = ("--all", "--preserve-digests", "--src-tls-verify=false")
    _run("skopeo", "copy", "--quiet", *options, _docker(registry, name), f"dir:{folder}")


def skopeo_copy_from_layout(layout: Path, tag: str, registry: DockerRegistry, name: str) -> None:
    """Have skopeo push all of a layout's tag, whose every blob it reads and checks."""
    options = ("--all", "--preserve-digests", "--dest-tls-verify=false")
    _run("skopeo", "copy", "--quiet", *options, f"oci:{layout}:{tag}", _docker(registry, name))


def skopeo_copy_from_archive(archive: Path, tag: str, registry: DockerRegistry, name: str) -> None:
    """Have skopeo push all of an OCI archive's tag, whose every blob it reads and checks."""
    options = ("--all", "--preserve-digests", "--dest-tls-verify=false")
    source = f"oci-archive:{archive}:{tag}"
    _run("skopeo", "copy", "--quiet", *options, source, _docker(registry, name))


def skopeo_copy_layout(layout: Path, copy: Path, tag: str) -> None:
    """Have skopeo copy all of a layout's tag into another layout, byte for byte."""
    names = (f"oci:{layout}:{tag}", f"oci:{copy}:{tag}")
    _run("skopeo", "copy", "--quiet", "--all", "--preserve-digests", *names)


def skopeo_convert(registry: DockerRegistry, source: str, target: str) -> None:
    """Have skopeo copy an image within the registry as a Docker image."""
    options = ("--format", "v2s2", "--src-tls-verify=false", "--dest-tls-verify=false")
    names = (_docker(registry, source), _docker(registry, target))
    _run("skopeo", "copy", "--quiet", *options, *names)


def docker_manifest_inspect(registry: DockerRegistry, name: str) -> bytes:
    """Give what docker prints of a manifest list or index."""
    return _run("docker", "manifest", "inspect", "--insecure", f"{registry.host}/{name}")


def docker_knows_oci_indexes() -> bool:
    """Tell whether the docker client shows an OCI index; before 24 it shows Docker lists only."""
    version = _run("docker", "version", "--format", "{{.Client.Version}}", fails=True).decode()
    return int(version.partition(".")[0]) >= 24


@cache
def _may_mount() -> bool:
    words = ("unshare", "--mount", "--propagation", "slave", "true")
    return os.geteuid() != 0 or subprocess.run(words, check=False, timeout=60).returncode == 0


def need_mounts() -> None:
    """Skip the test where root may not mount: engines unpack layers in a mount namespace."""
    if not _may_mount():
        pytest.skip("this system lets root mount nothing, so engines can unpack no layers")


def podman_manifest_inspect(registry: DockerRegistry, name: str) -> bytes:
    """Give what podman prints of a manifest list or index; it runs no container."""
    return _podman(registry, "manifest", "inspect", f"{registry.host}/{name}")


def podman_pull(registry: DockerRegistry, name: str) -> None:
    """Have podman pull the image of an index that is for linux/amd64, and unpack its layers."""
    need_mounts()
    platform = ("--platform", "linux/amd64")
    _podman(registry, "pull", "--quiet", *platform, f"{registry.host}/{name}")


def podman(registry: DockerRegistry, *commands: Sequence[str | Path]) -> None:
    """Have podman or buildah run commands, program first, one after the other on one storage."""
    with _storage(registry) as run:
        for program, *words in commands:
            run(str(program), *map(str, words))


def umoci(*words: str | Path) -> None:
    """Have umoci do something to a layout."""
    _run("umoci", *map(str, words))


def skopeo_copy(*words: str | Path, source: str, target: str) -> None:
    """Have skopeo copy an image."""
    options = ("--src-tls-verify=false", "--dest-tls-verify=false")
    _run("skopeo", "copy", "--quiet", *options, *map(str, words), source, target)


def _podman(registry: DockerRegistry, *words: str) -> bytes:
    with _storage(registry) as run:
        return run("podman", *words)


@contextmanager
def _storage(registry: DockerRegistry) -> Iterator[Callable[..., bytes]]:
    """Give how podman and buildah are run on a storage of their own."""
    home = Path(os.environ["HOME"])
    # Older podman has no --tls-verify for each command: a file of its own allows plain http.
    config = home / "registries.conf"
    config.write_text(f'[[registry]]\nlocation = "{registry.host}"\ninsecure = true\n')
    with TemporaryDirectory() as run_root:  # podman wants a short path here
        store = ("--root", f"{run_root}/root", "--runroot", f"{run_root}/run")
        options = (*store, "--storage-driver", "vfs")
        # A DOCKER_CONFIG without its file is an error to some of its commands.
        logins = Path(run_root, "auth.json")
        logins.write_text("{}")
        yield lambda program, *words: _run(
            program,
            *options,
            *words,
            CONTAINERS_REGISTRIES_CONF=str(config),
            REGISTRY_AUTH_FILE=str(logins),
        )


def _docker(registry: DockerRegistry, name: str) -> str:
    return f"docker://{registry.host}/{name}"


def _run(program: str, *arguments: str, fails: bool = False, **variables: str) -> bytes:
    """Run a client; one that `fails` for another reason (docker without a daemon) may do so."""
    done = subprocess.run(
        [find_program(program), *arguments],
        env={**os.environ, **variables},
        capture_output=True,
        check=False,
        timeout=60,
    )
    assert fails or done.returncode == 0, (
        f"{program} {' '.join(arguments)}:\n{done.stderr.decode()}"
    )
    return done.stdout


def gzip(file: Path) -> None:
    """Have gzip make FILE.gz of a file, and leave the file."""
    _run("gzip", "--keep", str(file))
