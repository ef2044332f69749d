"""What verify says of references, as lines and as a document."""

from dataclasses import replace

import pytest

from mbuild.errors import Denied
from mbuild.oci.digest import digest_of
from mbuild.publish.audit.findings import Audit, Counts, Finding, Flaw
from mbuild.report.audited import audit_lines, make_audit_document, whole_lines
from mbuild.report.document import Effort
from tests.support.images import make_image, make_index
from tests.support.values import content_of

APP = "registry.test/team/app"
INDEX = content_of(make_index(make_image())).descriptor()
IMAGE = content_of(make_image(docker=True)).descriptor()
LAYER = digest_of(b"layer")
FINDING = Finding("layer", LAYER, ("linux/amd64", "linux/arm64"), Flaw("not-found", "is missing"))
DENIED = Denied("403", where=f"{APP}:1.0")
WHOLE = Audit(
    f"{APP}:1.0", APP, "1.0", INDEX, images=5, attestations=1,
    counts=Counts(manifests=6, configs=6, layers=14, bytes=312_000_000),
)  # fmt: skip
PLAIN = Audit(f"{APP}:2", APP, "2", IMAGE, images=1, counts=Counts(1, 1, 1, 900))
BROKEN = replace(WHOLE, findings=(FINDING,))
ABSENT = Audit(f"{APP}:3", APP, "3", errors=(DENIED,))

LINES = [
    (
        "index", WHOLE, False,
        "OCI index, 5 images, 1 attestation: 6 manifests, 6 configs, 14 layers (312.0 MB) answer",
    ),
    (
        "deep", WHOLE, True,
        ("OCI index, 5 images, 1 attestation: 6 manifests, 6 configs, 14 layers (312.0 MB) answer, "
        "all of them hashed"),
    ),
    ("image", PLAIN, False, "Docker image: 1 manifest, 1 config, 1 layer (900 B) answer"),
    (
        "foreign", replace(PLAIN, counts=Counts(1, 1, 0, 900, foreign=1, unknown=1)), False,
        ("Docker image: 1 manifest, 1 config, 0 layers (900 B) answer; 1 foreign layer not asked "
        "for; 1 manifest of another kind not looked into"),
    ),
    (
        "malformed index",
        replace(WHOLE, images=0, attestations=0, counts=Counts(), errors=(DENIED,)),
        False,
        "OCI index: not verified",
    ),
    ("odd", replace(PLAIN, found=replace(IMAGE, media_type="a\x1b[31m/b"), counts=Counts(1, unknown=1)), False, "a [31m/b: 1 manifest, 0 configs, 0 layers (0 B) answer; 1 manifest of another kind not looked into"),
    (
        "broken", BROKEN, False,
        "OCI index, 5 images, 1 attestation: of 26 parts 1 missing or wrong",
    ),
    (
        "denied", replace(BROKEN, errors=(DENIED, DENIED)), False,
        "OCI index, 5 images, 1 attestation: of 26 parts 1 missing or wrong, 2 not verified",
    ),
    (
        "only denied", replace(WHOLE, errors=(DENIED,)), False,
        "OCI index, 5 images, 1 attestation: of 26 parts 1 not verified",
    ),
    ("malformed", replace(PLAIN, counts=Counts(), errors=(DENIED,)), True,
     "Docker image: not verified"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("audit", "deep", "said"), [one[1:] for one in LINES], ids=[one[0] for one in LINES]
)
def test_line(audit: Audit, deep: bool, said: str) -> None:
    """A reference is one line: its digest, what it holds, and how much of that answered."""
    assert audit.found
    (line,) = audit_lines([audit], deep=deep)
    assert line == f"{APP}@{audit.found.digest}  {said}"


def test_nothing_to_say() -> None:
    """Of a reference that holds nothing the error says all."""
    assert list(audit_lines([ABSENT], deep=False)) == []


def test_quiet() -> None:
    """Quietly only what is whole is named."""
    assert list(whole_lines([WHOLE, BROKEN, PLAIN, ABSENT])) == [
        f"{APP}@{INDEX.digest}",
        f"{APP}@{IMAGE.digest}",
    ]


def test_document() -> None:
    """The document has counts, all that is missing or wrong, and the errors as objects."""
    document = make_audit_document([BROKEN, ABSENT], Effort(1.23456, 7, 2), deep=True)
    assert list(document.items())[:5] == [
        ("version", 1), ("ok", False), ("seconds", 1.235), ("requests", 7), ("retries", 2),
    ]  # fmt: skip
    broken, absent = document["references"]
    assert broken == {
        "reference": f"{APP}:1.0", "image": APP, "tag": "1.0",
        "digest": str(INDEX.digest), "size": INDEX.size, "mediaType": INDEX.media_type,
        "images": 5, "attestations": 1,
        "manifests": 6, "configs": 6, "layers": 14, "blobs": 20, "bytes": 312_000_000,
        "foreign": 0, "unknown": 0, "deep": True,
        "missing": [
            {
                "digest": str(LAYER), "kind": "layer",
                "platforms": ["linux/amd64", "linux/arm64"], "reason": "not-found",
            }
        ],
        "errors": [
            {
                "code": "source-invalid",
                "message": f"layer {LAYER} of linux/amd64, linux/arm64 is missing",
                "where": f"{APP}:1.0",
                "hint": "push again with --force, or copy it from where it is whole",
            }
        ],
    }  # fmt: skip
    assert (absent["digest"], absent["mediaType"], absent["missing"]) == (None, None, [])
    assert absent["errors"] == [{"code": "denied", "message": "403", "where": f"{APP}:1.0"}]


def test_document_of_what_is_whole() -> None:
    """Where nothing is wrong the document says so."""
    assert make_audit_document([WHOLE, PLAIN], Effort(), deep=False)["ok"] is True
