"""Lines for a person: whole reports, aligned, with nothing that is not so."""

from dataclasses import replace

import pytest

from mbuild.errors import Denied, SourceNotFound
from mbuild.publish.outcome import (
    AnnotationOutcome,
    Copied,
    Differences,
    FurtherChange,
    Outcome,
    PlatformOutcome,
    TagAction,
    TagOutcome,
)
from mbuild.report.changes import annotation_rows
from mbuild.report.outcomes import (
    image_lines,
    is_unchanged,
    report_lines,
    total_line,
)
from tests.report.world import (
    AMD64,
    APP,
    ARM64,
    DENIED,
    DOCKER,
    DOCKER_IMAGE,
    FAILED,
    INDEX,
    KEPT,
    OLD,
    PUBLISHED,
    S390X,
    lines,
    short,
)


def test_pushed() -> None:
    """A push that was done, whole."""
    assert lines(PUBLISHED) == [
        f"{APP}@{INDEX.digest}",
        "  OCI index, 2 images, 2 attestations, 1609 bytes: pushed and verified",
        "  + :1.0     created",
        f"  ~ :latest  moved from {short(OLD)}",
        f"  + linux/amd64    {short(AMD64.digest)}  added                             :amd64",
        f"  ~ linux/arm64    {short(ARM64.digest)}  changed from {short(OLD)}  :arm64",
        f"  - linux/s390x    {short(S390X.digest)}  removed",
        "    linux/riscv64  -                    skipped                           :riscv64",
        "  copied 2 blobs (41.7 MB), mounted 3",
        "  3 referrers copied",
    ]


def test_planned() -> None:
    """The same push, planned."""
    assert lines(replace(PUBLISHED, copied=Copied()), planned=True)[1:4] == [
        "  OCI index, 2 images, 2 attestations, 1609 bytes: would be pushed",
        "  + :1.0     to be created",
        f"  ~ :latest  to be moved from {short(OLD)}",
    ]


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "pushed"])
def test_nothing_to_do(planned: bool) -> None:
    """Where every tag holds the index, that is what is said."""
    assert lines(KEPT, planned=planned) == [
        f"{APP}@{INDEX.digest}",
        "  OCI index, 1 image, 1609 bytes: nothing to do, every tag holds it",
        "  = :1.0  kept",
        f"  = linux/amd64  {short(AMD64.digest)}  kept  :amd64",
    ]


@pytest.mark.parametrize(
    ("planned", "verdict", "last"),
    [
        (True, "referrers would be copied", "  1 referrer to copy"),
        (False, "referrers copied, verified", "  1 referrer copied"),
    ],
    ids=["planned", "pushed"],
)
def test_only_referrers(planned: bool, verdict: str, last: str) -> None:
    """Where every tag holds the index and referrers were missing, that is what is said."""
    shown = lines(replace(KEPT, referrers=1), planned=planned)
    assert shown[1] == f"  OCI index, 1 image, 1609 bytes: every tag holds it, {verdict}"
    assert shown[-1] == last


def test_converted() -> None:
    """Below a converted image stands what it was, before the annotations that differ."""
    annotations = (AnnotationOutcome("a", "added", None, "1"),)
    image = replace(KEPT.platforms[0], converted=DOCKER_IMAGE, annotations=annotations)
    told = lines(replace(KEPT, differences=Differences((image,))), planned=True)
    assert told[-3:] == [
        f"  = linux/amd64  {short(AMD64.digest)}  kept  :amd64",
        f"      converted from Docker image {short(DOCKER_IMAGE.digest)}",
        "      + a  '1'",
    ]


def test_foreign_layers() -> None:
    """Layers that were left elsewhere are told below what was copied, or alone."""
    outcome = replace(PUBLISHED, referrers=0)
    told = "  foreign layers left at their URLs: 1"
    assert lines(replace(outcome, copied=Copied(2, 3, 512, 1)))[-2:] == [
        "  copied 2 blobs (512 B), mounted 3",
        told,
    ]
    alone = lines(replace(outcome, copied=Copied(foreign=1)))
    assert (alone[-1], len(alone)) == (told, len(lines(replace(outcome, copied=Copied()))) + 1)


def test_repaired() -> None:
    """A layout whose tags are all in place, and whose blobs were not, is told to be whole again."""
    told = lines(replace(KEPT, copied=Copied(1, 0, 512)))
    assert (told[1], told[-1]) == (
        "  OCI index, 1 image, 1609 bytes: every tag holds it, blobs that were lost are back",
        "  copied 1 blob (512 B), mounted 0",
    )


@pytest.mark.parametrize("planned", [True, False], ids=["planned", "pushed"])
def test_no_index(planned: bool) -> None:
    """A target that came to nothing is one line: its first tag, and where the error stands."""
    told = "registry.test/team/other:1.0: nothing was written"
    assert lines(FAILED, planned=planned) == [f"{told}; see {APP}"]
    placed = SourceNotFound("no such image", where="spec.yaml:7:3")
    both = replace(FAILED, errors=(placed, DENIED))
    assert lines(both, planned=planned) == [f"{told}; see spec.yaml:7:3"]


@pytest.mark.parametrize("where", ["", f"{FAILED.image}:1.0"], ids=["nowhere", "its own name"])
def test_no_index_and_no_place(where: str) -> None:
    """An error that stands nowhere else, or that begins with the tag, needs no pointer."""
    told = replace(FAILED, errors=(Denied("denied", where=where),))
    assert lines(told) == ["registry.test/team/other:1.0: nothing was written"]


def test_no_index_and_no_tag() -> None:
    """A repository without tags is named by itself."""
    assert lines(replace(FAILED, tags=(), errors=())) == [
        "registry.test/team/other: nothing was written"
    ]


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


def test_put_back() -> None:
    """Where all tags are as they were before, nothing is published, not even in part."""
    outcome = replace(tagged("restored", "removed", "failed", "kept"), errors=(DENIED,))
    assert summary(outcome) == "not published"


def test_left_behind() -> None:
    """A tag that could not be put back is marked, and its repository is not called published."""
    left = TagOutcome("t0", "created", is_left=True)
    outcome = replace(PUBLISHED, tags=(left,))
    assert lines(outcome)[2] == "  + :t0  created, left behind"
    assert summary(outcome) == "not published, since another repository of the target failed"
    assert list(image_lines([outcome])) == []


STAYS = TagOutcome("latest", "untouched", OLD, reason="it holds 1.5.0, newer than 1.4.2")


def test_held_back() -> None:
    """A tag that a rule leaves alone is told with the reason, and is no failure."""
    outcome = replace(PUBLISHED, tags=(*tagged("created").tags, STAYS))
    assert summary(outcome) == "pushed and verified"
    assert lines(outcome)[3] == "  = :latest  untouched, it holds 1.5.0, newer than 1.4.2"
    assert list(image_lines([outcome])) == [f"{APP}@{INDEX.digest}"]


def test_held_back_and_nothing_to_do() -> None:
    """Where the others hold the index already, that is said of the others."""
    outcome = replace(KEPT, tags=(*KEPT.tags, STAYS))
    assert summary(outcome) == "nothing to do, every other tag holds it"
    assert is_unchanged(outcome)
    assert summary(replace(outcome, verified=True)) == "every other tag holds it, verified"


def test_all_held_back() -> None:
    """Where a rule leaves every tag alone, nothing is published, and nothing has failed."""
    outcome = replace(KEPT, tags=(STAYS,))
    assert summary(outcome) == "not published, every tag stands for a newer version"
    assert is_unchanged(outcome)
    assert list(image_lines([outcome])) == []
    both = [outcome, replace(KEPT, target="other")]
    assert total_line(both, planned=False) == "2 targets: 2 unchanged"


def test_docker_list() -> None:
    """A Docker list is called one."""
    assert lines(replace(KEPT, index=DOCKER))[1] == (
        "  Docker manifest list, 1 image, 700 bytes: nothing to do, every tag holds it"
    )


def test_unknown_tag() -> None:
    """A tag that cannot be read is told as what it is: before a push, or after one that stopped."""
    outcome = replace(tagged("unknown"), differences=Differences())
    planned = "  ? :t0  unknown, it may not be read"
    done = "  ? :t0  unknown: it was being written when the run stopped"
    assert lines(outcome, planned=True)[2] == planned
    assert lines(outcome)[2] == done


@pytest.mark.parametrize(
    ("mark", "action"),
    [("!", "failed"), ("=", "untouched"), ("=", "restored"), ("-", "removed")],
)
def test_tag(mark: str, action: TagAction) -> None:
    """Other actions are told by their word, without what was before."""
    outcome = replace(PUBLISHED, tags=(TagOutcome("1.0", action, OLD),))
    assert lines(outcome)[2] == f"  {mark} :1.0  {action}"


def test_changed_annotation() -> None:
    """An image that is the same, and only described otherwise, is changed from nothing."""
    same = PlatformOutcome("linux/amd64", "a", "changed", AMD64, AMD64.digest)
    assert lines(replace(KEPT, differences=Differences((same,))))[-1] == (
        f"  ~ linux/amd64  {short(AMD64.digest)}  changed in description  a"
    )


def test_no_platform() -> None:
    """An image without a platform has a question mark."""
    nameless = PlatformOutcome("", "a", "skipped")
    assert lines(replace(KEPT, differences=Differences((nameless,))))[-1] == "    ?  -  skipped  a"


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


DESCRIBED = PlatformOutcome(
    "linux/amd64",
    f"{APP}@{AMD64.digest}",
    "changed",
    AMD64,
    AMD64.digest,
    (
        AnnotationOutcome("a.new", "added", None, "it's"),
        AnnotationOutcome("b", "changed", "1", "2"),
        AnnotationOutcome("old", "removed", "line\nbreak", None),
    ),
)


def test_annotations() -> None:
    """Annotations that differ are told before and after: those of the index, those of an entry."""
    changed = AnnotationOutcome("version", "changed", "1.4.1", "1.4.2")
    long = AnnotationOutcome("text", "added", None, "x" * 61)
    differences = Differences((DESCRIBED,), (changed, long), INDEX.media_type)
    assert lines(replace(PUBLISHED, differences=differences))[4:-2] == [
        "  ~ annotation version  '1.4.1' -> '1.4.2'",
        f"  + annotation text     '{'x' * 60}'…",
        f"  ~ linux/amd64  {short(AMD64.digest)}  changed in annotations  @{AMD64.digest}",
        '      + a.new  "it\'s"',
        "      ~ b      '1' -> '2'",
        "      - old    'line\\nbreak'",
    ]


@pytest.mark.parametrize(
    ("further", "line"),
    [
        ("attestations", "  ~ other attestations"),
        ("order", "  ~ the images in another order"),
        ("form", "  ~ the same, written in other bytes"),
    ],
)
def test_further_changes(further: FurtherChange, line: str) -> None:
    """What neither a platform nor an annotation shows is told in words."""
    differences = replace(PUBLISHED.differences, further=(further,))
    assert lines(replace(PUBLISHED, differences=differences))[4] == line


def test_another_kind() -> None:
    """A list that becomes an index, or the other way about, is told as that."""
    was_docker = replace(PUBLISHED.differences, previous_type=DOCKER.media_type)
    was_oci = replace(PUBLISHED.differences, previous_type=INDEX.media_type)
    becomes_oci = lines(replace(PUBLISHED, differences=was_docker))
    becomes_docker = lines(replace(PUBLISHED, index=DOCKER, differences=was_oci))
    assert becomes_oci[4] == "  ~ Docker manifest list -> OCI index"
    assert becomes_docker[4] == "  ~ OCI index -> Docker manifest list"
    assert lines(replace(PUBLISHED, differences=was_oci)) == lines(PUBLISHED)


LONG = "x" * 100
CUT = [
    ("x" * 59 + "a", "x" * 59 + "b", f"'{'x' * 59}a' -> '{'x' * 59}b'"),
    (f"{LONG}a", f"{LONG}b", f"…'{'x' * 20}a' -> …'{'x' * 20}b'"),
    (LONG, f"{LONG}b{LONG}", f"…'{'x' * 20}' -> …'{'x' * 20}b{'x' * 39}'…"),
    (None, LONG, f"'{'x' * 60}'…"),
    ("a", LONG, f"'a' -> '{'x' * 60}'…"),
]


@pytest.mark.parametrize(
    ("before", "now", "shown"), CUT, ids=["short", "end", "longer", "added", "other"]
)
def test_long_values(before: str | None, now: str, shown: str) -> None:
    """Of a long value that part is shown where it differs."""
    rows = annotation_rows([AnnotationOutcome("key", "changed", before, now)])
    assert rows[0][1] == shown


CHILD_TAGS = (TagOutcome("1-amd64", "created"), TagOutcome("1-arm64", "kept"))


@pytest.mark.parametrize(
    ("planned", "verdict", "last"),
    [
        (True, "child tags would be written", "  1 child tag to write"),
        (False, "child tags written", "  1 child tag written"),
    ],
    ids=["planned", "done"],
)
def test_child_tags(planned: bool, verdict: str, last: str) -> None:
    """Those that are written are counted, where nothing else was to do too."""
    shown = lines(replace(KEPT, child_tags=CHILD_TAGS), planned=planned)
    assert f"every tag holds it, {verdict}" in shown[1]
    assert shown[-1] == last


def test_child_tags_one_by_one() -> None:
    """With --verbose each is shown."""
    shown = [*report_lines([replace(KEPT, child_tags=CHILD_TAGS)], planned=False, verbose=True)]
    assert shown[-2:] == ["  + child tag :1-amd64  created", "  = child tag :1-arm64  kept"]


def test_child_tags_that_are_kept() -> None:
    """Where each holds its image nothing was to do."""
    outcome = replace(KEPT, child_tags=CHILD_TAGS[1:])
    assert is_unchanged(outcome)
    assert not any("child" in line for line in lines(outcome))
