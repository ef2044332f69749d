"""A real docker-registry on a free loopback port, with the access control a test asks for."""

import json
import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bcrypt

from tests.support.certificates import TlsFiles

PROGRAM = "docker-registry"
LISTENING = re.compile(r"listening on 127\.0\.0\.1:(\d+)")
START_SECONDS = 20.0


class ToolMissing(RuntimeError):
    """A program that the tests need is not on PATH."""


@dataclass(frozen=True, slots=True)
class DockerRegistry:
    """A registry that runs: where it answers, and where its files are."""

    host: str
    url: str
    storage: Path
    log: Path
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class TokenAuth:
    """The token service a registry sends its clients to, and whose signatures it trusts."""

    realm: str
    service: str
    issuer: str
    roots: Path


@dataclass(frozen=True, slots=True)
class Setup:
    """How a registry is to be run: access control, TLS, whether it takes writes.

    `allowed_urls` are patterns of the URLs that layers may lie at, beside the registry.
    """

    htpasswd: Mapping[str, str] | None = None
    token: TokenAuth | None = None
    tls: TlsFiles | None = None
    read_only: bool = False
    allowed_urls: tuple[str, ...] = ()


@contextmanager
def serve_registry(
    folder: Path, setup: Setup | None = None, *, storage: Path | None = None
) -> Iterator[DockerRegistry]:
    """Run a registry until the block ends; give `storage` to go on with another one's content."""
    setup = setup or Setup()
    folder.mkdir(parents=True, exist_ok=True)
    storage = storage or folder / "storage"
    config, log = folder / "config.yml", folder / "registry.log"
    config.write_text(json.dumps(make_config(folder, storage, setup)))
    with log.open("wb") as output:
        process = subprocess.Popen(
            [find_program(PROGRAM), "serve", str(config)],
            stdout=output,
            stderr=subprocess.STDOUT,
            env={"PATH": "/usr/bin:/bin", "OTEL_TRACES_EXPORTER": "none"},
        )
    try:
        host = f"127.0.0.1:{_await_port(process, log)}"
        scheme = "https" if setup.tls else "http"
        ca = setup.tls.ca if setup.tls else None
        yield DockerRegistry(host, f"{scheme}://{host}", storage, log, ca)
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def find_program(name: str) -> str:
    """Give the path of a program the tests cannot do without."""
    path = shutil.which(name)
    if path is None:
        raise ToolMissing(f"{name} is not on PATH: run scripts/install-test-tools")
    return path


def make_config(folder: Path, storage: Path, setup: Setup) -> dict[str, Any]:
    """Make the registry's configuration; YAML reads JSON too."""
    http: dict[str, Any] = {"addr": "127.0.0.1:0", "secret": "only for tests"}
    if setup.tls:
        http["tls"] = {"certificate": str(setup.tls.certificate), "key": str(setup.tls.key)}
    maintenance = {
        "uploadpurging": {"enabled": False},
        "readonly": {"enabled": setup.read_only},
    }
    config: dict[str, Any] = {
        "version": "0.1",
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {
            "filesystem": {"rootdirectory": str(storage)},
            "delete": {"enabled": True},
            "maintenance": maintenance,
        },
        "http": http,
        "validation": {"manifests": {"urls": {"allow": list(setup.allowed_urls)}}},
    }
    auth = _make_auth(folder, setup)
    return {**config, "auth": auth} if auth else config


def _make_auth(folder: Path, setup: Setup) -> dict[str, Any]:
    if setup.htpasswd is not None:
        path = folder / "htpasswd"
        path.write_text("".join(f"{user}:{_hash(word)}\n" for user, word in setup.htpasswd.items()))
        return {"htpasswd": {"realm": "mbuild tests", "path": str(path)}}
    if setup.token is not None:
        token = setup.token
        return {
            "token": {
                "realm": token.realm,
                "service": token.service,
                "issuer": token.issuer,
                "rootcertbundle": str(token.roots),
            }
        }
    return {}


def _hash(password: str) -> str:
    return bcrypt.hashpw(password.encode(), bcrypt.gensalt(rounds=4)).decode()


def _await_port(process: subprocess.Popen[bytes], log: Path) -> int:
    """Wait for the line in which the registry names its port; it answers from then on."""
    end = time.monotonic() + START_SECONDS
    while process.poll() is None and time.monotonic() < end:
        found = LISTENING.search(log.read_text())
        if found:
            return int(found[1])
        time.sleep(0.01)
    raise RuntimeError(f"{PROGRAM} did not start:\n{log.read_text()}")
