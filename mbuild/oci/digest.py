"""A digest: the algorithm and the hexadecimal hash that name bytes."""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from typing import Protocol

_GRAMMAR = re.compile(
    r"[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9A-Fa-f]{32,}", re.ASCII
)
_HEX_DIGITS = {"sha256": 64, "sha384": 96, "sha512": 128}


class Hasher(Protocol):
    """What `Digest.hasher` gives: bytes in, hexadecimal hash out."""

    def update(self, data: bytes, /) -> None:
        """Take in the next bytes."""

    def hexdigest(self) -> str:
        """Give the hash of all bytes taken in so far, in lower-case hexadecimal."""

    def copy(self) -> Hasher:
        """Give a hasher that goes on from here by itself."""


@dataclass(frozen=True, slots=True)
class Digest:
    """A digest as in image-spec, descriptor.md, "Digests": `algorithm:encoded`."""

    algorithm: str
    encoded: str

    def __str__(self) -> str:
        return f"{self.algorithm}:{self.encoded}"

    def hasher(self) -> Hasher:
        """Give a fresh hasher of this digest's algorithm."""
        return hashlib.new(self.algorithm)

    def matches(self, content: bytes) -> bool:
        """Tell whether `content` hashes to this digest."""
        hasher = self.hasher()
        hasher.update(content)
        return hasher.hexdigest() == self.encoded


def parse_digest(text: str) -> Digest:
    """Parse `algorithm:hex`.

    Raises ValueError for anything but sha256, sha384 or sha512 with its exact number of
    lower-case hexadecimal digits (image-spec, descriptor.md, "Registered Algorithms").
    """
    if not _GRAMMAR.fullmatch(text):
        raise ValueError(f"{text!r} is not a digest: it must look like sha256: and 64 hex digits")
    algorithm, _, encoded = text.partition(":")
    expected = _HEX_DIGITS.get(algorithm)
    if expected is None:
        known = ", ".join(_HEX_DIGITS)
        raise ValueError(f"digest algorithm {algorithm!r} is not supported: use one of {known}")
    if len(encoded) != expected:
        raise ValueError(
            f"{text!r} is not a digest: {algorithm} has {expected} hex digits, not {len(encoded)}"
        )
    if encoded != encoded.lower():
        raise ValueError(f"{text!r} is not a digest: its hex digits must be lower case")
    return Digest(algorithm, encoded)


def is_digest(text: str) -> bool:
    """Tell a digest from a tag, which in a layout or archive may have a colon too (`app:1`)."""
    try:
        parse_digest(text)
    except ValueError:
        return False
    return True


def digest_of(content: bytes) -> Digest:
    """Give the sha256 digest of `content`."""
    return Digest("sha256", hashlib.sha256(content).hexdigest())
