"""Digests: what is one, what is not, and what they say of bytes."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mbuild.oci.digest import Digest, digest_of, is_digest, parse_digest
from tests.oci.strategies import digests

SHA256 = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
"""The sha256 of nothing (FIPS 180-4)."""
ARABIC = "\u0663" * 64

GOOD = {
    "sha256": (f"sha256:{SHA256}", Digest("sha256", SHA256)),
    "sha384": ("sha384:" + "a" * 96, Digest("sha384", "a" * 96)),
    "sha512": ("sha512:" + "0" * 128, Digest("sha512", "0" * 128)),
}
LOOKS = "is not a digest: it must look like sha256: and 64 hex digits"
BAD = {
    "empty": ("", f"'' {LOOKS}"),
    "no algorithm": (SHA256, f"'{SHA256}' {LOOKS}"),
    "no hex": ("sha256:", f"'sha256:' {LOOKS}"),
    "too short for a digest": ("sha256:abc", f"'sha256:abc' {LOOKS}"),
    "not hex": ("sha256:" + "g" * 64, f"'sha256:{'g' * 64}' {LOOKS}"),
    "newline": (f"sha256:{SHA256}\n", f"'sha256:{SHA256}\\n' {LOOKS}"),
    "space": (f" sha256:{SHA256}", f"' sha256:{SHA256}' {LOOKS}"),
    "other digits": ("sha256:" + ARABIC, f"'sha256:{ARABIC}' {LOOKS}"),
    "wrong length": (
        "sha256:" + "a" * 63,
        f"'sha256:{'a' * 63}' is not a digest: sha256 has 64 hex digits, not 63",
    ),
    "length of another": (
        "sha512:" + "a" * 64,
        f"'sha512:{'a' * 64}' is not a digest: sha512 has 128 hex digits, not 64",
    ),
    "upper case": (
        "sha256:" + "A" * 64,
        f"'sha256:{'A' * 64}' is not a digest: its hex digits must be lower case",
    ),
    "unknown algorithm": (
        "md5:" + "a" * 32,
        "digest algorithm 'md5' is not supported: use one of sha256, sha384, sha512",
    ),
    "compound algorithm": (
        "sha256+b64:" + "a" * 64,
        "digest algorithm 'sha256+b64' is not supported: use one of sha256, sha384, sha512",
    ),
}


@pytest.mark.parametrize(("text", "expected"), GOOD.values(), ids=GOOD)
def test_parse(text: str, expected: Digest) -> None:
    """A digest of a registered algorithm is taken apart."""
    assert parse_digest(text) == expected


@pytest.mark.parametrize(("text", "message"), BAD.values(), ids=BAD)
def test_refused(text: str, message: str) -> None:
    """Anything else is refused with the rule it breaks."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_digest(text)
    assert str(caught.value) == message


@given(digests())
def test_round_trip(digest: Digest) -> None:
    """A digest's text is read back as the same digest."""
    assert parse_digest(str(digest)) == digest


@given(st.binary())
def test_digest_of(content: bytes) -> None:
    """The digest of bytes is their sha256, and matches them and no others."""
    digest = digest_of(content)
    assert str(digest) == f"sha256:{hashlib.sha256(content).hexdigest()}"
    assert digest.matches(content)
    assert not digest.matches(content + b"\0")


@pytest.mark.parametrize("algorithm", ["sha256", "sha384", "sha512"])
def test_hasher(algorithm: str) -> None:
    """A hasher takes its bytes in pieces, in any of the algorithms."""
    whole = hashlib.new(algorithm, b"hello world").hexdigest()
    hasher = Digest(algorithm, whole).hasher()
    hasher.update(b"hello ")
    hasher.update(b"world")
    assert hasher.hexdigest() == whole


@pytest.mark.parametrize(
    ("text", "expected"),
    [(f"sha256:{'0' * 64}", True), ("app:1", False), ("1.0", False), ("sha256:0", False)],
    ids=["digest", "name", "tag", "short"],
)
def test_is_digest(text: str, expected: bool) -> None:
    """A tag with a colon in it is no digest."""
    assert is_digest(text) is expected
