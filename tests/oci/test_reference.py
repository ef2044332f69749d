"""References: Docker's grammar and defaults, and images in OCI layouts."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.oci.digest import parse_digest
from mbuild.oci.reference import (
    Reference,
    asked_for,
    check_tag,
    parse_any_reference,
    parse_reference,
    with_default_tag,
)
from tests.oci.strategies import digests

HEX = "1a3f5e7d9c1b3a5f7e9d1c3b5a7f9e1d3c5b7a9f1e3d5d7c9b1a3f5e7d9c1b3a"
DIGEST = parse_digest(f"sha256:{HEX}")
SHA512 = parse_digest("sha512:" + "f" * 128)

REFERENCES = {
    "debian": Reference("docker.io", "library/debian"),
    "debian:12": Reference("docker.io", "library/debian", "12"),
    "docker/docker": Reference("docker.io", "docker/docker"),
    "docker.io/debian": Reference("docker.io", "library/debian"),
    "docker.io/library/debian": Reference("docker.io", "library/debian"),
    "docker.io/library/foo/bar": Reference("docker.io", "library/foo/bar"),
    "index.docker.io/debian": Reference("docker.io", "library/debian"),
    "index.docker.io/docker/docker": Reference("docker.io", "docker/docker"),
    "registry-1.docker.io/library/debian": Reference("docker.io", "library/debian"),
    "test.com:tag": Reference("docker.io", "library/test.com", "tag"),
    "test.com:5000": Reference("docker.io", "library/test.com", "5000"),
    "192.168.0.1:80": Reference("docker.io", "library/192.168.0.1", "80"),
    "test_com/foo": Reference("docker.io", "test_com/foo"),
    "localhost": Reference("docker.io", "library/localhost"),
    "localhost/app": Reference("localhost", "app"),
    "localhost:5000/app:1.0": Reference("localhost:5000", "app", "1.0"),
    "test.com/repo:tag": Reference("test.com", "repo", "tag"),
    "test:5000/repo": Reference("test:5000", "repo"),
    "127.0.0.1:5000/a/b/c": Reference("127.0.0.1:5000", "a/b/c"),
    "[::1]:5000/repo:tag": Reference("[::1]:5000", "repo", "tag"),
    "[2001:db8::1]/repo": Reference("[2001:db8::1]", "repo"),
    "xn--n3h.com:18080/foo": Reference("xn--n3h.com:18080", "foo"),
    "Docker/docker": Reference("Docker", "docker"),
    "FOO/bar": Reference("FOO", "bar"),
    "gcr.io/my--proj/a__b.c_d": Reference("gcr.io", "my--proj/a__b.c_d"),
    "lowercase:Uppercase_1.0-RC": Reference("docker.io", "library/lowercase", "Uppercase_1.0-RC"),
    f"app:{'t' * 128}": Reference("docker.io", "library/app", "t" * 128),
    f"test.com/app@{DIGEST}": Reference("test.com", "app", "", DIGEST),
    f"test.com/app:1@{DIGEST}": Reference("test.com", "app", "1", DIGEST),
    f"test:5000/app@{SHA512}": Reference("test:5000", "app", "", SHA512),
    f"docker.io/{HEX}": Reference("docker.io", f"library/{HEX}"),
    HEX[1:]: Reference("docker.io", f"library/{HEX[1:]}"),
    f"test.com/{'a' * 255}": Reference("test.com", "a" * 255),
}
NAME_RULES = (
    "(lower-case letters and digits, single '.', '_' or '-' between them, '/' between parts)"
)
TAG_RULES = (
    "it may hold letters, digits, '_', '.' and '-', not start with '.' or '-', "
    "and be 128 characters long at most"
)


def bad_name(text: str, path: str) -> str:
    """What is said of a text whose repository name breaks the rules."""
    return f"{text!r} is not a reference: {path!r} is not a repository name {NAME_RULES}"


def bad_host(text: str, host: str) -> str:
    """What is said of a text whose host breaks the rules."""
    return f"{text!r} is not a reference: {host!r} is not a registry's host[:port]"


BAD = {
    "": "'' is not a reference: it is empty",
    HEX: f"'{HEX}' is not a reference: 64 hex digits alone could be an image ID",
    ":justtag": bad_name(":justtag", ""),
    f"@{DIGEST}": bad_name(f"@{DIGEST}", ""),
    "a b": bad_name("a b", "a b"),
    "app\n": bad_name("app\n", "app\n"),
    "-docker": bad_name("-docker", "-docker"),
    "-docker/docker": bad_name("-docker/docker", "-docker/docker"),
    "docker-/docker": bad_name("docker-/docker", "docker-/docker"),
    "docker/": bad_name("docker/", "docker/"),
    "docker///docker": bad_name("docker///docker", "docker///docker"),
    "dock_-er/app": bad_name("dock_-er/app", "dock_-er/app"),
    "a___b": bad_name("a___b", "a___b"),
    "test.com/": bad_name("test.com/", ""),
    "test.com/a..b": bad_name("test.com/a..b", "a..b"),
    "caf\u00e9": bad_name("caf\u00e9", "caf\u00e9"),
    "[fc00::1]": bad_name("[fc00::1]", "[fc00"),
    "Uppercase:tag": "'Uppercase:tag' is not a reference: the repository name must be lower case",
    "docker/Docker": "'docker/Docker' is not a reference: the repository name must be lower case",
    "test:5000/Up/low": "'test:5000/Up/low' is not a reference: the repository name must be lower case",
    "-docker.io/docker/docker": bad_host("-docker.io/docker/docker", "-docker.io"),
    "dock..er/docker": bad_host("dock..er/docker", "dock..er"),
    "fc00::1:5000/debian": bad_host("fc00::1:5000/debian", "fc00::1:5000"),
    "[fe80::1%eth0]:5000/debian": bad_host("[fe80::1%eth0]:5000/debian", "[fe80::1%eth0]:5000"),
    "[2001:db8::192.0.2.33]/debian": bad_host(
        "[2001:db8::192.0.2.33]/debian", "[2001:db8::192.0.2.33]"
    ),
    "a_b.com/app": bad_host("a_b.com/app", "a_b.com"),
    "host:/app": bad_host("host:/app", "host:"),
    "host:port/app": bad_host("host:port/app", "host:port"),
    "app:": f"'' is not a tag: {TAG_RULES}",
    "app:.1": f"'.1' is not a tag: {TAG_RULES}",
    "app:-1": f"'-1' is not a tag: {TAG_RULES}",
    "app:1:2": f"'1:2' is not a tag: {TAG_RULES}",
    "app:1+build": f"'1+build' is not a tag: {TAG_RULES}",
    "app:\u0661": f"'\u0661' is not a tag: {TAG_RULES}",
    f"app:{'t' * 129}": f"'{'t' * 129}' is not a tag: {TAG_RULES}",
    "app@": "'' is not a digest: it must look like sha256: and 64 hex digits",
    "app@sha256:abc": "'sha256:abc' is not a digest: it must look like sha256: and 64 hex digits",
    f"app@{DIGEST}@{DIGEST}": (
        f"'{DIGEST}@{DIGEST}' is not a digest: it must look like sha256: and 64 hex digits"
    ),
    f"test.com/{'a' * 256}": (
        f"'test.com/{'a' * 256}' is not a reference: the repository name is longer than 255"
    ),
    "a" * 248: f"'{'a' * 248}' is not a reference: the repository name is longer than 255",
}


@pytest.mark.parametrize(("text", "expected"), REFERENCES.items(), ids=REFERENCES)
def test_parse(text: str, expected: Reference) -> None:
    """A reference is taken apart as Docker does, Docker Hub's defaults filled in."""
    assert parse_reference(text) == expected
    assert parse_any_reference(text) == expected


@pytest.mark.parametrize(("text", "message"), BAD.items(), ids=[ascii(text) for text in BAD])
def test_refused(text: str, message: str) -> None:
    """What Docker refuses is refused with the rule it breaks."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_reference(text)
    assert str(caught.value) == message


OTHER_FORMS = {
    "docker://debian:12": "write it without docker://",
    "https://ghcr.io/a/b": "write it without https://",
    "http://localhost:5000/a": "write it without http://",
    "docker-daemon:app:1.0": "docker-daemon: is no transport mbuild knows",
    "containers-storage:app": "containers-storage: is no transport mbuild knows",
    "dir:app": "dir: is no transport mbuild knows",
}


@pytest.mark.parametrize(("text", "reason"), OTHER_FORMS.items(), ids=OTHER_FORMS)
def test_other_transports(text: str, reason: str) -> None:
    """Other tools' transports and URLs are not taken for images of Docker Hub."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_any_reference(text)
    assert str(caught.value) == f"{text!r} is not a reference: {reason}"


NAMES = {
    "debian:12": ("docker.io/library/debian", "debian"),
    "docker/docker": ("docker.io/docker/docker", "docker/docker"),
    "library/foo/bar": ("docker.io/library/foo/bar", "library/foo/bar"),
    "library/foo": ("docker.io/library/foo", "foo"),
    "docker.io/localhost/a": ("docker.io/localhost/a", "docker.io/localhost/a"),
    "docker.io/a.b/c": ("docker.io/a.b/c", "docker.io/a.b/c"),
    "localhost:5000/library/app": ("localhost:5000/library/app", "localhost:5000/library/app"),
    "oci:dist/hello:1.0": ("oci:dist/hello", "oci:dist/hello"),
}


@pytest.mark.parametrize(("text", "names"), NAMES.items(), ids=NAMES)
def test_names(text: str, names: tuple[str, str]) -> None:
    """A repository has a full name and the one that people write."""
    reference = parse_any_reference(text)
    assert (reference.repository, reference.familiar) == names


@pytest.mark.parametrize("text", ["app:1", f"app@{DIGEST}", "oci:dir:1", f"oci:dir:1@{DIGEST}"])
def test_with_tag(text: str) -> None:
    """The same repository at another tag has no digest any more."""
    moved = parse_any_reference(text).with_tag("2")
    assert (moved.tag, moved.digest) == ("2", None)
    assert moved.repository == parse_any_reference(text).repository


DEFAULT_TAGS = {
    "app": "docker.io/library/app:latest",
    "app:1": "docker.io/library/app:1",
    f"app@{DIGEST}": f"docker.io/library/app@{DIGEST}",
    f"app:1@{DIGEST}": f"docker.io/library/app:1@{DIGEST}",
}


@pytest.mark.parametrize(
    ("text", "expected"), DEFAULT_TAGS.items(), ids=["none", "tag", "digest", "both"]
)
def test_default_tag(text: str, expected: str) -> None:
    """A reference with neither tag nor digest means latest."""
    assert str(with_default_tag(parse_reference(text))) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("debian", "latest"),
        ("debian:12", "12"),
        (f"debian@{DIGEST}", str(DIGEST)),
        (f"debian:12@{DIGEST}", str(DIGEST)),
        ("oci:dist", ""),
        ("oci:dist:1", "1"),
        (f"oci:dist@{DIGEST}", str(DIGEST)),
    ],
    ids=["nothing", "tag", "digest", "both", "layout", "layout's tag", "layout's digest"],
)
def test_asked_for(text: str, expected: str) -> None:
    """A digest goes before a tag; without either it is latest, or a layout's only image."""
    assert asked_for(parse_any_reference(text)) == expected


@pytest.mark.parametrize("tag", ["1", "latest", "_x", "A.b-c_d", "t" * 128])
def test_tags(tag: str) -> None:
    """These are tags by the distribution-spec's grammar."""
    check_tag(tag)


# The grammar at the head of distribution's reference.go, as expressions to draw from.
DOMAIN = r"(?:[a-zA-Z0-9]{1,3}(?:-[a-zA-Z0-9]+)?\.[a-z]{2,3}|localhost|\[::[a-f0-9]{1,4}\])(?::[0-9]{1,5})?"
PATH = r"[a-z0-9]{1,4}(?:(?:[._]|__|-{1,3})[a-z0-9]{1,3}){0,2}"
TAG = r"[0-9A-Za-z_][0-9A-Za-z_.-]{0,15}"


@st.composite
def references(draw: st.DrawFn) -> str:
    """Texts of references, drawn by the grammar."""
    domain = draw(st.none() | st.just("docker.io") | st.from_regex(DOMAIN, fullmatch=True))
    parts = draw(st.lists(st.from_regex(PATH, fullmatch=True), min_size=1, max_size=3))
    tag = draw(st.none() | st.from_regex(TAG, fullmatch=True))
    digest = draw(st.none() | digests())
    if not domain and len(parts) > 1:
        parts[0] = parts[0].replace(".", "_")  # a dot would make a host of it
    name = "/".join([*([domain] if domain else []), *parts])
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


@given(references())
def test_grammar_and_round_trip(text: str) -> None:
    """Every text of the grammar is a reference, and its canonical text is read back the same."""
    reference = parse_reference(text)
    assert parse_reference(str(reference)) == reference
    assert str(reference).endswith(text.removeprefix("docker.io/"))


@given(references())
def test_familiar_round_trip(text: str) -> None:
    """The name that people write is read back as the same repository."""
    reference = parse_reference(text)
    assert parse_reference(reference.familiar).repository == reference.repository


@given(st.text())
def test_any_text(text: str) -> None:
    """Any text at all is a reference that is read back the same, or a ValueError."""
    try:
        reference = parse_any_reference(text)
    except ValueError:
        return
    assert parse_any_reference(str(reference)) == reference
