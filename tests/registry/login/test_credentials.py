"""Credentials come from docker's config.json, and a broken one is a warning."""

import base64
import json
from pathlib import Path

import pytest

from mbuild.registry.hosts import make_host
from mbuild.registry.login.credentials import Credentials, Keychain, config_path, login_hint
from tests.registry.world import Recorder

ALICE = Credentials("alice", "open:sesame")


def auth(text: str = "alice:open:sesame") -> dict[str, str]:
    """An entry with its `auth` field."""
    return {"auth": base64.b64encode(text.encode()).decode()}


def keychain(folder: Path, recorder: Recorder, content: object) -> Keychain:
    """A keychain whose file holds `content`, as JSON unless it is bytes."""
    path = folder / "config.json"
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return Keychain(path, recorder)


@pytest.mark.parametrize(
    ("domain", "auths", "expected"),
    [
        ("reg.test:5000", {"reg.test:5000": auth()}, ALICE),
        ("reg.test", {"https://reg.test/v2/": auth()}, ALICE),
        ("reg.test", {"http://reg.test": auth("bob:x"), "reg.test": auth()}, ALICE),
        ("reg.test", {"reg.test:5000": auth()}, None),
        ("reg.test", {"reg.test/team": auth()}, None),
        ("reg.test", {"https://reg.test/v2/team": auth()}, None),
        ("reg.test", {"reg.test/team": auth("bob:x"), "http://reg.test/v1": auth()}, ALICE),
        ("docker.io", {"https://index.docker.io/v1/": auth()}, ALICE),
        ("docker.io", {"docker.io": auth()}, ALICE),
        ("docker.io", {"registry-1.docker.io": auth()}, ALICE),
        ("reg.test", {"reg.test": {"username": "alice", "password": "open:sesame"}}, ALICE),
        ("reg.test", {"reg.test": auth("alice:open:sesame\0\0")}, ALICE),
        ("reg.test", {"reg.test": {**auth("alice:"), "identitytoken": "i"}}, Credentials("alice", "", "i")),
        ("reg.test", {"reg.test": {"registrytoken": "r"}}, Credentials("", "", "", "r")),
        ("reg.test", {"reg.test": {}}, None),
        ("reg.test", None, None),
    ],
    ids=[
        "exact", "normalised", "exact first", "port", "team", "team by address", "not the team's", "hub", "hub by name", "hub by host",
        "fields", "trailing nul", "identity", "registry token", "helper's mark", "no auths",
    ],
)  # fmt: skip
def test_find(
    tmp_path: Path, recorder: Recorder, domain: str, auths: object, expected: Credentials | None
) -> None:
    """A host's entry is found by its exact key, then by its name."""
    found = keychain(tmp_path, recorder, {"auths": auths}).find(make_host(domain, frozenset()))
    assert found == expected
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("content", "warning"),
    [
        (b"{", "no credentials are read from it: it is not JSON"),
        ([], "no credentials are read from it: not an object"),
        ({"auths": []}, "no credentials are read from it: 'auths' is not an object"),
        ({"auths": {"reg.test": 1}}, "the credentials for 'reg.test' are not used: not an object"),
        (
            {"auths": {"reg.test": {"auth": "secret!"}}},
            "the credentials for 'reg.test' are not used: 'auth' is not base64 of user:password",
        ),
        (
            {"auths": {"reg.test": auth(":x")}},
            "the credentials for 'reg.test' are not used: 'auth' is not base64 of user:password",
        ),
        (
            {"auths": {"reg.test": {"password": 7}}},
            "the credentials for 'reg.test' are not used: 'password' is not a string",
        ),
    ],
    ids=["no JSON", "list", "auths", "entry", "base64", "no user", "type"],
)
def test_broken_file(tmp_path: Path, recorder: Recorder, content: object, warning: str) -> None:
    """What cannot be read is one warning, without the secret, and no credentials."""
    chain = keychain(tmp_path, recorder, content)
    assert chain.find(make_host("reg.test", frozenset())) is None
    assert recorder.warnings == [f"{tmp_path / 'config.json'}: {warning}"]


def test_absent_file(tmp_path: Path, recorder: Recorder) -> None:
    """Docker's file may be absent; one that was asked for may not, and a folder is no file."""
    host = make_host("reg.test", frozenset())
    assert Keychain(None, recorder).find(host) is None
    assert Keychain(tmp_path / "none", recorder).find(host) is None
    assert recorder.warnings == []
    assert Keychain(tmp_path / "none", recorder, is_required=True).find(host) is None
    assert Keychain(tmp_path, recorder).find(host) is None
    assert recorder.warnings == [
        f"{tmp_path / 'none'}: no credentials are read from it: No such file or directory",
        f"{tmp_path}: no credentials are read from it: Is a directory",
    ]


@pytest.mark.parametrize(
    ("credentials", "hint"),
    [
        (None, "no login for it was found: log in with `docker login reg.test`"),
        (ALICE, "the login of 'alice' was used: check its password and what it may do"),
        (
            Credentials("", "", "i"),
            "a login by token was used: check that it has not ended, and what it may do",
        ),
    ],
    ids=["none", "user", "token"],
)
def test_login_hint(credentials: Credentials | None, hint: str) -> None:
    """Who was denied is told whether a login was used, and whose."""
    assert login_hint(credentials, "reg.test") == hint


@pytest.mark.parametrize(
    ("domain", "config"),
    [
        ("reg.test", {"credHelpers": {"reg.test": "pass"}}),
        ("reg.test", {"credsStore": "pass", "auths": {"reg.test": {}}}),
        ("reg.test", {"credsStore": "pass", "auths": {"https://reg.test/v2/": {}}}),
        ("docker.io", {"credHelpers": {"https://index.docker.io/v1/": "pass"}}),
    ],
    ids=["helper", "store", "store by address", "hub"],
)
def test_helper(tmp_path: Path, recorder: Recorder, domain: str, config: object) -> None:
    """A login that a helper keeps is a warning that says so, and no credentials."""
    chain = keychain(tmp_path, recorder, config)
    assert chain.find(make_host(domain, frozenset())) is None
    assert recorder.warnings == [
        (
            f"{tmp_path / 'config.json'}: the login for {domain} is kept by the credential helper "
            "'pass', which is not asked; store it in the file, or give an --authfile"
        )
    ]


@pytest.mark.parametrize(
    "config",
    [
        {"credsStore": "pass"},
        {"credsStore": 1, "auths": {"reg.test": {}}},
        {"credHelpers": ["reg.test"]},
        {"credHelpers": {"reg.test": {}}},
        {"credHelpers": {"other.test": "pass"}},
    ],
    ids=["no mark", "store of a wrong type", "list", "helper of a wrong type", "another host"],
)
def test_no_helper(tmp_path: Path, recorder: Recorder, config: object) -> None:
    """Where the file does not show that a helper keeps the host's login, nothing is said."""
    chain = keychain(tmp_path, recorder, config)
    assert chain.find(make_host("reg.test", frozenset())) is None
    assert recorder.warnings == []


def test_entry_beside_a_helper(tmp_path: Path, recorder: Recorder) -> None:
    """An entry that can be used counts, and the helper is not spoken of."""
    config = {"credHelpers": {"reg.test": "pass"}, "auths": {"reg.test": auth()}}
    chain = keychain(tmp_path, recorder, config)
    assert chain.find(make_host("reg.test", frozenset())) == ALICE
    assert recorder.warnings == []


@pytest.mark.parametrize(
    ("environment", "authfile", "expected"),
    [
        ({"DOCKER_CONFIG": "/d", "HOME": "/h"}, "/a.json", "/a.json"),
        ({"DOCKER_CONFIG": "/d", "HOME": "/h"}, "", "/d/config.json"),
        ({"HOME": "/h"}, "", "/h/.docker/config.json"),
        ({}, "", None),
    ],
    ids=["authfile", "DOCKER_CONFIG", "home", "nowhere"],
)
def test_config_path(environment: dict[str, str], authfile: str, expected: str | None) -> None:
    """The file that was asked for counts, then docker's."""
    path = config_path(environment, authfile)
    assert path == (Path(expected) if expected else None)


def test_repr_is_silent() -> None:
    """No secret stands in what a debugger shows."""
    assert repr(Credentials("u", "secret", "secret", "secret")) == "Credentials(username='u')"
