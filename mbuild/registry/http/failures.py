"""The only place where failures of httpx and TLS become errors of mbuild."""

from __future__ import annotations

import os
import re
import socket
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from types import MappingProxyType

import httpx

from mbuild.errors import MbuildError, ProtocolError, TransportError
from mbuild.registry.retry.pace import Pace


class Temporary(TransportError):
    """A failure that the next attempt may not meet: what the retry policy retries.

    `error` is what is raised when no attempt is left. `least_wait` is in seconds, None where
    the registry asked for none. `lost` says that the request may have been carried out.
    `slows` is the status by which the host asks to slow down, else 0. `pace` is that of the
    host that failed, None where the failure says nothing of a host. `has_advanced` says that
    the attempt began further on than any before, so that attempts count anew.
    """

    def __init__(
        self,
        error: MbuildError,
        *,
        least_wait: float | None = None,
        lost: bool = True,
        slows: int = 0,
    ) -> None:
        super().__init__(error.message, where=error.where, hint=error.hint)
        self.error = error
        self.least_wait = least_wait
        self.lost = lost
        self.slows = slows
        self.pace: Pace | None = None
        self.has_advanced = False

    def befell(self, pace: Pace) -> None:
        """Say which host failed, unless that is known."""
        self.pace = self.pace or pace


class NotTls(TransportError):
    """The host answered a TLS greeting with something that is not TLS."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a foreign exception means: whether another attempt may help, and a word for it.

    `lost` as in Temporary; `fault` marks a mistake of mbuild's own.
    """

    text: str
    temporary: bool = False
    lost: bool = False
    fault: bool = False


_UNSENT = {"temporary": True}
_LOST = {"temporary": True, "lost": True}

MEANINGS: Mapping[type[Exception], Meaning] = MappingProxyType(
    {
        httpx.HTTPError: Meaning("the request failed"),
        httpx.RequestError: Meaning("the request failed"),
        httpx.TransportError: Meaning("the connection failed", **_LOST),
        httpx.TimeoutException: Meaning("no answer in time", **_LOST),
        httpx.ConnectTimeout: Meaning("no connection in time", **_UNSENT),
        httpx.ReadTimeout: Meaning("no answer in time", **_LOST),
        httpx.WriteTimeout: Meaning("sending came to a halt", **_LOST),
        httpx.PoolTimeout: Meaning("no connection became free in time", **_UNSENT),
        httpx.NetworkError: Meaning("the connection failed", **_LOST),
        httpx.ConnectError: Meaning("cannot connect", **_UNSENT),
        httpx.ReadError: Meaning("the connection broke while reading", **_LOST),
        httpx.WriteError: Meaning("the connection broke while sending", **_LOST),
        httpx.CloseError: Meaning("the connection broke while closing", **_LOST),
        httpx.ProxyError: Meaning("the proxy refused", **_UNSENT),
        httpx.UnsupportedProtocol: Meaning("not an http or https address"),
        httpx.ProtocolError: Meaning("the answer is not HTTP"),
        httpx.LocalProtocolError: Meaning("the request would not be valid HTTP"),
        httpx.RemoteProtocolError: Meaning("the answer was cut short", **_LOST),
        httpx.DecodingError: Meaning("the answer's encoding is broken"),
        httpx.TooManyRedirects: Meaning("too many redirects"),
        httpx.HTTPStatusError: Meaning("the request failed", fault=True),
        httpx.InvalidURL: Meaning("not a valid address"),
        httpx.CookieConflict: Meaning("a cookie stands twice", fault=True),
        httpx.StreamError: Meaning("a stream was misused", fault=True),
        httpx.StreamConsumed: Meaning("a stream was read twice", fault=True),
        httpx.StreamClosed: Meaning("a closed stream was read", fault=True),
        httpx.ResponseNotRead: Meaning("an answer was not read", fault=True),
        httpx.RequestNotRead: Meaning("a request was not read", fault=True),
        ssl.SSLError: Meaning("TLS failed", **_LOST),
    }
)
"""Every exception class of httpx, and the TLS errors that it lets through."""

_NOT_TLS = frozenset(
    {"WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}
)

_FINAL = re.compile(r"4(?!08|29)[0-9]{2}\b")
"""How a proxy begins what the next attempt would meet again."""


@contextmanager
def translated(host: str, where: str) -> Iterator[None]:
    """Turn exceptions of httpx and TLS into mbuild's; all others pass."""
    try:
        yield
    except tuple(MEANINGS) as foreign:
        raise translate(foreign, host=host, where=where) from foreign


@contextmanager
def located(host: str, where: str) -> Iterator[None]:
    """Say of an error that befell a host while which reference was asked for."""
    try:
        yield
    except MbuildError as error:
        if error.where != host:
            raise
        raise _moved(error, where) from error


def _moved(error: MbuildError, where: str) -> MbuildError:
    """Give a copy with another place; the original may have been raised for others too."""
    if isinstance(error, Temporary):
        moved = _moved(error.error, where)
        copy = Temporary(moved, least_wait=error.least_wait, lost=error.lost, slows=error.slows)
        copy.pace = error.pace
        return copy
    return error.placed(error.message, where)


def translate(foreign: Exception, *, host: str, where: str) -> MbuildError:
    """Give the error that a foreign exception means, Temporary where another attempt may help."""
    causes = tuple(_causes(foreign))
    meaning = next(MEANINGS[kind] for kind in type(foreign).__mro__ if kind in MEANINGS)
    for cause in causes:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return _certificate_error(cause, host, where)
        if isinstance(cause, ssl.SSLError) and cause.reason in _NOT_TLS:
            return NotTls(
                f"{host} does not speak TLS",
                where=where,
                hint=f"if it is meant to be spoken to without TLS, say --plain-http {host}",
            )
    message = f"{meaning.text}: {_reason(causes)} ({host})"
    if meaning.fault:
        return MbuildError(message, where=where)
    if isinstance(foreign, httpx.ProxyError) and _FINAL.match(str(foreign)):
        return TransportError(message, where=where, hint=_PROXY)
    if not meaning.temporary:
        return ProtocolError(message, where=where)
    error = TransportError(message, where=where, hint=_LATER if meaning.lost else _LOOK)
    return Temporary(error, lost=meaning.lost)


_PROXY = "look what the proxy lets through, and which login HTTPS_PROXY has to give"
_LOOK = "check the registry's name, its port and the network"
_LATER = "try again later; -vv shows each request"


def _certificate_error(
    cause: ssl.SSLCertVerificationError, host: str, where: str
) -> TransportError:
    reason = cause.verify_message or cause.reason or "verification failed"
    return TransportError(
        f"the certificate of {host} is not trusted: {reason}",
        where=where,
        hint="give the certificate authority with --ca FILE, or add it to the system's store",
    )


def _causes(exception: BaseException | None) -> Iterator[BaseException]:
    """Give an exception and what led to it, as far as no error of mbuild's own stands between.

    What an earlier attempt met is the context of all that the next one meets, not its cause.
    """
    seen: set[int] = set()
    while not (exception is None or isinstance(exception, MbuildError) or id(exception) in seen):
        seen.add(id(exception))
        yield exception
        if isinstance(exception, BaseExceptionGroup):
            exception = exception.exceptions[0]
        else:
            exception = exception.__cause__ or exception.__context__


def _reason(causes: tuple[BaseException, ...]) -> str:
    """Find the plainest words: the operating system's, else those of the outermost exception."""
    for cause in causes:
        if isinstance(cause, socket.gaierror):
            return str(cause.strerror).lower()
        if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError) and cause.errno:
            return os.strerror(cause.errno).lower()
    texts = (str(cause) for cause in causes if str(cause))
    return next(texts, type(causes[0]).__name__)
