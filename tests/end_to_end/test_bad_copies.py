"""Copies that cannot be finished: one error with its exit code, and no tag."""

import asyncio
import gc
from http import HTTPStatus
from pathlib import Path

import pytest

from mbuild.oci.reference import parse_any_reference
from mbuild.publish.publish import Publisher
from mbuild.publish.read.library import Library
from mbuild.registry.registries import Registries
from mbuild.registry.settings import Settings
from mbuild.spec.spec import Destination, Entry, Position, Spec, Target
from mbuild.store.stores import Stores
from tests.support.cli import run_mbuild
from tests.support.docker_registry import DockerRegistry
from tests.support.exchange import Answer, Handler, Request
from tests.support.fake_edges import serve_fake
from tests.support.fake_registry import FakeRegistry
from tests.support.faults import Effect, Fault, content, slow, status
from tests.support.images import digest_of, make_image
from tests.support.pushing import push_image, tags_of
from tests.support.specs import write_spec

IMAGE = make_image(layers=4, size=3_000_000)
LAYER = IMAGE.layers[2]
DIGEST = digest_of(LAYER)
DAMAGED = "try again; if it stays, what holds it is damaged, or something on the way changes it"
TOO_LARGE = (
    f"HOST answered 413 {HTTPStatus(413).phrase}: its limit is below this blob's {len(LAYER)} bytes"
)
FREE = "free some space in the registry's storage, then run again"
DISK_FULL = (
    b'{"errors":[{"code":"UNKNOWN","message":"unknown error","detail":{"DriverName":"filesystem",'
    b'"Enclosed":{"Op":"write","Path":"/var/lib/registry","Err":28}}}]}'
)


def full_disk(_request: Request, _registry: Handler) -> Answer:
    """Answer as docker-registry does when its disk is full."""
    return Answer(500, {"Content-Type": "application/json"}, DISK_FULL)


@pytest.mark.parametrize(
    ("sent", "message"),
    [
        (
            LAYER[:-1],
            f"{len(LAYER) - 1} bytes arrived, not the {len(LAYER)} that its descriptor says",
        ),
        (
            LAYER + b"x",
            f"{len(LAYER) + 1} bytes arrived, more than the {len(LAYER)} that its descriptor says",
        ),
        (LAYER[:-1] + bytes([LAYER[-1] ^ 1]), f"the bytes that arrived are not those of {DIGEST}"),
    ],
    ids=["fewer", "more", "others"],
)
def test_source_that_sends_others(
    registry: DockerRegistry, repository: str, tmp_path: Path, sent: bytes, message: str
) -> None:
    """A source that sends more, fewer or other bytes than it said is named in one line."""
    source = FakeRegistry(Fault("GET", DIGEST, content(sent)))
    source.put("builds", "1", IMAGE)
    with serve_fake(source) as server:
        write_spec(
            tmp_path, f"{registry.host}/{repository}", {"linux/amd64": f"{server.host}/builds:1"}
        )
        result = run_mbuild("push", cwd=tmp_path)
        told = result.told(server.host)
    assert result.code == 6
    assert told == [f"error: HOST/builds@{DIGEST}: {message}; {DAMAGED}"]
    assert tags_of(registry.url, repository) == []


@pytest.mark.parametrize(
    ("effect", "answered", "hint"),
    [
        (status(507), "its storage is full: HOST answered 507 Insufficient Storage", FREE),
        (
            full_disk,
            "its storage is full: HOST answered 500 Internal Server Error (UNKNOWN: unknown error)",
            FREE,
        ),
        (
            status(413),
            TOO_LARGE,
            "raise the limit of the registry, or of the proxy before it",
        ),
    ],
    ids=["507", "disk full", "413"],
)
def test_full_target(
    registry: DockerRegistry,
    repository: str,
    tmp_path: Path,
    *,
    effect: Effect,
    answered: str,
    hint: str,
) -> None:
    """A target that runs full, or takes no layer as large, is one line, and no tag is there."""
    push_image(registry.url, repository, "1", IMAGE)
    target = FakeRegistry(Fault("PUT", "/uploads/", effect, after=2, times=1))
    if answered.startswith("its storage"):
        target.faults = [Fault("PUT", "/uploads/", effect, after=2)]
    with serve_fake(target) as server:
        write_spec(
            tmp_path, f"{server.host}/app", {"linux/amd64": f"{registry.host}/{repository}:1"}
        )
        result = run_mbuild("push", cwd=tmp_path)
        (line,) = result.told(server.host)
    assert result.code == 6
    assert line.startswith("error: HOST/app@sha256:")
    assert line.endswith(f": {answered}; {hint}")
    assert target.repository("app").tags == {}
    assert target.repository("app").manifests == {}


def open_files() -> int:
    """How many files and sockets this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_cancelled() -> None:
    """A run that is stopped in the middle of its copies leaves no task and no socket."""
    source, first, second = FakeRegistry(), FakeRegistry(), FakeRegistry()
    source.put("builds", "1", IMAGE)

    async def scenario(hosts: list[str]) -> list[str]:
        position = Position("spec.yaml", 1, 1)
        entry = Entry(parse_any_reference(f"{hosts[0]}/builds:1"), position, None)
        places = tuple(
            Destination(parse_any_reference(f"{host}/app"), ("1.0",)) for host in hosts[1:]
        )
        loop, reached = asyncio.get_running_loop(), asyncio.Event()

        def reach(request: Request, registry: Handler) -> Answer:
            loop.call_soon_threadsafe(reached.set)
            return slow(0.5)(request, registry)

        first.faults = [Fault("PUT", "/uploads/", reach)]
        async with Registries(Settings()) as registries:
            publisher = Publisher(stores=Stores(registries), library=Library())
            run = asyncio.create_task(
                publisher.publish(Spec((Target(places, (entry,), position),)))
            )
            await reached.wait()
            run.cancel()
            outcomes = await run
            assert len(asyncio.all_tasks()) == 1
        return [error.code for outcome in outcomes for error in outcome.errors]

    open_before = open_files()
    with serve_fake(source) as one, serve_fake(first) as two, serve_fake(second) as three:
        codes = asyncio.run(scenario([one.host, two.host, three.host]))
    gc.collect()
    assert set(codes) == {"interrupted"}
    assert open_files() <= open_before
    assert first.repository("app").manifests == second.repository("app").manifests == {}
