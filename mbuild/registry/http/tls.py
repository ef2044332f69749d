"""TLS as the system trusts it, with one certificate authority added where the user says so."""

from __future__ import annotations

import ssl
import sys

import truststore

from mbuild.errors import UsageError


def make_tls_context(ca_file: str) -> ssl.SSLContext:
    """Make a context that trusts the system's store and the certificates in `ca_file`.

    Raises UsageError for a file that cannot be read or holds no certificate.
    """
    context = make_system_context(sys.platform)
    context.set_alpn_protocols(["http/1.1"])
    if ca_file:
        _add(context, ca_file)
    return context


def check_ca_file(ca_file: str) -> None:
    """Raise UsageError for a file that cannot be read or holds no certificate."""
    _add(make_bare_context(), ca_file)


def _add(context: ssl.SSLContext, ca_file: str) -> None:
    try:
        context.load_verify_locations(ca_file)
    except ssl.SSLError:
        raise UsageError(f"--ca {ca_file!r} holds no certificate in PEM form") from None
    except OSError as error:
        reason = (error.strerror or str(error)).lower()
        raise UsageError(f"--ca {ca_file!r} cannot be read: {reason}") from None


def make_system_context(platform: str) -> ssl.SSLContext:
    """Trust the system's store.

    truststore reads the store anew for each connection. Where OpenSSL itself knows the
    store, as on most Linux systems, it is read once.
    """
    paths = ssl.get_default_verify_paths()
    if platform in ("darwin", "win32") or not (paths.cafile or paths.capath):
        return truststore.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_default_certs()
    return context


def make_bare_context() -> ssl.SSLContext:
    """Make a context that trusts nobody: what a route for plain http needs, at no cost."""
    return ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
