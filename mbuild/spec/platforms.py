"""Platforms of a spec: read from their text or their parts, with the nearest known one at hand."""

from __future__ import annotations

import re
from collections.abc import Callable

from mbuild.oci.platform import (
    ARCHITECTURE_NAMES,
    OS_NAMES,
    Platform,
    make_platform,
    parse_platform,
)
from mbuild.spec.problems import did_you_mean, nearest, show

_OS_VERSION = re.compile(r"[0-9A-Za-z][0-9A-Za-z._+-]*", re.ASCII)
_NAMES = {"os": OS_NAMES, "architecture": ARCHITECTURE_NAMES}
_WHAT = {"os": "operating system", "architecture": "architecture"}


def read_platform(text: str) -> Platform:
    """Parse `os/arch[/variant][:os.version]`; raises ValueError with the nearest known platform."""
    platform = _translated(text, lambda: parse_platform(text))
    if platform.os_version:
        check_os_version(platform.os_version)
    for feature in platform.os_features:
        check_os_feature(feature)
    return platform


def read_platform_parts(os: str, architecture: str, variant: str) -> Platform:
    """Make a platform of its parts; raises ValueError with the nearest known word."""
    return _translated("", lambda: make_platform(os, architecture, variant))


def check_os_version(text: str) -> None:
    """Raise ValueError unless `text` can be an os.version."""
    if not _OS_VERSION.fullmatch(text):
        raise ValueError(f"{show(text)} is not an os.version; write it like 10.0.26100.1742")


def check_os_feature(text: str) -> None:
    """Raise ValueError unless `text` can be one of os.features."""
    if not _OS_VERSION.fullmatch(text):
        raise ValueError(f"{show(text)} is not an os.feature; write it like win32k")


def _translated(text: str, make: Callable[[], Platform]) -> Platform:
    try:
        return make()
    except ValueError as error:
        if len(error.args) == 1:
            raise ValueError(f"{error}{_whole_platform(text)}") from None
        _, word, field = error.args
        place = f" in {show(text)}" if text else ""
        meant = _meant(text, word, field)
        raise ValueError(f"unknown {_WHAT[field]} {show(word)}{place}{meant}") from None


def _whole_platform(text: str) -> str:
    """Guess what a text that is no platform stands for: `amd64` for `linux/amd64`."""
    architecture = text.lower()
    return f"; did you mean 'linux/{architecture}'?" if architecture in ARCHITECTURE_NAMES else ""


def _meant(text: str, word: str, field: str) -> str:
    if not text:
        return did_you_mean(word, _NAMES[field])
    name, colon, version = text.partition(":")
    parts = name.lower().split("/")
    if parts[0] in ARCHITECTURE_NAMES and parts[1] in OS_NAMES:
        parts[:2] = parts[1], parts[0]
    else:
        parts[("os", "architecture").index(field)] = nearest(word, tuple(sorted(_NAMES[field])))
    if not all(parts):
        return ""
    return f"; did you mean {'/'.join(parts) + colon + version!r}?"
