"""The metadata file's content: buildx's keys, of one target or by target."""

from dataclasses import replace
from typing import Any

from mbuild.publish.outcome import Outcome, TagOutcome
from mbuild.report.metadata import make_metadata
from tests.report.world import APP, DENIED, FAILED, INDEX, KEPT, PUBLISHED

DESCRIPTOR = {
    "mediaType": "application/vnd.oci.image.index.v1+json",
    "digest": str(INDEX.digest),
    "size": 1609,
}


def expected(names: str) -> dict[str, Any]:
    """What is said of an index published under some names."""
    return {
        "containerimage.descriptor": DESCRIPTOR,
        "containerimage.digest": str(INDEX.digest),
        "image.name": names,
    }


def elsewhere(outcome: Outcome, image: str, target: str) -> Outcome:
    """The same outcome in another repository."""
    return replace(outcome, image=image, target=target)


def test_one_target() -> None:
    """One target's keys stand at the top; every name it was published under is told."""
    assert make_metadata([PUBLISHED], {}) == expected(f"{APP}:1.0,{APP}:latest")


def test_nothing_to_do() -> None:
    """It says the same when there was nothing to do."""
    assert make_metadata([KEPT], {}) == expected(f"{APP}:1.0")


def test_one_target_in_two_repositories() -> None:
    """One index in two repositories is one target."""
    mirror = elsewhere(KEPT, "mirror.test/app", KEPT.target)
    assert make_metadata([KEPT, mirror], {}) == expected(f"{APP}:1.0,mirror.test/app:1.0")


def test_several_targets() -> None:
    """Several targets are a map by the first name of each; those that failed are left out."""
    other = elsewhere(KEPT, "registry.test/b", "registry.test/b:1.0")
    assert make_metadata([PUBLISHED, other, FAILED], {}) == {
        f"{APP}:1.0": expected(f"{APP}:1.0,{APP}:latest"),
        "registry.test/b:1.0": expected("registry.test/b:1.0"),
    }


STAYS = TagOutcome("latest", "untouched", reason="it holds 1.5.0, newer than 1.4.2")


def test_tags_that_stay() -> None:
    """A tag that a rule leaves alone is no name of the index."""
    outcome = replace(KEPT, tags=(*KEPT.tags, STAYS))
    assert make_metadata([outcome], {}) == expected(f"{APP}:1.0")
    mirror = replace(elsewhere(KEPT, "mirror.test/app", KEPT.target), tags=(STAYS,))
    assert make_metadata([KEPT, mirror], {}) == expected(f"{APP}:1.0")
    assert make_metadata([mirror], {}) == {}


def test_one_repository_of_two_targets() -> None:
    """Two targets of one repository are told apart by their first tag."""
    second = replace(KEPT, target=f"{APP}:2.0", tags=(TagOutcome("2.0", "created"),))
    assert make_metadata([KEPT, second], {}) == {
        f"{APP}:1.0": expected(f"{APP}:1.0"),
        f"{APP}:2.0": expected(f"{APP}:2.0"),
    }


def test_failed() -> None:
    """A target that failed in one of its repositories has no metadata."""
    failed = elsewhere(replace(KEPT, errors=(DENIED,)), "mirror.test/app", KEPT.target)
    assert make_metadata([KEPT, failed], {}) == {}
    assert make_metadata([FAILED], {}) == {}
    assert make_metadata([], {}) == {}


OF_A_BUILD = {
    "buildx.build.ref": "default/default0/abc",
    "containerimage.digest": "sha256:old",
    "image.name": "old",
}


def test_what_a_build_wrote_stays() -> None:
    """The keys of this run replace those of the file; what else a build wrote is kept."""
    assert make_metadata([KEPT], OF_A_BUILD) == {
        "buildx.build.ref": "default/default0/abc",
        **expected(f"{APP}:1.0"),
    }


def test_failed_over_what_was_there() -> None:
    """A target that failed leaves no word of an older run, and what is not ours."""
    assert make_metadata([FAILED], OF_A_BUILD) == {"buildx.build.ref": "default/default0/abc"}


def test_several_targets_over_what_was_there() -> None:
    """Each target's object is merged by itself; other targets, and other keys, stay."""
    other = elsewhere(KEPT, "registry.test/b", "registry.test/b:1.0")
    held = {
        "app": OF_A_BUILD,
        f"{APP}:1.0": {"note": "kept", **OF_A_BUILD},
        "registry.test/b:1.0": "no object",
        FAILED.target: {"image.name": "old"},
        "containerimage.digest": "sha256:old",
    }
    assert make_metadata([KEPT, other, FAILED], held) == {
        "app": OF_A_BUILD,
        "containerimage.digest": "sha256:old",
        f"{APP}:1.0": {
            "note": "kept",
            "buildx.build.ref": "default/default0/abc",
            **expected(f"{APP}:1.0"),
        },
        "registry.test/b:1.0": expected("registry.test/b:1.0"),
    }


def test_left_alone() -> None:
    """Nor has one whose tags were left alone."""
    assert make_metadata([replace(KEPT, tags=(TagOutcome("1.0", "untouched"),))], {}) == {}
