"""A compressed archive as the bytes of the tar in it, read from near any offset.

Gzip has no offsets to jump to. While it is unpacked, the state of the decoder is copied from time
to time, and a later reader starts from the last copy before what it wants. The state of a zstd
decoder cannot be copied: there a reader starts at the beginning of a frame, or goes on where
another one has stopped.
"""

from __future__ import annotations

import threading
from bisect import bisect_right
from collections.abc import Callable
from dataclasses import dataclass

from mbuild.errors import SourceError
from mbuild.store.archive.codecs import Damaged, Decoder, find_codec
from mbuild.store.archive.file import CHUNK, Openable, Stream, bad_archive
from mbuild.store.archive.steps import Steps

INPUT = 64 * 1024
STEP = 64 * CHUNK
"""So much is unpacked before a pause, in which the work can be stopped."""
MOST_POINTS = 64
"""So many copies are kept, 40 KB each: every second one goes when there are more."""
MOST_PARKED = 2


@dataclass(frozen=True, slots=True)
class _Point:
    """Where unpacking can start: offsets in the tar and in the file, and the decoder for it.

    Without one, a member or frame begins there.
    """

    at: int
    input: int
    decoder: Decoder | None = None


class PackedArchive:
    """Opens streams of the tar in a compressed file.

    What comes behind the compressed data is passed over, or with `is_layer` is an error:
    clients refuse such a layer.
    """

    def __init__(
        self,
        file: Openable,
        new: Callable[[], Decoder],
        *,
        spacing: int = 16 * CHUNK,
        is_layer: bool = False,
    ) -> None:
        self.file = file
        self.new = new
        self.is_layer = is_layer
        self.name = file.name
        self._spacing = spacing
        self._points = [_Point(0, 0)]
        self._parked: list[_Point] = []
        self._lock = threading.Lock()

    def open(self, offset: int = 0) -> Steps[Stream]:
        """Open a stream at an offset of the tar: what lies between is unpacked and dropped."""
        start = self._nearest(offset)
        stream = PackedStream(self, start, (yield from self.file.open(start.input)))
        try:
            while stream.at < offset and stream.skip(min(offset - stream.at, STEP)):
                yield
        except BaseException:
            stream.close()
            raise
        return stream

    def passed(self, at: int, input_at: int, decoder: Decoder | None) -> None:
        """Hear that a stream has come to a place, and note it where it is worth it."""
        with self._lock:
            last = self._points[-1].at
            if at < last + self._spacing:
                return
            copy = decoder.copy() if decoder else None
            if decoder and copy is None:
                return
            self._points.append(_Point(at, input_at, copy))
            if len(self._points) > MOST_POINTS:
                self._points = self._points[::2]
                self._spacing *= 2

    def park(self, at: int, input_at: int, decoder: Decoder) -> None:
        """Take over the decoder of a stream that is closed, for one that wants what follows."""
        with self._lock:
            self._parked = [*self._parked, _Point(at, input_at, decoder)][-MOST_PARKED:]

    def _nearest(self, offset: int) -> _Point:
        with self._lock:
            place = bisect_right(self._points, offset, key=lambda point: point.at)
            best = self._points[place - 1]
            parked = [point for point in self._parked if best.at < point.at <= offset]
            if not parked:
                return _Point(best.at, best.input, best.decoder.copy() if best.decoder else None)
            nearest = max(parked, key=lambda point: point.at)
            self._parked.remove(nearest)
            return nearest


class PackedStream:
    """The bytes of the tar from one point on; `at` is how far it has come."""

    def __init__(self, archive: PackedArchive, start: _Point, file: Stream) -> None:
        self._archive = archive
        self._decoder = start.decoder or archive.new()
        self._input = start.input
        self._data = b""
        self._file = file
        self._is_over = False
        self.at = start.at

    def read(self, size: int) -> bytes:
        """Unpack on."""
        pieces = []
        while size and (piece := self._unpack(min(size, CHUNK))):
            pieces.append(piece)
            size -= len(piece)
        return b"".join(pieces)

    def skip(self, size: int) -> int:
        """Unpack, and drop what is unpacked."""
        left = size
        while left and (piece := self._unpack(min(left, CHUNK))):
            left -= len(piece)
        return size - left

    def close(self) -> None:
        """Close the file; the decoder may be of use to another stream."""
        if not self._is_over and not self._decoder.eof and not self._decoder.copy():
            self._archive.park(self.at, self._input, self._decoder)
        self._is_over = True
        self._file.close()

    def _unpack(self, most: int) -> bytes:
        """Give the next bytes, at least one but at the end."""
        while not self._is_over:
            if piece := self._feed(most):
                self.at += len(piece)
                self._archive.passed(self.at, self._input, self._decoder)
                return piece
            self._go_on()
        return b""

    def _feed(self, most: int) -> bytes:
        if self._decoder.eof:
            return b""
        try:
            piece = self._decoder.feed(self._data, most)
        except Damaged as error:
            raise self._broken(str(error)) from None
        rest = self._decoder.rest
        self._input += len(self._data) - len(rest)
        self._data = rest
        return piece

    def _go_on(self) -> None:
        """Get more to unpack: of this member or frame, or the next one."""
        if self._decoder.eof:
            self._begin_next()
        elif not self._fill():
            raise self._broken("it is cut short: its compressed data have no end")

    def _fill(self) -> bool:
        more = self._file.read(INPUT)
        self._data += more
        return bool(more)

    def _begin_next(self) -> None:
        """Go on with the member or frame behind the one that has ended, if there is one."""
        while len(self._data) < 4 and self._fill():
            pass
        codec = find_codec(self._data)
        if codec is None:  # padding, or what is none of the archive
            if self._data and self._archive.is_layer:
                raise self._broken("a layer in it has other bytes behind its compressed ones")
            self._is_over = True
            return
        self._decoder = codec()
        self._archive.passed(self.at, self._input, None)

    def _broken(self, why: str) -> SourceError:
        self._is_over = True
        return bad_archive(why, self._archive.name)
