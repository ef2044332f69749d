"""Credentials as docker keeps them in its config.json."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mbuild.registry.hosts import HUB_ADDRESS, Host
from mbuild.registry.observer import Observer

HUB_KEY = "https://index.docker.io/v1/"
_API_PATHS = frozenset({"", "v1", "v2"})
_HUB_NAMES = frozenset({"docker.io", "index.docker.io", HUB_ADDRESS})


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a host is shown: a password, an identity token to trade in, or a ready bearer token."""

    username: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)
    registry_token: str = field(default="", repr=False)

    @property
    def is_empty(self) -> bool:
        """Tell whether there is nothing that could be shown."""
        return not (self.password or self.identity_token or self.registry_token)

    def basic(self) -> str:
        """Give the value of a Basic Authorization header (RFC 7617)."""
        return basic_authorization(self.username, self.password)


def basic_authorization(username: str, password: str) -> str:
    """Give the value of a Basic Authorization header (RFC 7617), UTF-8."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"


def login_hint(credentials: Credentials | None, domain: str) -> str:
    """Say what a person can do who was denied, by the credentials that the host was shown."""
    if credentials is None:
        return f"no login for it was found: log in with `docker login {domain}`"
    if not credentials.username:
        return "a login by token was used: check that it has not ended, and what it may do"
    return f"the login of {credentials.username!r} was used: check its password and what it may do"


def config_path(environment: Mapping[str, str], authfile: str = "") -> Path | None:
    """Give the file with credentials: `authfile`, else docker's; None without a home folder."""
    if authfile:
        return Path(authfile)
    if folder := environment.get("DOCKER_CONFIG"):
        return Path(folder) / "config.json"
    home = environment.get("HOME")
    return Path(home) / ".docker" / "config.json" if home else None


class Keychain:
    """Finds a host's credentials in one file, which is read at the first question.

    A file, or an entry, that cannot be read is told to the observer and gives no credentials.
    """

    def __init__(self, path: Path | None, observer: Observer, *, is_required: bool = False) -> None:
        self._path = path
        self._observer = observer
        self._is_required = is_required
        self._config: Config | None = None

    def find(self, host: Host) -> Credentials | None:
        """Give the host's credentials, or None."""
        if self._config is None:
            self._config = self._read()
        credentials = self._entry(self._config, host)
        helper = self._config.helper_of(host)
        if credentials is None and helper:
            self._observer.on_warning(
                f"{self._path}: the login for {host.domain} is kept by the credential helper "
                f"{helper!r}, which is not asked; store it in the file, or give an --authfile"
            )
        return credentials

    def _entry(self, config: Config, host: Host) -> Credentials | None:
        key = _find_key(config.auths, host)
        if key is None:
            return None
        try:
            credentials = parse_entry(config.auths[key])
        except ValueError as error:
            self._observer.on_warning(
                f"{self._path}: the credentials for {key!r} are not used: {error}"
            )
            return None
        return None if credentials.is_empty else credentials

    def _read(self) -> Config:
        if self._path is None:
            return Config()
        try:
            return parse_config(self._path.read_bytes())
        except FileNotFoundError as error:
            if self._is_required:
                self._warn(str(error.strerror))
        except OSError as error:
            self._warn(str(error.strerror))
        except ValueError as error:
            self._warn(str(error))
        return Config()

    def _warn(self, reason: str) -> None:
        self._observer.on_warning(f"{self._path}: no credentials are read from it: {reason}")


@dataclass(frozen=True, slots=True)
class Config:
    """What a config.json says of credentials: entries, and which helpers keep others."""

    auths: Mapping[str, Any] = field(default_factory=dict, repr=False)
    helpers: Mapping[str, Any] = field(default_factory=dict)
    store: str = ""

    def helper_of(self, host: Host) -> str:
        """Name the helper that keeps a host's login, empty text if the file shows none.

        Docker marks a login that its `credsStore` keeps by an empty entry in `auths`.
        """
        helper = self.helpers.get(HUB_KEY if host.is_hub else host.domain)
        key = _find_key(self.auths, host)
        if not helper and key is not None and self.auths[key] == {}:
            helper = self.store
        return helper if isinstance(helper, str) else ""


def parse_config(content: bytes) -> Config:
    """Read a config.json; ValueError that says what is wrong, and quotes nothing."""
    try:
        data = json.loads(content)
    except (ValueError, RecursionError):
        raise ValueError("it is not JSON") from None
    auths = data.get("auths") if isinstance(data, dict) else data
    if auths is not None and not isinstance(auths, dict):
        raise ValueError("'auths' is not an object" if isinstance(data, dict) else "not an object")
    if not isinstance(data, dict):
        return Config()
    helpers, store = data.get("credHelpers"), data.get("credsStore")
    return Config(
        auths or {},
        helpers if isinstance(helpers, dict) else {},
        store if isinstance(store, str) else "",
    )


def parse_entry(entry: Any) -> Credentials:
    """Read one entry of `auths`; ValueError that says which field is wrong."""
    if not isinstance(entry, dict):
        raise ValueError("not an object")
    username, password = _text(entry, "username"), _text(entry, "password")
    if auth := _text(entry, "auth"):
        username, password = _decode(auth)
    return Credentials(
        username, password, _text(entry, "identitytoken"), _text(entry, "registrytoken")
    )


def _text(entry: Mapping[str, Any], name: str) -> str:
    value = entry.get(name) or ""
    if not isinstance(value, str):
        raise ValueError(f"{name!r} is not a string")
    return value


def _decode(auth: str) -> tuple[str, str]:
    try:
        text = base64.b64decode(auth, validate=True).decode()
    except (binascii.Error, ValueError):
        raise ValueError("'auth' is not base64 of user:password") from None
    username, colon, password = text.partition(":")
    if not colon or not username:
        raise ValueError("'auth' is not base64 of user:password")
    return username, password.rstrip("\0")


def _find_key(auths: Mapping[str, Any], host: Host) -> str | None:
    """Give the exact key, else the first that names the host once scheme and path are gone."""
    exact = HUB_KEY if host.is_hub else host.domain
    if exact in auths:
        return exact
    names = _HUB_NAMES if host.is_hub else {host.domain}
    return next((key for key in auths if _host_of(key) in names), None)


def _host_of(key: str) -> str:
    """Give the host a key stands for; one of a single repository stands for no host."""
    host, _, path = key.removeprefix("https://").removeprefix("http://").partition("/")
    return host if path.strip("/") in _API_PATHS else ""
