"""Verified references for the tests of verifying: a world, its audits, what they tell."""

from collections.abc import Callable
from typing import Any

from mbuild.errors import MbuildError
from mbuild.oci.digest import digest_of
from mbuild.oci.reference import parse_any_reference
from mbuild.publish.audit.auditor import Auditor
from mbuild.publish.audit.findings import Audit
from tests.publish.world import APP, World, run
from tests.support.images import (
    make_attestation,
    make_image,
    make_index,
)
from tests.support.memory_store import StoreFault

AMD64, ARM64 = make_image("linux/amd64", layers=2), make_image("linux/arm64")
INDEX = make_index(AMD64, ARM64, attestations=True)
PROOF = make_attestation(AMD64)
LAYER = str(digest_of(AMD64.layers[0]))
CONFIG = str(digest_of(ARM64.config))
NAME = f"{APP}:1.0"


def published() -> World:
    """A repository with an index of two images and their attestations."""
    world = World()
    world[APP].put("1.0", INDEX)
    return world


def audits(world: World, *names: str, deep: bool = False, **more: Any) -> tuple[Audit, ...]:
    """Verify references."""
    auditor = Auditor(stores=world, deep=deep, **more)
    return run(lambda: auditor.verify([parse_any_reference(name) for name in names]))


def audit(world: World, name: str = NAME, *, deep: bool = False) -> Audit:
    """Verify one reference."""
    (one,) = audits(world, name, deep=deep)
    return one


def lines(one: Audit) -> list[str]:
    """What is told of an audit, without its place and what to do next."""
    return [str(error).removeprefix(f"{one.name}: ").split(";")[0] for error in one.all_errors]


def spoilt(world: World, effect: Callable[[World], object]) -> World:
    """The world after something was done to it."""
    effect(world)
    return world


def serve(call: str, subject: str, error: MbuildError) -> Callable[[World], object]:
    """A call that fails."""
    return lambda world: world[APP].faults.append(StoreFault(call, subject, error=error))
