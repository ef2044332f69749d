"""One run of the program: its signals, its registries, what it counts."""

import asyncio
import os
import signal
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from mbuild.cli.options import NetworkOptions, ViewOptions
from mbuild.cli.session import STOP_SIGNALS, Session, run_session
from mbuild.errors import Interrupted, NotFound
from mbuild.oci.reference import parse_any_reference
from mbuild.report.document import Effort
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Fault, status
from tests.support.images import make_image

Work = Callable[[Session], Coroutine[Any, Any, Any]]


def run(work: Work, **options: Any) -> tuple[Any, Effort]:
    """Run work in a session, and hold it to leaving the signals as they were."""
    before = [signal.getsignal(one) for one in STOP_SIGNALS]
    try:
        return run_session(work, NetworkOptions(**options), ViewOptions())
    finally:
        assert [signal.getsignal(one) for one in STOP_SIGNALS] == before


def test_result() -> None:
    """The work's result is given, with what the run took."""

    async def work(session: Session) -> str:
        assert isinstance(session, Session)
        return "done"

    result, effort = run(work)
    assert result == "done"
    assert effort.seconds > 0
    assert (effort.requests, effort.retries) == (0, 0)


def test_error() -> None:
    """What the work raises is raised."""

    async def work(_: Session) -> None:
        raise NotFound("no")

    with pytest.raises(NotFound, match=r"^no$"):
        run(work)


@pytest.mark.parametrize("one", STOP_SIGNALS, ids=lambda one: one.name)
def test_stopped(one: signal.Signals) -> None:
    """A signal cancels the work, and what is under way in the library."""

    async def work(_: Session) -> None:
        os.kill(os.getpid(), one)
        await asyncio.Event().wait()

    with pytest.raises(Interrupted) as raised:
        run(work)
    assert str(raised.value) == "interrupted; run the same command again"


@pytest.mark.parametrize("one", STOP_SIGNALS, ids=lambda one: one.name)
def test_stopped_with_a_result(one: signal.Signals) -> None:
    """Work that is stopped and still has something to tell gives it."""

    async def work(_: Session) -> str:
        os.kill(os.getpid(), one)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return "half"
        return "whole"

    assert run(work)[0] == "half"


def test_counted() -> None:
    """Requests and retries are counted."""
    fake = FakeRegistry(Fault("GET", "/manifests/", status(503, retry_after=0), times=1))
    fake.put("team/app", "1.0", make_image())

    with serve_fake(fake) as server:
        reference = parse_any_reference(f"{server.host}/team/app:1.0")

        async def work(session: Session) -> None:
            fetched = await session.library.manifest(session.stores.open(reference), "1.0")
            assert str(fetched.digest) == make_image().digest

        _, effort = run(work, plain_http=[server.host])
    assert (effort.requests, effort.retries) == (2, 1)
    assert len(fake.log.exchanges) == 2
