"""A source's bytes are hashed on the way, from wherever they are read; wrong ones are held back."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager

import pytest

from mbuild.errors import IntegrityError
from mbuild.oci.descriptor import Descriptor
from mbuild.registry.source import MARK_EVERY, CheckedSource, checked
from tests.support.values import blob_descriptor, stream_of

BLOB = b"0123456789" * 10
DESCRIPTOR = blob_descriptor(BLOB)
LARGE = bytes(range(256)) * (20 * 1024)
PIECES = [LARGE[start : start + 300_000] for start in range(0, len(LARGE), 300_000)]


async def read(source: CheckedSource, offset: int) -> tuple[list[bytes], str]:
    """Read a source from an offset on; give what came out, and the error."""
    passed = []
    try:
        async with source(offset) as chunks:
            async for chunk in chunks:
                passed.append(chunk)  # noqa: PERF401  # what passed before an error counts too
    except IntegrityError as error:
        return passed, str(error)
    return passed, ""


def collect(descriptor: Descriptor, chunks: list[bytes]) -> tuple[list[bytes], str]:
    """Pass chunks through the check."""
    return asyncio.run(read(CheckedSource(descriptor, stream_of(*chunks), where="w"), 0))


@pytest.mark.parametrize(
    ("descriptor", "chunks"),
    [(DESCRIPTOR, [BLOB]), (DESCRIPTOR, [BLOB[:40], BLOB[40:]]), (blob_descriptor(b""), [])],
    ids=["one", "several", "none"],
)
def test_checked(descriptor: Descriptor, chunks: list[bytes]) -> None:
    """Right bytes pass."""
    assert collect(descriptor, chunks) == (chunks, "")


@pytest.mark.parametrize(
    ("last", "message"),
    [
        (BLOB[40:-1] + b"x", f"the bytes that arrived are not those of {DESCRIPTOR.digest}"),
        (BLOB[40:-1], "99 bytes arrived, not the 100 that its descriptor says"),
        (BLOB, "140 bytes arrived, more than the 100 that its descriptor says"),
    ],
    ids=["other", "short", "long"],
)
def test_holds_back(last: bytes, message: str) -> None:
    """Of wrong bytes the last chunk is never passed on."""
    passed, error = collect(DESCRIPTOR, [BLOB[:40], last])
    assert passed == [BLOB[:40]]
    assert error.startswith(f"w: {message}; ")


@pytest.mark.parametrize(
    ("offset", "opened"),
    [
        (0, 0),
        (1, 0),
        (MARK_EVERY, 0),
        (1_200_000, 1_200_000),
        (2_000_001, 1_200_000),
        (len(LARGE) - 1, 4_800_000),
        (len(LARGE), 4_800_000),
    ],
)
def test_from_the_middle(offset: int, opened: int) -> None:
    """What is read again is read from the mark before it, and is checked all the same."""
    asked: list[int] = []
    stream = stream_of(*PIECES)

    def opening(at: int) -> AbstractAsyncContextManager[AsyncIterator[bytes]]:
        asked.append(at)
        return stream(at)

    source = CheckedSource(blob_descriptor(LARGE), opening, where="w")

    async def twice() -> tuple[list[bytes], str]:
        await read(source, 0)
        return await read(source, offset)

    passed, error = asyncio.run(twice())
    assert (b"".join(passed), error) == (LARGE[offset:], "")
    assert asked == [0, opened]


def test_changed_meanwhile() -> None:
    """A source that gives other bytes when it is read again is found out."""
    right, wrong = stream_of(*PIECES), stream_of(LARGE[:-1] + b"x")
    source = CheckedSource(
        blob_descriptor(LARGE), lambda offset: (wrong if offset else right)(offset), where="w"
    )

    async def twice() -> tuple[list[bytes], str]:
        await read(source, 0)
        return await read(source, 3_000_000)

    passed, error = asyncio.run(twice())
    assert len(b"".join(passed)) < len(LARGE) - 3_000_000
    assert error.startswith("w: the bytes that arrived are not those of ")


def test_checked_once() -> None:
    """What is checked already is not checked again."""
    source = checked(DESCRIPTOR, stream_of(BLOB), where="w")
    assert checked(DESCRIPTOR, source, where="elsewhere") is source
