"""Every exception of httpx has its meaning, in one table."""

import inspect
import socket
import ssl

import httpx
import pytest

from mbuild.errors import MbuildError, ProtocolError, RegistryError, TransportError
from mbuild.registry.http.failures import (
    MEANINGS,
    NotTls,
    Temporary,
    located,
    translate,
    translated,
)

FOREIGN = [
    value
    for _, value in inspect.getmembers(httpx, inspect.isclass)
    if issubclass(value, Exception) and not issubclass(value, Warning)
]


@pytest.mark.parametrize("kind", FOREIGN, ids=lambda kind: kind.__name__)
def test_every_exception_is_known(kind: type[Exception]) -> None:
    """No exception of httpx is missing from the table."""
    assert kind in MEANINGS


UNSENT = (httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ConnectError, httpx.ProxyError)
LOST = (
    httpx.ReadTimeout, httpx.WriteTimeout, httpx.ReadError, httpx.WriteError, httpx.CloseError,
    httpx.RemoteProtocolError,
)  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "hint"),
    [
        *((kind, "check the registry's name, its port and the network") for kind in UNSENT),
        *((kind, "try again later; -vv shows each request") for kind in LOST),
    ],
)
def test_temporary(kind: type[httpx.TransportError], hint: str) -> None:
    """Timeouts, broken connections and cut answers are worth another attempt."""
    error = translate(kind("oops"), host="reg.test", where="w")
    assert isinstance(error, Temporary)
    assert str(error) == f"w: {MEANINGS[kind].text}: oops (reg.test); {hint}"
    assert type(error.error) is TransportError


@pytest.mark.parametrize(
    ("foreign", "expected"),
    [
        (httpx.UnsupportedProtocol("x"), ProtocolError),
        (httpx.TooManyRedirects("x"), ProtocolError),
        (httpx.LocalProtocolError("x"), ProtocolError),
        (httpx.InvalidURL("x"), ProtocolError),
        (httpx.StreamConsumed(), MbuildError),
    ],
    ids=lambda value: type(value).__name__,
)
def test_final(foreign: Exception, expected: type) -> None:
    """What the next attempt would meet again is final."""
    assert type(translate(foreign, host="h", where="w")) is expected


def caused_by(cause: BaseException) -> httpx.ConnectError:
    """A failure to connect with its cause, as httpx chains them."""
    error = httpx.ConnectError("All connection attempts failed")
    error.__cause__ = cause
    return error


def ssl_error(reason: str) -> ssl.SSLError:
    """An error of OpenSSL."""
    error = ssl.SSLError(1, f"[SSL: {reason}]")
    error.reason = reason
    return error


def test_operating_system_says_why() -> None:
    """The operating system's words are the plainest, out of a group too."""
    refused = ExceptionGroup("all", [ConnectionRefusedError(111, "Connection refused")])
    error = translate(caused_by(refused), host="localhost:1", where="w")
    assert error.message == "cannot connect: connection refused (localhost:1)"


def test_earlier_attempt_is_no_cause() -> None:
    """What is told is why this attempt failed, not what the one before it met."""
    refused = ConnectionRefusedError(111, "Connection refused")
    earlier = translate(caused_by(refused), host="h", where="w")
    earlier.__cause__ = caused_by(refused)
    now = httpx.RemoteProtocolError("Server disconnected")
    now.__context__ = earlier  # since an attempt is repeated where the one before is handled
    error = translate(now, host="h", where="w")
    assert error.message == "the answer was cut short: Server disconnected (h)"


def test_name_is_not_known() -> None:
    """A name that no server knows is said so."""
    unknown = socket.gaierror(-2, "Name or service not known")
    error = translate(caused_by(unknown), host="reg.test", where="w")
    assert error.message == "cannot connect: name or service not known (reg.test)"


@pytest.mark.parametrize("text", ["407 Proxy Authentication Required", "403 Forbidden", "400"])
def test_proxy_refuses(text: str) -> None:
    """A proxy that does not let the request through will not do so a second later."""
    error = translate(httpx.ProxyError(text), host="reg.test", where="w")
    assert type(error) is TransportError
    assert str(error) == (
        f"w: the proxy refused: {text} (reg.test); look what the proxy lets through, and which"
        " login HTTPS_PROXY has to give"
    )


@pytest.mark.parametrize("text", ["502 Bad Gateway", "429 Too Many Requests", "408", "4040"])
def test_proxy_fails(text: str) -> None:
    """What passes is tried again, at a proxy too."""
    assert isinstance(translate(httpx.ProxyError(text), host="h", where="w"), Temporary)


def test_no_words() -> None:
    """An exception without text is named."""
    error = translate(httpx.ReadTimeout(""), host="h", where="w")
    assert error.message == "no answer in time: ReadTimeout (h)"


def test_certificate() -> None:
    """A certificate error is final, and says how to trust it."""
    cause = ssl.SSLCertVerificationError(1, "certificate verify failed")
    cause.verify_message = "self-signed certificate"
    error = translate(caused_by(cause), host="reg.test", where="w")
    assert type(error) is TransportError
    assert str(error) == (
        "w: the certificate of reg.test is not trusted: self-signed certificate; give the"
        " certificate authority with --ca FILE, or add it to the system's store"
    )


@pytest.mark.parametrize("reason", ["WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE"])
def test_not_tls(reason: str) -> None:
    """An answer that is not TLS is told from a TLS failure."""
    error = translate(caused_by(ssl_error(reason)), host="reg.test:80", where="w")
    assert isinstance(error, NotTls)
    assert str(error) == (
        "w: reg.test:80 does not speak TLS; if it is meant to be spoken to without TLS, say"
        " --plain-http reg.test:80"
    )


@pytest.mark.parametrize("reason", ["UNEXPECTED_EOF_WHILE_READING", "TLSV1_ALERT_INTERNAL_ERROR"])
def test_tls_failure(reason: str) -> None:
    """A handshake that breaks says nothing of what the host speaks."""
    assert isinstance(translate(caused_by(ssl_error(reason)), host="h", where="w"), Temporary)


def test_translated_lets_others_pass() -> None:
    """Errors of mbuild, and of anyone else, are not touched."""
    with pytest.raises(KeyError), translated("h", "w"):
        raise KeyError
    with pytest.raises(Temporary), translated("h", "w"):
        raise httpx.ReadError("x")


def test_located() -> None:
    """An error about a host is copied to the reference; others stay."""
    shared = Temporary(RegistryError("m", where="h", hint="i"), least_wait=5.0, lost=False)
    with pytest.raises(Temporary) as raised, located("h", "h/a:1"):
        raise shared
    assert (raised.value.where, raised.value.least_wait, raised.value.lost) == ("h/a:1", 5.0, False)
    assert str(raised.value.error) == "h/a:1: m; i"
    assert shared.where == "h"
    with pytest.raises(RegistryError) as kept, located("h", "h/a:1"):
        raise RegistryError("m", where="elsewhere")
    assert kept.value.where == "elsewhere"
