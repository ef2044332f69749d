"""What is told on stderr during a run: retries, requests, warnings, and progress on a terminal."""

import io
import sys
from dataclasses import replace

import httpx
import pytest

from mbuild.cli.console import Console
from mbuild.cli.options import ViewOptions
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.registry.observer import Exchange, Retry

URL = "https://registry.test/v2/team/app/manifests/1.0"
ANSWERED = Exchange("GET", httpx.URL(URL), 200, 0.0123)
LOST = Exchange("PUT", httpx.URL(URL), None, 1.5)
SHORT = Retry("registry.test/team/app:1.0", "503 Service Unavailable", 1.04, 1, 6)
LONG = Retry("registry.test/team/app:1.0", "503 Service Unavailable", 5.0, 4, 6)
RETRIED = (
    "retry: registry.test/team/app:1.0: 503 Service Unavailable; attempt 1 of 6, again in 1.0 s"
)
RETRIED_LONG = (
    "retry: registry.test/team/app:1.0: 503 Service Unavailable; attempt 4 of 6, again in 5.0 s"
)
SLOW = "registry.test asks to slow down (429): all requests wait 12 s"
SHARED = Retry("registry.test/team/app:1.0", "429 Too Many Requests", 12.0, 1, 6, is_shared=True)
RETRIED_SHARED = (
    "retry: registry.test/team/app:1.0: 429 Too Many Requests; attempt 1 of 6, again in 12.0 s"
)
NOTE = "registry.test/team/app: it has no referrers API"
ASKED = [f"GET {URL} 200 12 ms", f"PUT {URL} no answer 1500 ms"]


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Say so."""
        return True


def tell(view: ViewOptions) -> None:
    """Tell of one thing of each kind."""
    with Console(view) as console:
        console.announce("pushing")
        console.on_request(ANSWERED)
        console.on_request(LOST)
        console.on_retry(SHORT)
        console.on_retry(LONG)
        console.on_wait(SLOW)
        console.on_retry(SHARED)
        console.on_note(NOTE)
        console.on_warning("the file [a] is old")


@pytest.mark.parametrize(
    ("verbose", "expected"),
    [
        (0, [RETRIED_LONG, f"wait: {SLOW}"]),
        (1, [RETRIED, RETRIED_LONG, f"wait: {SLOW}", RETRIED_SHARED, f"note: {NOTE}"]),
        (
            2,
            [*ASKED, RETRIED, RETRIED_LONG, f"wait: {SLOW}", RETRIED_SHARED, f"note: {NOTE}"],
        ),
    ],
)
@pytest.mark.parametrize("quiet", [True, False], ids=["quiet", "loud"])
def test_lines(
    capsys: pytest.CaptureFixture[str], verbose: int, expected: list[str], quiet: bool
) -> None:
    """Long waits and warnings are told, every retry and note with -v, every request with -vv.

    That a whole host waits is told once, and not for each request again.
    """
    tell(ViewOptions(verbose=verbose, quiet=quiet))
    out, err = capsys.readouterr()
    assert out == ""
    assert err.splitlines() == [*expected, "warning: the file [a] is old"]


def test_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal there is a status line too, and lines stand above it, whole."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "40")
    tell(ViewOptions(verbose=1))
    assert "pushing" in terminal.getvalue()
    assert RETRIED_LONG in terminal.getvalue()
    assert "warning: the file [a] is old" in terminal.getvalue()


def test_words_like_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    """What a registry says is shown as it is, where it looks like rich's markup too."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    words = "see [/docs] for [bold]more[/bold]"
    with Console(ViewOptions()) as console:
        console.announce(words)
        console.on_retry(Retry("app", words, 1.0, 1, 6))
        console.on_warning(words)
    shown = terminal.getvalue()
    assert f"app: {words}; attempt 1 of 6, again in 1.0 s" in shown
    assert f"warning: {words}\n" in shown


def test_quiet_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """Quietly there is no status line, on a terminal either."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    tell(ViewOptions(quiet=True))
    assert terminal.getvalue().splitlines() == [
        RETRIED_LONG,
        f"wait: {SLOW}",
        "warning: the file [a] is old",
    ]


def test_status_line_says_what_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a terminal the status line goes on saying why nothing happens."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    with Console(ViewOptions()) as console:
        console.on_wait(SLOW)
        console.on_retry(SHARED)
    line, *status = terminal.getvalue().split(f"wait: {SLOW}\n")
    assert status
    assert any(f" {SLOW}" in text for text in status)
    assert "Too Many Requests" not in line + "".join(status)


@pytest.mark.parametrize(("verbose", "lines"), [(0, 3), (1, 5)], ids=["plain", "-v"])
def test_many_that_wait_alike(verbose: int, lines: int, capsys: pytest.CaptureFixture[str]) -> None:
    """Of many long waits for one reason a line is told for each attempt; with -v all are."""
    with Console(ViewOptions(verbose=verbose)) as console:
        for name in ("a", "b", "c"):
            console.on_retry(replace(LONG, what=name))
        console.on_retry(replace(LONG, attempt=5))
        console.on_retry(replace(LONG, why="another reason"))
    assert len(capsys.readouterr().err.splitlines()) == lines


BLOB = Descriptor("layer", digest_of(b"layer"), 5_000_000)
WAY = f"{str(BLOB.digest)[:19]} from a to b"
DONE = f"copied: {WAY}: 5.0 MB in 20 s, 250.0 kB/s"
UNDER_WAY = f"copying: {WAY}: 2.0 MB of 5.0 MB, 200.0 kB/s, 15 s left"


def copy(view: ViewOptions) -> None:
    """Copy a blob in twenty seconds."""
    now = 0.0
    with Console(view, clock=lambda: now) as console:
        console.progress.expect(BLOB, 1)
        meter = console.progress.begin(BLOB, "a", "b")
        now = 10
        meter.reach(2_000_000)
        now = 20
        meter.end(is_sent=True)


@pytest.mark.parametrize(
    ("verbose", "lines"), [(0, []), (1, [UNDER_WAY, DONE])], ids=["plain", "-v"]
)
def test_copies(verbose: int, lines: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """With -v every blob that is copied is told of, and one that takes long before its end."""
    copy(ViewOptions(verbose=verbose))
    out, err = capsys.readouterr()
    assert (out, err.splitlines()) == ("", lines)


def test_copies_on_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """There a blob under way is drawn, so that only what is done is a line, with -v."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    copy(ViewOptions(verbose=1))
    assert DONE in terminal.getvalue()
    assert UNDER_WAY not in terminal.getvalue()


def test_copies_on_a_dumb_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    """One that can only print is told in lines, as a file is, and nothing is drawn."""
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    monkeypatch.setenv("TERM", "dumb")
    copy(ViewOptions(verbose=1))
    assert terminal.getvalue().splitlines() == [UNDER_WAY, DONE]
