"""Lines for a person: whole reports, aligned, with nothing that is not so."""

from dataclasses import replace

import pytest

from mbuild.publish.outcome import Copied, Outcome, PlatformOutcome, TagAction, TagOutcome
from mbuild.report.text import human_size, image_lines, outcome_lines, table
from tests.report.world import (
    AMD64,
    APP,
    ARM64,
    DENIED,
    DOCKER,
    FAILED,
    INDEX,
    KEPT,
    OLD,
    PUBLISHED,
    S390X,
    short,
)


def lines(outcome: Outcome, *, planned: bool = False) -> list[str]:
    """The report of an outcome."""
    return list(outcome_lines(outcome, planned=planned))


def test_pushed() -> None:
    """A push that was done, whole."""
    assert lines(PUBLISHED) == [
        f"{APP}@{INDEX.digest}",
        "  OCI index, 2 images, 2 attestations, 1609 bytes: pushed and verified",
        "  :1.0     created",
        f"  :latest  moved from {short(OLD)}",
        f"  linux/amd64    {short(AMD64.digest)}  added                             {APP}:amd64",
        f"  linux/arm64    {short(ARM64.digest)}  changed from {short(OLD)}  {APP}:arm64",
        f"  linux/s390x    {short(S390X.digest)}  removed",
        f"  linux/riscv64  -                    skipped                           {APP}:riscv64",
        "  copied 2 blobs (41.7 MB), mounted 3",
    ]


def test_planned() -> None:
    """The same push, planned."""
    assert lines(replace(PUBLISHED, copied=Copied()), planned=True)[1:4] == [
        "  OCI index, 2 images, 2 attestations, 1609 bytes: would be pushed",
        "  :1.0     to be created",
        f"  :latest  to be moved from {short(OLD)}",
    ]


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "pushed"])
def test_nothing_to_do(planned: bool) -> None:
    """Where every tag holds the index, that is what is said."""
    assert lines(KEPT, planned=planned) == [
        f"{APP}@{INDEX.digest}",
        "  OCI index, 1 image, 1609 bytes: nothing to do, every tag holds it",
        "  :1.0  kept",
        f"  linux/amd64  {short(AMD64.digest)}  kept  {APP}:amd64",
    ]


def test_repaired() -> None:
    """A layout whose tags are all in place, and whose blobs were not, is told to be whole again."""
    told = lines(replace(KEPT, copied=Copied(1, 0, 512)))
    assert (told[1], told[-1]) == (
        "  OCI index, 1 image, 1609 bytes: every tag holds it, blobs that were lost are back",
        "  copied 1 blob (512 B), mounted 0",
    )


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "pushed"])
def test_no_index(planned: bool) -> None:
    """A target that came to nothing is one line."""
    assert lines(FAILED, planned=planned) == ["registry.test/team/other: nothing was written"]


def summary(outcome: Outcome) -> str:
    """What the second line says after the colon."""
    return lines(outcome)[1].partition(": ")[2]


def tagged(*actions: TagAction) -> Outcome:
    """An outcome whose tags had these actions."""
    tags = tuple(TagOutcome(f"t{number}", action) for number, action in enumerate(actions))
    return replace(PUBLISHED, tags=tags)


def test_failed() -> None:
    """With an error nothing is called published."""
    assert summary(replace(PUBLISHED, errors=(DENIED,))) == "not published in full"
    assert summary(replace(tagged("kept", "untouched"), errors=(DENIED,))) == "not published"
    assert (
        summary(replace(tagged("failed", "created"), errors=(DENIED,))) == "not published in full"
    )


def test_left_alone() -> None:
    """A repository whose tags were left alone, since another one failed, is not called done."""
    outcome = tagged("untouched", "untouched")
    assert summary(outcome) == "not published, since another repository of the target failed"
    assert summary(tagged("kept", "untouched")) == summary(outcome)
    assert list(image_lines([outcome])) == []


def test_docker_list() -> None:
    """A Docker list is called one."""
    assert lines(replace(KEPT, index=DOCKER))[1] == (
        "  Docker manifest list, 1 image, 700 bytes: nothing to do, every tag holds it"
    )


def test_unknown_tag() -> None:
    """A tag that cannot be read is told as what it is: before a push, or after one that stopped."""
    outcome = replace(tagged("unknown"), platforms=())
    planned = "  :t0  unknown, it may not be read"
    done = "  :t0  unknown: it was being written when the run stopped"
    assert lines(outcome, planned=True)[2] == planned
    assert lines(outcome)[2] == done


@pytest.mark.parametrize("action", ["failed", "untouched", "restored", "removed"])
def test_tag(action: TagAction) -> None:
    """Other actions are told by their word, without what was before."""
    outcome = replace(PUBLISHED, tags=(TagOutcome("1.0", action, OLD),))
    assert lines(outcome)[2] == f"  :1.0  {action}"


def test_changed_annotation() -> None:
    """An image that is the same, and only described otherwise, is changed from nothing."""
    same = PlatformOutcome("linux/amd64", "a", "changed", AMD64, AMD64.digest)
    assert lines(replace(KEPT, platforms=(same,)))[-1] == (
        f"  linux/amd64  {short(AMD64.digest)}  changed  a"
    )


def test_no_platform() -> None:
    """An image without a platform has a question mark."""
    nameless = PlatformOutcome("", "a", "skipped")
    assert lines(replace(KEPT, platforms=(nameless,)))[-1] == "  ?  -  skipped  a"


@pytest.mark.parametrize(
    ("copied", "expected"),
    [
        (Copied(1, 0, 512), "  copied 1 blob (512 B), mounted 0"),
        (Copied(0, 2, 0), "  copied 0 blobs (0 B), mounted 2"),
    ],
    ids=["one", "only mounted"],
)
def test_copied(copied: Copied, expected: str) -> None:
    """What was copied is counted."""
    assert lines(replace(KEPT, copied=copied))[-1] == expected


def test_quiet() -> None:
    """Quietly there is a line a repository that is as it should be, and none for another."""
    failed = replace(PUBLISHED, errors=(DENIED,))
    assert list(image_lines([PUBLISHED, FAILED, failed, KEPT])) == [f"{APP}@{INDEX.digest}"] * 2


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (0, "0 B"), (999, "999 B"), (1000, "1.0 kB"), (3249, "3.2 kB"), (41_700_000, "41.7 MB"),
        (5_000_000_000, "5.0 GB"), (7_000_000_000_000, "7000.0 GB"),
    ],
)  # fmt: skip
def test_human_size(size: int, expected: str) -> None:
    """Sizes are shown as people read them."""
    assert human_size(size) == expected


def test_table() -> None:
    """Columns are aligned, with nothing after the last; no rows are no lines."""
    rows = [("a", "bb", ""), ("ccc", "d", "e")]
    assert list(table(rows, indent=1)) == [" a    bb", " ccc  d   e"]
    assert list(table([])) == []
