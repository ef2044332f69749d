"""TLS trusts the system's store and one file more."""

import ssl
from pathlib import Path

import pytest
import truststore

from mbuild.errors import UsageError
from mbuild.registry.http.tls import make_system_context, make_tls_context
from tests.support.certificates import TlsFiles


def test_adds_a_certificate(tls_files: TlsFiles) -> None:
    """The file's authority is trusted beside the system's."""
    context = make_tls_context(str(tls_files.ca))
    assert any("mbuild" in str(one["subject"]) for one in context.get_ca_certs())
    assert context.verify_mode == ssl.CERT_REQUIRED
    assert context.check_hostname


def test_missing_file(tmp_path: Path) -> None:
    """A file that is not there is named."""
    with pytest.raises(UsageError) as raised:
        make_tls_context(f"{tmp_path}/ca.pem")
    assert (
        str(raised.value) == f"--ca '{tmp_path}/ca.pem' cannot be read: no such file or directory"
    )


def test_no_certificate(tmp_path: Path) -> None:
    """A file without a certificate is named."""
    path = tmp_path / "ca.pem"
    path.write_text("nothing")
    with pytest.raises(UsageError) as raised:
        make_tls_context(str(path))
    assert str(raised.value) == f"--ca '{path}' holds no certificate in PEM form"


@pytest.mark.parametrize(
    ("platform", "has_store", "expected"),
    [("linux", True, False), ("linux", False, True), ("darwin", True, True)],
)
def test_system_store(
    monkeypatch: pytest.MonkeyPatch, platform: str, has_store: bool, expected: bool
) -> None:
    """Truststore is used where OpenSSL does not know the system's store by itself."""
    found = "/etc/ssl/certs" if has_store else ""
    paths = ssl.DefaultVerifyPaths("", found, "", "", "", "")
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    assert isinstance(make_system_context(platform), truststore.SSLContext) is expected
