"""A spec and a lock: each source pinned, and everything that does not fit told."""

from dataclasses import replace

import pytest

from mbuild.errors import SourceNotFound, SpecError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.oci.media_types import OCI_MANIFEST
from mbuild.spec.freeze import freeze
from mbuild.spec.lock import Lock, Locked
from mbuild.spec.spec import Pin, Position, Spec
from tests.spec.reading import read

SPEC = read("""
    images:
      - {image: "registry.test/one:1", sources: ["registry.test/a:1", {image: "registry.test/b:1", optional: true}]}
      - {image: "registry.test/two:1", sources: ["registry.test/a:1", "registry.test/c:1"]}
""")
ONE, TWO = SPEC.targets


def held(text: str) -> Descriptor:
    """The descriptor of a manifest."""
    return Descriptor(OCI_MANIFEST, digest_of(text.encode()), 10)


def lock(*images: str, absent: tuple[str, ...] = ()) -> Lock:
    """A lock of sources, in the lines of a file called `l.json`."""
    names = [f"registry.test/{name}:1" for name in (*images, *absent)]
    return Lock(
        "l.json",
        tuple(
            Locked(
                name, held(name) if index < len(images) else None, Position("l.json", index + 1, 5)
            )
            for index, name in enumerate(names)
        ),
    )


def complaints(lock: Lock, chosen: Spec = SPEC) -> list[str]:
    """What is said of a lock that does not fit."""
    with pytest.raises(SpecError) as caught:
        freeze(SPEC, lock, chosen=chosen)
    return str(caught.value).splitlines()


def test_pinned() -> None:
    """Every source has what the lock says of it, and keeps its name."""
    frozen = freeze(SPEC, lock("a", "c", absent=("b",)), chosen=SPEC)
    pins = [[entry.pin for entry in target.entries] for target in frozen.targets]
    a, c = held("registry.test/a:1"), held("registry.test/c:1")
    assert pins == [[Pin(a), Pin(None)], [Pin(a), Pin(c)]]
    assert [str(entry.reference) for entry in frozen.targets[1].entries] == [
        "registry.test/a:1",
        "registry.test/c:1",
    ]


def test_chosen() -> None:
    """Only the chosen targets are given, and only their sources need be locked."""
    frozen = freeze(SPEC, lock("a", "c"), chosen=Spec((TWO,)))
    assert [target.destinations for target in frozen.targets] == [TWO.destinations]
    assert freeze(SPEC, lock("a"), chosen=Spec(())) == Spec(())


def test_all_that_does_not_fit() -> None:
    """What the lock lacks is told at the entry, what it has in vain at the lock's own place."""
    assert complaints(lock("a", "old", absent=("c", "gone"))) == [
        "m.yaml:3:75: registry.test/b:1 is not in l.json; lock again, with this spec",
        (
            "m.yaml:4:67: registry.test/c:1 did not exist when l.json was made, and is not optional; "
            "lock again"
        ),
        "l.json:2:5: registry.test/old:1 is locked, and the spec names it nowhere; lock again",
        "l.json:4:5: registry.test/gone:1 is locked, and the spec names it nowhere; lock again",
    ]


def test_the_whole_spec_counts() -> None:
    """A source of a target that is not chosen is not locked in vain."""
    assert complaints(lock("old", "c"), Spec((ONE,))) == [
        "m.yaml:3:46: registry.test/a:1 is not in l.json; lock again, with this spec",
        "m.yaml:3:75: registry.test/b:1 is not in l.json; lock again, with this spec",
        "l.json:1:5: registry.test/old:1 is locked, and the spec names it nowhere; lock again",
    ]


def test_absent_file() -> None:
    """An entry that no file has named is not locked: it stays absent."""
    target = replace(TWO, entries=(*TWO.entries, replace(TWO.entries[0], absent="a.json")))
    spec = Spec((target,))
    [frozen] = freeze(spec, lock("a", "c"), chosen=spec).targets
    assert [entry.pin for entry in frozen.entries] == [
        Pin(held("registry.test/a:1")),
        Pin(held("registry.test/c:1")),
        None,
    ]


def test_files_of_other_targets() -> None:
    """Where a file of another target could not be read, no source is known to be locked in vain."""
    other = replace(TWO, entries=(), faults=(SourceNotFound("a.json: no such file"),))
    spec = Spec((ONE, other))
    [frozen] = freeze(spec, lock("a", "b", "c"), chosen=Spec((ONE,))).targets
    assert [entry.pin for entry in frozen.entries] == [
        Pin(held("registry.test/a:1")),
        Pin(held("registry.test/b:1")),
    ]


def test_base_is_pinned() -> None:
    """What a target starts from is a source: pinned, and missed where the lock lacks it."""
    spec = read('image: "registry.test/one:1"\nbase: "registry.test/a:1"')
    frozen = freeze(spec, lock("a"), chosen=spec).targets[0]
    assert frozen.base
    assert frozen.base.pin == Pin(held("registry.test/a:1"))
    with pytest.raises(SpecError) as caught:
        freeze(spec, lock(), chosen=spec)
    assert str(caught.value) == (
        "m.yaml:2:7: registry.test/a:1 is not in l.json; lock again, with this spec"
    )
