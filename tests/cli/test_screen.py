"""What is drawn on a terminal while blobs are copied: each of them, and all of them together."""

import io

import pytest
from rich.console import Console

from mbuild.cli.screen import Screen
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.report.copying import Copying

MB = 1_000_000


def blob(name: str, size: int) -> Descriptor:
    """A layer."""
    return Descriptor("layer", digest_of(name.encode()), size)


class Terminal:
    """A screen of some size, with copies by a clock that is turned."""

    def __init__(self, width: int = 100, height: int = 24) -> None:
        self.now = 0.0
        self.copying = Copying(lambda: self.now)
        self.text = io.StringIO()
        self._console = Console(
            file=self.text, force_terminal=True, width=width, height=height, color_system=None
        )
        self.screen = Screen(self._console, self.copying)
        self.screen.announce("app.test/b: pushing")

    def drawn(self) -> list[str]:
        """The lines that are drawn now."""
        with self._console.capture() as captured:
            self._console.print(self.screen.render())
        return [line.rstrip() for line in captured.get().splitlines()]

    def copy(self, *names: str, size: int = 100 * MB, done: int = 25 * MB) -> None:
        """Begin to copy some blobs, and come some way in a second."""
        for name in names:
            self.copying.expect(blob(name, size), 1)
        copies = [self.copying.begin(blob(name, size), "source.test/a", "b") for name in names]
        self.now += 1
        for copy in copies:
            copy.reach(done)


def test_nothing_to_copy() -> None:
    """Then there is the status line alone."""
    (line,) = Terminal().drawn()
    assert line.endswith(" app.test/b: pushing")


def test_copies() -> None:
    """A line for each blob: digest, way, bar, bytes, speed, time left; and one for all."""
    terminal = Terminal()
    terminal.copying.expect(blob("later", 100 * MB), 1)
    terminal.copy("a", "b")
    status, *blobs, total = terminal.drawn()
    assert status.endswith(" app.test/b: pushing")
    for name, line in zip(("a", "b"), blobs, strict=True):
        digest = digest_of(name.encode()).encoded[:12]
        begin, *_, end = line.split("━")
        assert begin.strip() == f"{digest} source.test/a → b"
        assert end.split() == ["25.0", "MB", "of", "100.0", "MB", "25.0", "MB/s", "3.0", "s"]
    assert total.split("━")[0].strip() == "0 of 3 blobs"
    assert " ".join(total.split()).endswith(" 50.0 MB of 300.0 MB 50.0 MB/s 5.0 s")


def test_time_left_is_not_known_yet() -> None:
    """Before the first bytes nothing is said of it."""
    terminal = Terminal()
    terminal.copy("a", done=0)
    _, line, _ = terminal.drawn()
    assert line.endswith(" 0 B of 100.0 MB 0 B/s")


@pytest.mark.parametrize(
    ("height", "copies", "shown", "more"),
    [
        (24, 8, 8, ""),
        (24, 20, 8, "and 12 more"),
        (8, 20, 4, "and 16 more"),
        (2, 3, 1, "and 2 more"),
    ],
)
def test_no_more_than_a_screenful(height: int, copies: int, shown: int, more: str) -> None:
    """What does not fit is counted."""
    terminal = Terminal(height=height)
    terminal.copy(*map(str, range(copies)))
    _, *lines, total = terminal.drawn()
    assert len([line for line in lines if "→" in line]) == shown
    assert [line for line in lines if "→" not in line] == ([more] if more else [])
    assert total.startswith(f"0 of {copies} blobs")


@pytest.mark.parametrize("width", [3, 5, 20, 40, 80])
def test_long_status(width: int) -> None:
    """The status has one line, whatever it says: others are counted on to fit below it."""
    terminal = Terminal(width=width)
    terminal.screen.announce(f"app.test/b: pushing sha256:{'0' * 64}")
    (line,) = terminal.drawn()
    assert len(line) <= width


@pytest.mark.parametrize("width", [30, 50, 71, 72, 200])
def test_narrow_and_wide(width: int) -> None:
    """Lines fit, names are cut, and a narrow terminal has no bars."""
    terminal = Terminal(width=width)
    terminal.screen.announce("app.test/b: pushing [bold]" + "0" * 200)
    terminal.copy("a")
    status, *lines = terminal.drawn()
    assert status.endswith("…")
    assert "[bold]"[: width - 23] in status
    assert len(lines) == 2
    assert all(len(line) <= width for line in lines)
    assert all(("━" in line) == (width >= 72) for line in lines)


def test_gone_at_the_end() -> None:
    """Lines stay, what is drawn does not."""
    terminal = Terminal()
    terminal.screen.start()
    terminal.copy("a")
    terminal.screen.line("a line [bold]as it is[/bold]")
    terminal.screen.stop()
    assert "a line [bold]as it is[/bold]\n" in terminal.text.getvalue()
    assert terminal.text.getvalue().rstrip().endswith("\x1b[2K")
