"""Copies under way: how far each blob is, and all of them together, in numbers and in lines."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from mbuild.oci.descriptor import Descriptor
from mbuild.report.text import human_size, human_time, short

WINDOW = 10.0
"""Speed is that of the last so many seconds."""

TELL_EVERY = 10.0
"""A copy that takes longer is told of every so many seconds."""

_STEP = 0.5
_SURE = 1.0
"""What fewer seconds have brought, a small blob perhaps, tells nothing of the time left."""

Clock = Callable[[], float]
Tell = Callable[[str], None]


class Pace:
    """Counts bytes, and tells how many a second there were of late."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._marks = deque([(clock(), 0)])
        self.bytes = 0

    def add(self, size: int, now: float) -> None:
        """Count bytes that there are by `now`."""
        self.bytes += size
        if now - self._marks[-1][0] >= _STEP:
            self._marks.append((now, self.bytes))
            while len(self._marks) > 1 and self._marks[1][0] <= now - WINDOW:
                self._marks.popleft()

    @property
    def speed(self) -> float:
        """Give the bytes a second, 0 while that cannot be said."""
        begin, held = self._marks[0]
        seconds = self._clock() - begin
        return (self.bytes - held) / seconds if seconds > 0 else 0

    def left(self, size: int) -> float | None:
        """Give the seconds that so many bytes more will take; None while that cannot be said."""
        speed = self.speed  # once: a terminal is drawn by a thread of its own
        is_sure = self._clock() - self._marks[0][0] >= _SURE
        return size / speed if speed and is_sure else None


class BlobCopy:
    """One blob on its way from a source to a target."""

    def __init__(self, blob: Descriptor, way: tuple[str, str], copying: Copying) -> None:
        self.blob = blob
        self.source, self.target = way
        self.pace = Pace(copying.clock)
        self.begun = self.told = copying.clock()
        self._copying = copying

    @property
    def done(self) -> int:
        """Give how many bytes have been sent; those that are sent again do not count."""
        return self.pace.bytes

    def reach(self, position: int) -> None:
        """Take note that so many of its first bytes are sent."""
        if position > self.done:
            self._copying.advance(self, position - self.done)

    def end(self, *, is_sent: bool) -> None:
        """Take note that it is there, or that it will not come."""
        if is_sent:
            self.reach(self.blob.size)
        self._copying.finish(self, is_sent=is_sent)

    def __str__(self) -> str:
        return f"{short(str(self.blob.digest))} from {self.source} to {self.target}"


def _nobody(_line: str) -> None:
    """Tell nobody."""


class Copying:
    """All copies of a run: those that are still to come, those under way, those that are done.

    `tell_done` is given a line for each blob when it is there, `tell_long` one now and then
    for each that takes long.
    """

    def __init__(
        self, clock: Clock, *, tell_done: Tell = _nobody, tell_long: Tell = _nobody
    ) -> None:
        self.clock = clock
        self.blobs = self.blobs_done = 0
        self.size = self.size_done = 0
        self.pace = Pace(clock)
        self._tell_done = tell_done
        self._tell_long = tell_long
        self._under_way: dict[BlobCopy, None] = {}

    @property
    def under_way(self) -> tuple[BlobCopy, ...]:
        """Give the copies under way, the oldest first."""
        return tuple(self._under_way)

    @property
    def left(self) -> float | None:
        """Give the seconds that are left for all copies; None while that cannot be said."""
        return self.pace.left(self.size - self.size_done)

    def expect(self, blob: Descriptor, copies: int) -> None:
        """Count a blob that may have to be copied to so many targets."""
        self.blobs += copies
        self.size += copies * blob.size

    def spare(self, blob: Descriptor, copies: int) -> None:
        """Count copies out that need not be made."""
        self.expect(blob, -copies)

    def begin(self, blob: Descriptor, source: str, target: str) -> BlobCopy:
        """Begin with a copy."""
        if not self._under_way:  # what nobody copied in the meantime says nothing of the speed
            self.pace = Pace(self.clock)
        copy = BlobCopy(blob, (source, target), self)
        self._under_way[copy] = None
        return copy

    def advance(self, copy: BlobCopy, size: int) -> None:
        """Count bytes that were sent for the first time."""
        now = self.clock()
        copy.pace.add(size, now)
        self.pace.add(size, now)
        self.size_done += size
        if now - copy.told >= TELL_EVERY and copy.done < copy.blob.size:
            copy.told = now
            self._tell_long(f"copying: {copy}: {_so_far(copy)}")

    def finish(self, copy: BlobCopy, *, is_sent: bool) -> None:
        """End with a copy; one that was not made is counted out."""
        self._under_way.pop(copy, None)
        if not is_sent:
            self.size_done -= copy.done
            self.spare(copy.blob, 1)
            return
        self.blobs_done += 1
        self._tell_done(f"copied: {copy}: {_in_all(copy, self.clock() - copy.begun)}")


def _so_far(copy: BlobCopy) -> str:
    left = copy.pace.left(copy.blob.size - copy.done)
    rest = f", {human_time(left)} left" if left is not None else ""
    sizes = f"{human_size(copy.done)} of {human_size(copy.blob.size)}"
    return f"{sizes}, {human_size(round(copy.pace.speed))}/s{rest}"


def _in_all(copy: BlobCopy, seconds: float) -> str:
    size = human_size(copy.blob.size)
    if seconds < 0.01:  # no clock tells a speed from less
        return size
    return f"{size} in {human_time(seconds)}, {human_size(round(copy.blob.size / seconds))}/s"
