"""Copies under way, by a clock that the tests turn: totals, speed, time left, and lines."""

from dataclasses import dataclass, field

import pytest

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.report.copying import Copying, Pace
from mbuild.report.text import human_time, short

MB = 1_000_000


@dataclass
class Clock:
    """A clock that stands still until it is turned."""

    now: float = 100.0

    def __call__(self) -> float:
        """Give the time."""
        return self.now


@dataclass
class Scene:
    """Copies, their clock, and the lines that were told."""

    clock: Clock = field(default_factory=Clock)
    done: list[str] = field(default_factory=list)
    long: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.copying = Copying(self.clock, tell_done=self.done.append, tell_long=self.long.append)


def blob(name: str, size: int) -> Descriptor:
    """A layer."""
    return Descriptor("layer", digest_of(name.encode()), size)


A, B = blob("a", 100 * MB), blob("b", 300 * MB)
WAY = "from source.test/a to app.test/b"


def totals(copying: Copying) -> tuple[int, int, int, int]:
    """Blobs done and in all, megabytes done and in all."""
    return (copying.blobs_done, copying.blobs, copying.size_done // MB, copying.size // MB)


def test_totals() -> None:
    """What is expected counts; what need not be copied is counted out; what is done, in."""
    copying = Scene().copying
    copying.expect(A, 2)
    copying.expect(B, 1)
    assert totals(copying) == (0, 3, 0, 500)
    copying.spare(A, 1)
    assert totals(copying) == (0, 2, 0, 400)
    copy = copying.begin(A, "a", "b")
    copy.reach(40 * MB)
    assert (totals(copying), copying.under_way) == ((0, 2, 40, 400), (copy,))
    copy.end(is_sent=True)
    assert (totals(copying), copying.under_way) == ((1, 2, 100, 400), ())


def test_bytes_that_are_sent_again() -> None:
    """After a break the bytes that are sent a second time count in nothing."""
    copying = Scene().copying
    copying.expect(A, 1)
    copy = copying.begin(A, "a", "b")
    for position in (60, 20, 50, 60, 70):
        copy.reach(position * MB)
    assert (copy.done // MB, totals(copying)) == (70, (0, 1, 70, 100))


def test_copy_that_fails() -> None:
    """A copy that was not made is counted out, with what was sent of it."""
    scene = Scene()
    copying = scene.copying
    copying.expect(A, 1)
    copying.expect(B, 1)
    copy = copying.begin(A, "a", "b")
    copy.reach(60 * MB)
    copy.end(is_sent=False)
    assert (totals(copying), copying.under_way, scene.done) == ((0, 1, 0, 300), (), [])


def test_first_second() -> None:
    """A small blob that comes first says nothing yet of the time that is left for all."""
    scene = Scene()
    scene.copying.expect(B, 1)
    scene.copying.begin(B, "a", "b").reach(1000)
    scene.clock.now += 0.9
    assert scene.copying.left is None
    scene.clock.now += 0.1
    assert scene.copying.left == pytest.approx(300_000, rel=0.01)


def test_speed_and_time_left() -> None:
    """Both are those of the last ten seconds, of a blob and of all of them."""
    scene = Scene()
    copying, clock = scene.copying, scene.clock
    copying.expect(A, 1)
    copying.expect(B, 1)
    one, other = copying.begin(A, "a", "b"), copying.begin(B, "a", "b")
    assert (one.pace.speed, copying.left) == (0, None)
    for second in range(1, 5):
        clock.now += 1
        one.reach(second * 10 * MB)
        other.reach(second * 20 * MB)
    assert (one.pace.speed / MB, other.pace.speed / MB) == (10, 20)
    assert copying.pace.speed / MB == 30
    assert one.pace.left(60 * MB) == 6
    assert copying.left == pytest.approx((400 - 120) / 30)


def test_speed_forgets() -> None:
    """What was long ago says nothing; a standstill lowers the speed as it lasts."""
    clock = Clock()
    pace = Pace(clock)
    for _ in range(30):
        clock.now += 1
        pace.add(100, clock.now)
    for _ in range(12):
        clock.now += 1
        pace.add(10, clock.now)
    assert pace.speed == pytest.approx(10)
    clock.now += 10
    assert pace.speed == pytest.approx(5)
    clock.now += 0.1
    pace.add(1000, clock.now)
    assert pace.bytes == 30 * 100 + 12 * 10 + 1000


def test_speed_after_a_pause() -> None:
    """Time in which nothing was to be copied does not count."""
    scene = Scene()
    scene.copying.begin(A, "a", "b").end(is_sent=True)
    scene.clock.now += 1000
    copy = scene.copying.begin(B, "a", "b")
    scene.clock.now += 1
    copy.reach(50 * MB)
    assert scene.copying.pace.speed / MB == 50


def test_line_of_a_blob_that_is_done() -> None:
    """It says what, where from, where to, how much, how long and how fast."""
    scene = Scene()
    copy = scene.copying.begin(A, "source.test/a", "app.test/b")
    scene.clock.now += 4
    copy.end(is_sent=True)
    digest = short(str(A.digest))
    assert scene.done == [f"copied: {digest} {WAY}: 100.0 MB in 4.0 s, 25.0 MB/s"]
    scene.copying.begin(A, "source.test/a", "app.test/b").end(is_sent=True)
    assert scene.done[1:] == [f"copied: {digest} {WAY}: 100.0 MB"]
    assert scene.long == []


def test_lines_of_a_blob_that_takes_long() -> None:
    """Every ten seconds one, and none at its end."""
    scene = Scene()
    copy = scene.copying.begin(B, "source.test/a", "app.test/b")
    for second in range(1, 31):
        scene.clock.now += 1
        copy.reach(second * 10 * MB)
    copy.end(is_sent=True)
    digest = short(str(B.digest))
    assert scene.long == [
        f"copying: {digest} {WAY}: 100.0 MB of 300.0 MB, 10.0 MB/s, 20 s left",
        f"copying: {digest} {WAY}: 200.0 MB of 300.0 MB, 10.0 MB/s, 10 s left",
    ]
    assert len(scene.done) == 1


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, "0.0 s"), (0.449, "0.4 s"), (9.94, "9.9 s"), (9.96, "10 s"), (59.4, "59 s"),
        (59.6, "1 min 0 s"), (200, "3 min 20 s"), (7500, "2 h 5 min"),
    ],
)  # fmt: skip
def test_human_time(seconds: float, expected: str) -> None:
    """Durations are shown as people read them."""
    assert human_time(seconds) == expected
