"""One run of the program: its event loop, its signals, its registries and stores."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

from mbuild.cli.console import Console
from mbuild.cli.options import NetworkOptions, ViewOptions
from mbuild.errors import Interrupted, UsageError
from mbuild.oci.reference import is_domain
from mbuild.publish.read.library import Library
from mbuild.registry.http.tls import check_ca_file
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.report.document import Effort
from mbuild.store.cache import Cache, NoCache, open_cache
from mbuild.store.files import Sleep
from mbuild.store.stores import Stores

T = TypeVar("T")

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@dataclass(frozen=True)
class Session:
    """What a command's work is given: where images live, whom to tell of progress, how to wait."""

    stores: Stores
    library: Library
    console: Console
    pause: Sleep


Work = Callable[[Session], Coroutine[Any, Any, T]]


def run_session(work: Work[T], network: NetworkOptions, view: ViewOptions) -> tuple[T, Effort]:
    """Run a command's work, and give its result with what it took.

    SIGINT and SIGTERM cancel the work; raises Interrupted unless the work then still gives
    a result. Raises what the work raises.
    """
    settings = make_settings(network)
    with Console(view) as console, closing(_make_cache(network, console)) as cache:
        return asyncio.run(_run(work, settings, console, cache=cache))


def _make_cache(network: NetworkOptions, console: Console) -> Cache:
    return NoCache() if network.no_cache else open_cache(os.environ, console.on_warning)


def make_settings(network: NetworkOptions) -> Settings:
    """Make the registry settings of the options, and of the environment for the rest.

    Raises UsageError for a file that cannot be read and for what is no host.
    """
    if network.ca:
        check_ca_file(network.ca)
    for host in network.plain_http or ():
        if not is_domain(host):
            raise UsageError(
                f"--plain-http {host!r} is not HOST[:PORT]", hint="write it like localhost:5000"
            )
    return Settings(
        jobs=network.jobs,
        attempts=network.attempts,
        deadline=network.deadline,
        plain_http=frozenset(network.plain_http or ()),
        ca_file=network.ca,
        authfile=network.authfile,
        environment=os.environ,
    )


async def _run(
    work: Work[T], settings: Settings, console: Console, *, cache: Cache
) -> tuple[T, Effort]:
    started = time.monotonic()
    async with Registries(settings, observer=console) as registries:
        library = Library()
        stores = Stores(registries, cache=cache)
        session = Session(stores, library, console, registries.pause)
        task = asyncio.ensure_future(work(session))
        # A signal that comes when the work is done finds nothing to stop, and loses nothing.
        with _stopped_by_signals(task):
            try:
                result = await _result_of(task)
            finally:
                await library.close()
                await stores.close()
        effort = Effort(time.monotonic() - started, registries.requests, registries.retries)
    return result, effort


@contextmanager
def _stopped_by_signals(task: asyncio.Task[Any]) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for one in STOP_SIGNALS:
        loop.add_signal_handler(one, task.cancel)
    try:
        yield
    finally:
        for one in STOP_SIGNALS:
            loop.remove_signal_handler(one)


async def _result_of(task: asyncio.Task[T]) -> T:
    try:
        return await task
    except asyncio.CancelledError:
        raise Interrupted("interrupted", hint="run the same command again") from None
