"""All registries of one run: one client a host, made on first use, closed together."""

from __future__ import annotations

import asyncio
import random as randomness
import ssl
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self, TypeVar

import httpx

from mbuild.registry.client import Registry
from mbuild.registry.elsewhere import Elsewhere
from mbuild.registry.hosts import Host, make_host
from mbuild.registry.http.routes import Outside, Routes
from mbuild.registry.http.tls import make_tls_context
from mbuild.registry.http.wire import Wire
from mbuild.registry.login.credentials import Keychain, config_path
from mbuild.registry.observer import Observer, silent
from mbuild.registry.retry.clocks import Clocks
from mbuild.registry.retry.deadline import Deadline
from mbuild.registry.retry.pace import Pace
from mbuild.registry.retry.transport import Policy, Tally
from mbuild.registry.session import Session
from mbuild.registry.settings import Settings

T = TypeVar("T")


class Registries:
    """Gives each host's Registry; an async context manager that closes them all.

    `elsewhere` asks the other hosts at which layers may lie.

    The deadline of `settings` runs from here on. `random` gives numbers from 0 to 1 for the
    jitter of waits, `make_transport` replaces the network in tests.
    """

    def __init__(  # noqa: PLR0913  # the settings, and each piece of the world that tests replace
        self,
        settings: Settings,
        *,
        observer: Observer = silent,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        clock: Callable[[], float] = time.monotonic,
        wall_clock: Callable[[], float] = time.time,
        make_transport: Callable[[Host], httpx.AsyncBaseTransport] | None = None,
        random: Callable[[], float] = randomness.random,
    ) -> None:
        self._settings = settings
        self._observer = observer
        self._clocks = Clocks(measure=clock, wall=wall_clock, sleep=sleep)
        self._tally = Tally()
        self._policy = Policy(
            attempts=settings.attempts,
            deadline=Deadline(settings.deadline, clock),
            sleep=sleep,
            random=random,
            observer=observer,
            tally=self._tally,
        )
        self._make_transport = make_transport or self._make_routes
        self._keychain = Keychain(
            config_path(settings.environment, settings.authfile),
            observer,
            is_required=bool(settings.authfile),
        )
        self._tls: ssl.SSLContext | None = None
        self._open: dict[str, tuple[Session, Registry]] = {}
        self._exit = AsyncExitStack()
        self.elsewhere = Elsewhere(self._make_wire, policy=self._policy, clocks=self._clocks)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.elsewhere.close()
        await self._exit.aclose()

    @property
    def requests(self) -> int:
        """Count the HTTP requests sent so far, token requests and redirects included."""
        return self._tally.requests

    @property
    def retries(self) -> int:
        """Count the attempts that were repeated so far."""
        return self._tally.retries

    @property
    def deadline(self) -> Deadline:
        """Give the deadline of the run, which bounds what waits for others than registries too."""
        return self._policy.deadline

    @property
    def observer(self) -> Observer:
        """Give whom the run tells what happens."""
        return self._observer

    def registry(self, domain: str) -> Registry:
        """Give the registry of a reference's domain."""
        return self._entry(domain)[1]

    async def retry(self, what: str, attempt: Callable[[], Awaitable[T]]) -> T:
        """Repeat work that reads from a registry and writes elsewhere, as the policy says."""
        return await self._policy.run(what, attempt)

    async def pause(self, seconds: float) -> None:
        """Let time pass, but no more than the deadline leaves."""
        left = self.deadline.left()
        await self._clocks.sleep(seconds if left is None else min(seconds, max(left, 0.0)))

    def may_push(self, domain: str, path: str) -> None:
        """Ask for tokens of a repository that may push too, from now on: one serves all."""
        self._entry(domain)[0].may_push(path)

    def _entry(self, domain: str) -> tuple[Session, Registry]:
        key = domain.lower()
        if key not in self._open:
            session = self._make_session(make_host(domain, self._settings.plain_http))
            self._open[key] = session, Registry(session, copies=self._settings.jobs)
        return self._open[key]

    def _make_session(self, host: Host) -> Session:
        session = Session(
            host,
            wire=self._make_wire(host),
            policy=self._policy,
            clocks=self._clocks,
            plain_http=self._settings.plain_http,
            find_credentials=lambda: self._keychain.find(host),
        )
        self._exit.push_async_callback(session.close)
        return session

    def _make_wire(self, host: Host) -> Wire:
        settings = self._settings
        transport = self._make_transport(host)
        self._exit.push_async_callback(transport.aclose)
        pace = Pace(host.domain, most=settings.jobs, clocks=self._clocks, observer=self._observer)
        return Wire(
            transport=transport,
            user_agent=settings.user_agent,
            pace=pace,
            tally=self._tally,
            observer=self._observer,
            clock=self._clocks.measure,
            warned=set(),
        )

    def _make_routes(self, _host: Host) -> httpx.AsyncBaseTransport:
        outside = Outside(
            environment=self._settings.environment,
            make_tls=self._make_tls,
            clock=self._clocks.measure,
        )
        return Routes(outside, most_idle=self._settings.jobs)

    def _make_tls(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = make_tls_context(self._settings.ca_file)
        return self._tls
