"""Keys and certificates made for one test run: a CA of our own and what it signs."""

import datetime as dt
import ipaddress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

Key = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey


@dataclass(frozen=True, slots=True)
class Signed:
    """A private key and the certificate that goes with it."""

    key: Key
    certificate: x509.Certificate

    @property
    def key_pem(self) -> bytes:
        """The key, unencrypted, as PEM."""
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )

    @property
    def certificate_pem(self) -> bytes:
        """The certificate as PEM."""
        return self.certificate.public_bytes(serialization.Encoding.PEM)


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """Files of a server that speaks TLS, and of the CA its clients must trust."""

    ca: Path
    certificate: Path
    key: Path


def make_key(*, elliptic: bool = True) -> Key:
    """Make a P-256 key, or a 2048 bit RSA one."""
    if elliptic:
        return ec.generate_private_key(ec.SECP256R1())
    return rsa.generate_private_key(public_exponent=65537, key_size=2048)


def make_authority(name: str = "mbuild tests CA") -> Signed:
    """Make a CA that signs itself."""
    key = make_key()
    usage = x509.KeyUsage(
        digital_signature=True,
        key_cert_sign=True,
        crl_sign=True,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )
    builder = (
        _builder(name, name, key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
    )
    return Signed(key, builder.sign(key, hashes.SHA256()))


def make_certificate(authority: Signed, *, elliptic: bool = True) -> Signed:
    """Make a certificate for the loopback names, signed by `authority`."""
    key = make_key(elliptic=elliptic)
    names = [
        x509.DNSName("localhost"),
        x509.IPAddress(ipaddress.ip_address("127.0.0.1")),
        x509.IPAddress(ipaddress.ip_address("::1")),
    ]
    issuer = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder("localhost", _common_name(authority.certificate), key)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(issuer, critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
    )
    return Signed(key, builder.sign(authority.key, hashes.SHA256()))


def write_tls_files(folder: Path) -> TlsFiles:
    """Make a CA and a server certificate, and write both and the key into `folder`."""
    authority = _shared_authority()
    server = make_certificate(authority)
    files = TlsFiles(folder / "ca.pem", folder / "server.pem", folder / "server-key.pem")
    files.ca.write_bytes(authority.certificate_pem)
    files.certificate.write_bytes(server.certificate_pem)
    files.key.write_bytes(server.key_pem)
    return files


@cache
def _shared_authority() -> Signed:
    return make_authority()


def _builder(subject: str, issuer: str, key: Key) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _common_name(certificate: x509.Certificate) -> str:
    value = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
    return value if isinstance(value, str) else value.decode()
