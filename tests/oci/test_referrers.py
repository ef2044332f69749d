"""Referrers: their tags, their subjects, and their entries in a list."""

import json

import pytest

from mbuild.oci import media_types
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, digest_of, parse_digest
from mbuild.oci.manifest import Content
from mbuild.oci.referrers import cosign_tags, referrer_descriptor, referrers_tag, subject_of

SHA256 = "a" * 64
SHA512 = "b" * 128
SUBJECT = parse_digest(f"sha256:{SHA256}")


def content(media_type: str = media_types.OCI_MANIFEST, **keys: object) -> Content:
    """A manifest with these keys."""
    raw = json.dumps(keys).encode()
    return Content(media_type, digest_of(raw), raw)


@pytest.mark.parametrize(
    ("digest", "expected"),
    [
        (SUBJECT, f"sha256-{SHA256}"),
        (Digest("sha512", SHA512), f"sha512-{'b' * 64}"),
        (Digest("x+y" * 20, "c=d" * 30), f"{('x-y' * 20)[:32]}-{('c-d' * 30)[:64]}"),
    ],
    ids=["sha256", "too long", "not for a tag"],
)
def test_referrers_tag(digest: Digest, expected: str) -> None:
    """The tag is algorithm and hash, cut to 32 and 64 characters, others replaced."""
    assert referrers_tag(digest) == expected


def test_cosign_tags() -> None:
    """Cosign's tags have its suffixes; a hash too long for a tag has none."""
    assert cosign_tags(SUBJECT) == tuple(
        f"sha256-{SHA256}{suffix}" for suffix in (".sig", ".att", ".sbom")
    )
    assert cosign_tags(Digest("sha512", SHA512)) == ()


def test_subject() -> None:
    """The subject is read from a manifest of any kind; most have none."""
    subject = {"mediaType": "a/b", "digest": str(SUBJECT), "size": 3}
    assert subject_of(content(subject=subject)) == Descriptor("a/b", SUBJECT, 3)
    assert subject_of(content()) is None


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        ([], "'subject' is not an object"),
        ({"mediaType": "a/b", "size": 3}, "in subject: 'digest' is missing"),
    ],
    ids=["list", "no digest"],
)
def test_bad_subject(subject: object, expected: str) -> None:
    """A subject that is none is an error that names the field."""
    with pytest.raises(ValueError, match=f"^{expected}$"):
        subject_of(content(subject=subject))


CONFIG = {"mediaType": "config/type", "digest": str(SUBJECT), "size": 3}


@pytest.mark.parametrize(
    ("made", "expected"),
    [
        (content(artifactType="a/b", config=CONFIG), "a/b"),
        (content(config=CONFIG), "config/type"),
        (content(), ""),
        (content(media_types.OCI_INDEX, artifactType="a/b"), "a/b"),
        (content(media_types.OCI_INDEX, config=CONFIG), ""),
    ],
    ids=["its own", "its config's", "no config", "index", "index without"],
)
def test_entry(made: Content, expected: str) -> None:
    """A referrer's entry has its artifact type, or that of its config; an index only its own."""
    assert referrer_descriptor(made) == Descriptor(
        made.media_type, made.digest, made.size, artifact_type=expected
    )


def test_annotations_of_an_entry() -> None:
    """The annotations of a referrer stand in its entry, sorted."""
    made = content(annotations={"b": "2", "a": "1"})
    assert referrer_descriptor(made).annotations == (("a", "1"), ("b", "2"))
