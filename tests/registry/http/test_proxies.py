"""Proxies are chosen by the environment that was handed over."""

import pytest

from mbuild.registry.http.proxies import proxy_for

BOTH = {"HTTPS_PROXY": "http://secure:1", "http_proxy": "plain:2"}


@pytest.mark.parametrize(
    ("scheme", "address", "environment", "expected"),
    [
        ("https", "a.test:443", BOTH, "http://secure:1"),
        ("http", "a.test:80", BOTH, "http://plain:2"),
        ("http", "a.test:80", {"ALL_PROXY": "all:3"}, "http://all:3"),
        ("https", "a.test:443", {}, ""),
        ("https", "localhost:5000", BOTH, ""),
        ("https", "127.0.0.2:5000", BOTH, ""),
        ("https", "[::1]:5000", BOTH, ""),
        ("https", "a.test:443", {**BOTH, "NO_PROXY": "*"}, ""),
        ("https", "a.test:443", {**BOTH, "NO_PROXY": "x, A.TEST"}, ""),
        ("https", "b.a.test:443", {**BOTH, "NO_PROXY": "a.test"}, ""),
        ("https", "b.a.test:443", {**BOTH, "no_proxy": ".a.test"}, ""),
        ("https", "a.test:443", {**BOTH, "no_proxy": ".a.test"}, "http://secure:1"),
        ("https", "ba.test:443", {**BOTH, "no_proxy": "a.test"}, "http://secure:1"),
        ("https", "a.test:443", {**BOTH, "no_proxy": "a.test:8443"}, "http://secure:1"),
        ("https", "a.test:8443", {**BOTH, "no_proxy": "a.test:8443"}, ""),
        ("https", "10.1.2.3:443", {**BOTH, "no_proxy": "10.0.0.0/8"}, ""),
        ("https", "11.1.2.3:443", {**BOTH, "no_proxy": "10.0.0.0/8"}, "http://secure:1"),
        ("https", "10.1.2.3:443", {**BOTH, "no_proxy": "10.1.2.3"}, ""),
        ("https", "[fd00::1]:443", {**BOTH, "no_proxy": "fd00::1"}, ""),
        ("https", "a.test:443", {**BOTH, "no_proxy": "a.test/x"}, "http://secure:1"),
        ("https", "10.1.2.3:443", {**BOTH, "no_proxy": "nonsense/8"}, "http://secure:1"),
    ],
)
def test_proxy_for(scheme: str, address: str, environment: dict[str, str], expected: str) -> None:
    """The scheme's variable counts, NO_PROXY takes away, this machine needs none."""
    assert proxy_for(scheme, address, environment) == expected
