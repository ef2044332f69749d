"""Registry hosts: the address behind a domain, and which hosts may be spoken to in plain http."""

from __future__ import annotations

import ipaddress
from collections.abc import Set as AbstractSet
from dataclasses import dataclass

from mbuild.oci.reference import HUB

HUB_ADDRESS = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Host:
    """A registry: its `domain` as references name it, and the `host[:port]` that answers for it.

    `is_plain` says that the user named it as one without TLS.
    """

    domain: str
    address: str
    is_plain: bool = False

    @property
    def name(self) -> str:
        """Give the host's name or IP address: no port, no brackets."""
        return split_port(self.address)[0]

    @property
    def is_loopback(self) -> bool:
        """Tell whether the host is this machine."""
        return is_loopback(self.name)

    @property
    def is_hub(self) -> bool:
        """Tell whether the host is Docker Hub, where a GET of a manifest counts as a pull."""
        return self.domain == HUB


def make_host(domain: str, plain_http: AbstractSet[str]) -> Host:
    """Make the host of a reference's domain (distribution/reference, normalize.go)."""
    address = HUB_ADDRESS if domain == HUB else domain
    return Host(domain, address, is_plain_http(*split_port(domain), plain_http))


def split_port(address: str) -> tuple[str, str]:
    """Split `host[:port]` into name and port; brackets go, a port that is not there is empty."""
    name, colon, port = address.rpartition(":")
    if not colon or address.endswith("]"):
        name, port = address, ""
    return name.strip("[]").lower(), port


def is_plain_http(name: str, port: str, plain_http: AbstractSet[str]) -> bool:
    """Tell whether the user named this host; an entry without a port stands for all its ports."""
    entries = {split_port(entry) for entry in plain_http}
    return (name.lower(), port) in entries or (name.lower(), "") in entries


def is_loopback(name: str) -> bool:
    """Tell whether a name is this machine: localhost, *.localhost, 127.0.0.0/8 or ::1."""
    lowered = name.lower().rstrip(".")
    if lowered == "localhost" or lowered.endswith(".localhost"):
        return True
    address = ip_address(lowered)
    return address is not None and address.is_loopback


def ip_address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    """Read an IP address, or give None for a name."""
    try:
        return ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return None
