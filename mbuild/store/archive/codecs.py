"""What gzip and zstd share, so that an archive compressed with either is read the same way."""

from __future__ import annotations

import re
import sys
import zlib
from collections.abc import Callable
from typing import Any, Protocol

GZIP_MAGIC = b"\x1f\x8b"
ZSTD_MAGIC = b"\x28\xb5\x2f\xfd"
_OTHERS = {
    "bzip2": re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)"),
    "xz": re.compile(rb"\xfd7zXZ\x00"),
    "lz4": re.compile(rb"\x04\x22\x4d\x18"),
}
"""What is known by its first bytes, and not read."""

_SKIPPABLE = (b"\x2a\x4d\x18", 0x50)  # zstd, RFC 8878, "Skippable Frames": 0x184D2A5?


class Decoder(Protocol):
    """Unpacks one gzip member or zstd frame."""

    @property
    def eof(self) -> bool:
        """Tell whether its end was reached."""

    @property
    def rest(self) -> bytes:
        """Give the bytes that were handed in and not used."""

    def feed(self, data: bytes, most: int) -> bytes:
        """Take in bytes, and give at most `most` unpacked ones; raises Damaged."""

    def copy(self) -> Decoder | None:
        """Give another one in the same state, None where that cannot be had."""


class Damaged(Exception):  # told as a SourceError by who knows the file
    """Compressed bytes that are not what they should be; the reason is its text."""


class GzipDecoder:
    """One gzip member (RFC 1952)."""

    def __init__(self, decoder: Any = None) -> None:
        self._decoder = decoder or zlib.decompressobj(31)

    @property
    def eof(self) -> bool:
        """Tell whether its end was reached."""
        return bool(self._decoder.eof)

    @property
    def rest(self) -> bytes:
        """Give the bytes that were handed in and not used."""
        return bytes(self._decoder.unused_data if self.eof else self._decoder.unconsumed_tail)

    def feed(self, data: bytes, most: int) -> bytes:
        """Unpack."""
        try:
            return bytes(self._decoder.decompress(data, most))
        except zlib.error as error:
            raise Damaged(f"its gzip compression cannot be read ({error})") from None

    def copy(self) -> GzipDecoder | None:
        """Copy the window and the state: about 40 KB. What has ended is not copied."""
        return None if self.eof else GzipDecoder(self._decoder.copy())


class ZstdDecoder:
    """One zstd frame (RFC 8878)."""

    def __init__(self) -> None:
        self._zstd = load_zstd()
        self._decoder = self._zstd.ZstdDecompressor()

    @property
    def eof(self) -> bool:
        """Tell whether its end was reached."""
        return bool(self._decoder.eof)

    @property
    def rest(self) -> bytes:
        """Give what comes behind the frame; within it, it keeps what it was handed."""
        return bytes(self._decoder.unused_data)

    def feed(self, data: bytes, most: int) -> bytes:
        """Unpack."""
        try:
            return bytes(self._decoder.decompress(data, most))
        except self._zstd.ZstdError as error:
            raise Damaged(f"its zstd compression cannot be read ({error})") from None

    def copy(self) -> Decoder | None:
        """Give None: zstd has no such function."""
        return None


def load_zstd() -> Any:
    """Give the module for zstd: of Python itself from 3.14 on, else its backport."""
    if sys.version_info >= (3, 14):
        from compression import zstd
    else:
        from backports import zstd
    return zstd


def find_codec(start: bytes) -> Callable[[], Decoder] | None:
    """Tell by the first bytes what unpacks them, None where nothing is known to."""
    if start.startswith(GZIP_MAGIC):
        return GzipDecoder
    magic, number = _SKIPPABLE
    is_skippable = start[1:4] == magic and start[0] & 0xF0 == number
    return ZstdDecoder if start.startswith(ZSTD_MAGIC) or is_skippable else None


def other_compression(start: bytes) -> str:
    """Name a compression that is not read, or give empty text."""
    return next((name for name, magic in _OTHERS.items() if magic.match(start)), "")
