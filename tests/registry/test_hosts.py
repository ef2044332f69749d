"""Domains become hosts; this machine, and hosts named by the user, are known."""

import pytest

from mbuild.registry.hosts import Host, is_loopback, is_plain_http, make_host, split_port


@pytest.mark.parametrize(
    ("domain", "expected"),
    [
        ("docker.io", Host("docker.io", "registry-1.docker.io")),
        ("ghcr.io", Host("ghcr.io", "ghcr.io")),
        ("reg.test:5000", Host("reg.test:5000", "reg.test:5000", is_plain=True)),
    ],
    ids=["hub", "name", "plain"],
)
def test_make_host(domain: str, expected: Host) -> None:
    """A domain is its own address, but for Docker Hub's."""
    assert make_host(domain, {"reg.test:5000"}) == expected


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        ("a.test", ("a.test", "")),
        ("A.test:5000", ("a.test", "5000")),
        ("[::1]:5000", ("::1", "5000")),
        ("[::1]", ("::1", "")),
    ],
)
def test_split_port(address: str, expected: tuple[str, str]) -> None:
    """Name and port are told apart, brackets or not."""
    assert split_port(address) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("localhost", True),
        ("LocalHost.", True),
        ("registry.localhost", True),
        ("127.0.0.1", True),
        ("127.9.8.7", True),
        ("::1", True),
        ("10.0.0.1", False),
        ("localhost.example.com", False),
        ("128.0.0.1", False),
    ],
)
def test_is_loopback(name: str, expected: bool) -> None:
    """This machine is known by its names and addresses."""
    assert is_loopback(name) is expected


@pytest.mark.parametrize(
    ("port", "entry", "expected"),
    [
        ("5000", "reg.test:5000", True),
        ("5000", "REG.test", True),
        ("", "reg.test", True),
        ("5001", "reg.test:5000", False),
        ("", "reg.test:5000", False),
        ("", "other.test", False),
    ],
)
def test_is_plain_http(port: str, entry: str, expected: bool) -> None:
    """An entry without a port stands for all ports of its host."""
    assert is_plain_http("reg.test", port, {entry}) is expected


def test_host_properties() -> None:
    """A host knows its name, and what it is."""
    host = make_host("[::1]:5000", frozenset())
    assert (host.name, host.is_loopback, host.is_hub) == ("::1", True, False)
    assert make_host("docker.io", frozenset()).is_hub
