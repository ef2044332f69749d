"""Container engines that load images and save them as archives, each with a store of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from tests.support.docker_registry import ToolMissing, find_program
from tests.support.foreign import need_mounts

START_SECONDS = 60.0
DAEMONS_NEED_ROOT = "daemons of containers are started by root alone"
MAY_START_DAEMONS = os.geteuid() == 0


def run(program: str, *arguments: str | Path, input: bytes = b"") -> str:  # noqa: A002
    """Run a program to its good end; give what it printed."""
    done = subprocess.run(
        [find_program(program), *map(str, arguments)],
        input=input,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, f"{program} {arguments}:\n{done.stderr.decode()}"
    return done.stdout.decode()


@dataclass(frozen=True, slots=True)
class Engine:
    """A program with the options that lead to its store."""

    program: str
    options: tuple[str | Path, ...]

    def __call__(self, *words: str | Path) -> str:
        """Run it."""
        return run(self.program, *self.options, *words)


@contextmanager
def podman() -> Iterator[Engine]:
    """Podman with an empty store; it runs no container."""
    need_mounts()
    with TemporaryDirectory(prefix="p-") as folder:  # podman wants a short path here
        store = ("--root", f"{folder}/root", "--runroot", f"{folder}/run")
        yield Engine("podman", (*store, "--storage-driver", "vfs"))


@contextmanager
def containerd() -> Iterator[Engine]:
    """Give `ctr` of a containerd that was started for it."""
    with TemporaryDirectory(prefix="c-") as folder:  # a socket's path has to be short
        socket = Path(folder) / "sock"
        words = ("--root", f"{folder}/root", "--state", f"{folder}/state", "--address", socket)
        with _daemon("containerd", words, Path(folder) / "log") as daemon:
            ctr = Engine("ctr", ("--address", socket))
            daemon.wait_for(ctr)
            yield ctr


@contextmanager
def docker() -> Iterator[Engine]:
    """Give `docker` of a daemon that was started for it, without networks."""
    need_mounts()
    with TemporaryDirectory(prefix="d-") as folder:
        socket = f"unix://{folder}/sock"
        places = ("--data-root", f"{folder}/data", "--exec-root", f"{folder}/exec")
        network = ("--bridge=none", "--iptables=false", "--ip-forward=false")
        words = (*places, *network, "--storage-driver=vfs", f"--pidfile={folder}/pid", "-H", socket)
        try:
            with _daemon("dockerd", words, Path(folder) / "log") as daemon:
                client = Engine("docker", ("-H", socket))
                daemon.wait_for(client)
                yield client
        finally:
            # Where mounts are private the daemon makes one of its folder, and leaves it.
            subprocess.run(["umount", f"{folder}/data"], check=False, capture_output=True)


@contextmanager
def _daemon(program: str, words: Sequence[str | Path], log: Path) -> Iterator[_Daemon]:
    # Where packages put them, which is not on everybody's PATH.
    found = shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")
    if not found:
        raise ToolMissing(f"{program} is not there: run scripts/install-test-tools")
    environment = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    with log.open("wb") as output:
        command = [found, *map(str, words)]
        process = subprocess.Popen(command, stdout=output, stderr=output, env=environment)
        try:
            yield _Daemon(process, log)
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@dataclass(frozen=True, slots=True)
class _Daemon:
    """A daemon that was started, and what it has said."""

    process: subprocess.Popen[bytes]
    log: Path

    def wait_for(self, client: Engine) -> None:
        """Wait until it answers its client; skip the test where the system lets it not start."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            try:
                client("version")
            except AssertionError:
                said = self.log.read_text()
                is_over = self.process.poll() is not None
                if is_over and "not permitted" in said:
                    pytest.skip("this system lets no daemon of containers start")
                if is_over or time.monotonic() > deadline:
                    raise AssertionError(f"it does not start:\n{said}") from None
                time.sleep(0.1)
            else:
                return
