"""The JSON document: its keys, their order, and every value where it belongs."""

import json
from dataclasses import replace

import pytest

from mbuild.errors import Denied, Failures, MbuildError, Problem, SpecError
from mbuild.publish.outcome import AnnotationOutcome, Differences, TagOutcome
from mbuild.report.document import Effort, make_document, to_json
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
    REFUSED,
    S390X,
)

EFFORT = Effort(0.41049, 27, 1)


def test_whole() -> None:
    """The document of a push, whole."""
    assert make_document([PUBLISHED], EFFORT) == {
        "version": 1,
        "ok": True,
        "seconds": 0.41,
        "requests": 27,
        "retries": 1,
        "targets": [
            {
                "image": APP,
                "digest": str(INDEX.digest),
                "size": 1609,
                "mediaType": "application/vnd.oci.image.index.v1+json",
                "tags": [
                    {"tag": "1.0", "action": "created", "previous": None},
                    {"tag": "latest", "action": "moved", "previous": str(OLD)},
                ],
                "platforms": [
                    {
                        "platform": "linux/amd64",
                        "image": f"{APP}:amd64",
                        "digest": str(AMD64.digest),
                        "size": 1210,
                        "mediaType": AMD64.media_type,
                        "change": "added",
                        "previous": None,
                        "annotations": [],
                        "converted": None,
                    },
                    {
                        "platform": "linux/arm64",
                        "image": f"{APP}:arm64",
                        "digest": str(ARM64.digest),
                        "size": 1210,
                        "mediaType": ARM64.media_type,
                        "change": "changed",
                        "previous": str(OLD),
                        "annotations": [],
                        "converted": None,
                    },
                    {
                        "platform": "linux/s390x",
                        "image": None,
                        "digest": str(S390X.digest),
                        "size": 1210,
                        "mediaType": S390X.media_type,
                        "change": "removed",
                        "previous": str(S390X.digest),
                        "annotations": [],
                        "converted": None,
                    },
                    {
                        "platform": "linux/riscv64",
                        "image": f"{APP}:riscv64",
                        "digest": None,
                        "size": None,
                        "mediaType": None,
                        "change": "skipped",
                        "previous": None,
                        "annotations": [],
                        "converted": None,
                    },
                ],
                "annotations": [],
                "previousMediaType": None,
                "furtherChanges": [],
                "attestations": 2,
                "referrers": 3,
                "childTags": [],
                "copied": {"blobs": 2, "mounted": 3, "bytes": 41_700_000, "foreign": 0},
                "verified": True,
                "warnings": ["a warning"],
                "errors": [],
            }
        ],
    }


def test_converted() -> None:
    """A converted image is told with what it was made of."""
    image = replace(KEPT.platforms[0], converted=DOCKER_IMAGE)
    outcome = replace(KEPT, differences=Differences((image,)))
    (platform,) = make_document([outcome], EFFORT)["targets"][0]["platforms"]
    assert platform["converted"] == {
        "from": str(DOCKER_IMAGE.digest),
        "mediaType": "application/vnd.docker.distribution.manifest.v2+json",
    }


def test_order_of_keys() -> None:
    """Keys come in the order that the contract shows."""
    document = make_document([PUBLISHED], EFFORT)
    (target,) = document["targets"]
    assert " ".join(document) == "version ok seconds requests retries targets"
    assert " ".join(target) == (
        "image digest size mediaType tags platforms annotations previousMediaType furtherChanges "
        "attestations referrers childTags copied verified warnings errors"
    )
    assert " ".join(target["tags"][0]) == "tag action previous"
    assert " ".join(target["platforms"][0]) == (
        "platform image digest size mediaType change previous annotations converted"
    )
    assert " ".join(target["copied"]) == "blobs mounted bytes foreign"


def test_failed_target() -> None:
    """A target that came to nothing has its tags, its errors, and null for what was not made."""
    document = make_document([PUBLISHED, FAILED], EFFORT)
    assert document["ok"] is False
    assert document["targets"][1] == {
        "image": "registry.test/team/other",
        "digest": None,
        "size": None,
        "mediaType": None,
        "tags": [{"tag": "1.0", "action": "untouched", "previous": None}],
        "platforms": [],
        "annotations": [],
        "previousMediaType": None,
        "furtherChanges": [],
        "attestations": 0,
        "referrers": 0,
        "childTags": [],
        "copied": {"blobs": 0, "mounted": 0, "bytes": 0, "foreign": 0},
        "verified": None,
        "warnings": [],
        "errors": [{"code": "denied", "message": "denied", "where": APP, "hint": "log in"}],
    }


def test_nothing_written() -> None:
    """Where nothing was written, `verified` is null, and all is well."""
    document = make_document([KEPT], Effort())
    assert document["ok"] is True
    assert document["targets"][0]["verified"] is None


def test_tag_failed() -> None:
    """A tag that was refused is told in its place, and its error in the target."""
    outcome = replace(PUBLISHED, tags=(TagOutcome("1.0", "failed", OLD),), errors=(REFUSED,))
    document = make_document([outcome], Effort())
    (target,) = document["targets"]
    assert target["tags"] == [{"tag": "1.0", "action": "failed", "previous": str(OLD)}]
    assert target["errors"] == [
        {"code": "tag-refused", "message": "the tag was refused", "where": f"{APP}:1.0"}
    ]
    assert document["ok"] is False


SPEC_ERROR = SpecError([Problem("f", 2, 1, "one"), Problem("f", 3, 1, "two", "unknown-key")])
GENERAL: list[tuple[MbuildError, list[dict[str, str]]]] = [
    (Denied("no"), [{"code": "denied", "message": "no", "where": ""}]),
    (
        SPEC_ERROR,
        [
            {"code": "spec-invalid", "message": "one", "where": "f:2:1"},
            {"code": "unknown-key", "message": "two", "where": "f:3:1"},
        ],
    ),
    (
        Failures([DENIED, Failures([REFUSED])]),
        [
            {"code": "denied", "message": "denied", "where": APP, "hint": "log in"},
            {"code": "tag-refused", "message": "the tag was refused", "where": f"{APP}:1.0"},
        ],
    ),
]


@pytest.mark.parametrize(
    ("error", "expected"), GENERAL, ids=[type(error).__name__ for error, _ in GENERAL]
)
def test_general_errors(error: MbuildError, expected: list[dict[str, str]]) -> None:
    """What belongs to no target stands at the top, one object an error."""
    document = make_document([], Effort(), errors=[error])
    assert (document["ok"], document["targets"], document["errors"]) == (False, [], expected)


def test_text() -> None:
    """The text is JSON with two spaces, as it is written, and ends with a newline."""
    value = {"a": ["é <&>"]}
    assert to_json(value) == '{\n  "a": [\n    "é <&>"\n  ]\n}\n'
    assert json.loads(to_json(make_document([PUBLISHED], EFFORT)))["version"] == 1


def test_differences() -> None:
    """Annotations that differ are told before and after, and what else differs by its word."""
    added = AnnotationOutcome("a", "added", None, "1")
    removed = AnnotationOutcome("b", "removed", "2", None)
    platform = replace(KEPT.platforms[0], annotations=(removed,))
    differences = Differences((platform,), (added, removed), DOCKER.media_type, ("order",))
    (target,) = make_document([replace(KEPT, differences=differences)], EFFORT)["targets"]
    told = {"key": "b", "change": "removed", "previous": "2", "value": None}
    assert target["annotations"] == [
        {"key": "a", "change": "added", "previous": None, "value": "1"},
        told,
    ]
    assert [one["annotations"] for one in target["platforms"]] == [[told]]
    assert (
        target["previousMediaType"] == "application/vnd.docker.distribution.manifest.list.v2+json"
    )
    assert target["furtherChanges"] == ["order"]
