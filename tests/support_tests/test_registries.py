"""Each kind of registry that the tests start does what its name says."""

import httpx
import pytest

from tests.support.certificates import TlsFiles
from tests.support.docker_registry import DockerRegistry, Setup, ToolMissing, find_program
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.fixtures import PASSWORD, USER, StartRegistry
from tests.support.images import make_image
from tests.support.pushing import fetch_manifest, plain_client, push_image, tags_of

IMAGE = make_image()


def test_htpasswd(htpasswd_registry: DockerRegistry, repository: str) -> None:
    """The user's password opens, another one does not, none is challenged."""
    url = htpasswd_registry.url
    push_image(url, repository, "1", IMAGE, auth=(USER, PASSWORD))
    wrong = fetch_manifest(url, repository, "1", auth=(USER, "wrong"))
    nobody = fetch_manifest(url, repository, "1")
    assert (wrong.status_code, nobody.status_code) == (401, 401)
    assert nobody.headers["www-authenticate"] == 'Basic realm="mbuild tests"'


def test_tls(tls_registry: DockerRegistry, repository: str) -> None:
    """Only who trusts the CA gets an answer."""
    assert tls_registry.ca
    push_image(tls_registry.url, repository, "1", IMAGE, ca=tls_registry.ca)
    with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
        httpx.get(f"{tls_registry.url}/v2/", trust_env=False)


def test_fake_with_tls(tls_files: TlsFiles) -> None:
    """A fake can speak TLS too, and counts the handshakes that fail."""
    with serve_fake(FakeRegistry(), tls=tls_files) as server:
        push_image(server.url, "team/app", "1", IMAGE, ca=tls_files.ca)
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            httpx.get(f"{server.url}/v2/", trust_env=False)
    assert server.handshakes == 1


def test_read_only(start_registry: StartRegistry, repository: str) -> None:
    """A registry in maintenance shows what another one wrote, and takes nothing."""
    writable = start_registry()
    push_image(writable.url, repository, "1", IMAGE)
    url = start_registry(Setup(read_only=True), storage=writable.storage).url
    assert tags_of(url, repository) == ["1"]
    with plain_client(url) as client:
        assert client.post(f"/v2/{repository}/blobs/uploads/").status_code == 405


def test_missing_program() -> None:
    """A program that is not on PATH is a failure that says what to do."""
    with pytest.raises(ToolMissing, match=r"no-such-program is not on PATH: run scripts/"):
        find_program("no-such-program")
