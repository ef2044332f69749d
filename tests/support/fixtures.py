"""Fixtures every test may ask for: one shared registry per worker, and one of each special kind."""

import itertools
import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.support.certificates import TlsFiles, write_tls_files
from tests.support.docker_registry import DockerRegistry, Setup, serve_registry
from tests.support.token_server import TokenServer, serve_tokens

USER, PASSWORD = "alice", "open:sesame"

_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A real registry for everyone, over plain http; write only below `repository`."""
    with serve_registry(tmp_path_factory.mktemp("registry")) as running:
        yield running


@pytest.fixture
def repository() -> str:
    """The name of a repository that no other test uses."""
    return f"{os.environ.get('PYTEST_XDIST_WORKER', 'main')}/test-{next(_numbers)}"


@pytest.fixture(scope="session")
def htpasswd_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A real registry that lets in `USER` with `PASSWORD`, and nobody else."""
    setup = Setup(htpasswd={USER: PASSWORD})
    with serve_registry(tmp_path_factory.mktemp("htpasswd"), setup) as running:
        yield running


@pytest.fixture(scope="session")
def tls_files(tmp_path_factory: pytest.TempPathFactory) -> TlsFiles:
    """A CA of our own, and a server certificate for the loopback names."""
    return write_tls_files(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="session")
def tls_registry(
    tmp_path_factory: pytest.TempPathFactory, tls_files: TlsFiles
) -> Iterator[DockerRegistry]:
    """A real registry that speaks TLS, with a certificate of our own CA."""
    with serve_registry(tmp_path_factory.mktemp("tls-registry"), Setup(tls=tls_files)) as running:
        yield running


@pytest.fixture
def token_server() -> Iterator[TokenServer]:
    """A token service at which `USER` may pull and push everywhere, and nobody else anything."""
    with serve_tokens() as tokens:
        tokens.users[USER] = PASSWORD
        tokens.rights[USER] = {"*": "pull,push"}
        yield tokens


@pytest.fixture
def token_registry(tmp_path: Path, token_server: TokenServer) -> Iterator[DockerRegistry]:
    """A real registry that wants tokens of `token_server`, and checks their signature."""
    folder = tmp_path / "token-registry"
    folder.mkdir()
    with serve_registry(folder, Setup(token=token_server.auth(folder))) as running:
        yield running


StartRegistry = Callable[..., DockerRegistry]


@pytest.fixture
def start_registry(tmp_path: Path) -> Iterator[StartRegistry]:
    """Start registries of this test's own: `start_registry(Setup(…), storage=…)`."""
    with ExitStack() as running:

        def start(setup: Setup | None = None, *, storage: Path | None = None) -> DockerRegistry:
            folder = tmp_path / f"registry-{next(_numbers)}"
            return running.enter_context(serve_registry(folder, setup, storage=storage))

        yield start
