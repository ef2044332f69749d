"""Which proxy a request goes through, by the environment variables that Go's tools read too."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from mbuild.registry.hosts import ip_address, is_loopback, split_port


def proxy_for(scheme: str, address: str, environment: Mapping[str, str]) -> str:
    """Give the proxy's URL for `host:port`, or empty text.

    HTTPS_PROXY, HTTP_PROXY, then ALL_PROXY, in either case; NO_PROXY takes names (with their
    subdomains), IP addresses, CIDR blocks, each with an optional port, and `*`. This machine
    is never reached through a proxy.
    """
    name, port = split_port(address)
    if is_loopback(name) or _is_excluded(name, port, _variable("NO_PROXY", environment)):
        return ""
    proxy = _variable(f"{scheme.upper()}_PROXY", environment)
    proxy = proxy or _variable("ALL_PROXY", environment)
    return proxy if not proxy or "://" in proxy else f"http://{proxy}"


def _variable(name: str, environment: Mapping[str, str]) -> str:
    return environment.get(name) or environment.get(name.lower()) or ""


def _is_excluded(name: str, port: str, no_proxy: str) -> bool:
    return any(_covers(entry, name, port) for entry in _entries(no_proxy))


def _entries(no_proxy: str) -> Iterable[str]:
    return (entry.strip() for entry in no_proxy.lower().split(",") if entry.strip())


def _covers(entry: str, name: str, port: str) -> bool:
    if entry == "*":
        return True
    if "/" in entry:
        return _is_in_block(name, entry)
    wanted, wanted_port = (entry, "") if ip_address(entry) else split_port(entry)
    if wanted_port and wanted_port != port:
        return False
    if wanted.startswith("."):
        return name.endswith(wanted)
    return name == wanted or name.endswith(f".{wanted}")


def _is_in_block(name: str, block: str) -> bool:
    address = ip_address(name)
    try:
        return address is not None and address in ipaddress.ip_network(block, strict=False)
    except ValueError:
        return False
