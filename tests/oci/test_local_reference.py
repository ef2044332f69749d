"""References to images on this disk: in layouts and in archives."""

import pytest

from mbuild.oci.digest import digest_of
from mbuild.oci.reference import (
    ArchiveReference,
    LayoutReference,
    LocalReference,
    asked_for,
    parse_any_reference,
    parse_archive_reference,
    parse_layout_reference,
)

DIGEST = digest_of(b"hello")

LAYOUTS = {
    "oci:dist/hello": LayoutReference("dist/hello"),
    "oci:dist/hello:1.0": LayoutReference("dist/hello", "1.0"),
    "oci:/absolute/dir:_x": LayoutReference("/absolute/dir", "_x"),
    "oci:.:latest": LayoutReference(".", "latest"),
    "oci:a dir": LayoutReference("a dir"),
    "oci:dir:docker.io/library/hello:1.0": LayoutReference("dir", "docker.io/library/hello:1.0"),
    f"oci:dir@{DIGEST}": LayoutReference("dir", "", DIGEST),
    f"oci:dir:1.0@{DIGEST}": LayoutReference("dir", "1.0", DIGEST),
    "oci:user@host/dir": LayoutReference("user@host/dir"),
}
BAD_LAYOUTS = {
    "oci:": "'oci:' is not a reference: oci: needs a directory, oci:DIR[:TAG]",
    "oci::1.0": "'oci::1.0' is not a reference: oci: needs a directory, oci:DIR[:TAG]",
    "oci:dir:": "'oci:dir:' is not a reference: '' cannot be a tag in a layout",
    "oci:dir:-1": "'oci:dir:-1' is not a reference: '-1' cannot be a tag in a layout",
    "oci:dir:a b": "'oci:dir:a b' is not a reference: 'a b' cannot be a tag in a layout",
    "oci:dir:1\n": "'oci:dir:1\\n' is not a reference: '1\\n' cannot be a tag in a layout",
    "oci:dir@sha256:1": "'sha256:1' is not a digest: it must look like sha256: and 64 hex digits",
}


@pytest.mark.parametrize(("text", "expected"), LAYOUTS.items(), ids=LAYOUTS)
def test_layout(text: str, expected: LayoutReference) -> None:
    """An image in a layout is named as skopeo names it, or by its digest."""
    assert parse_any_reference(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(("text", "message"), BAD_LAYOUTS.items(), ids=ascii)
def test_layout_refused(text: str, message: str) -> None:
    """What cannot name an image in a layout is refused with the reason."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_layout_reference(text)
    assert str(caught.value) == message


def test_layout_in_another_folder() -> None:
    """A layout's directory stands in the text as whoever joined it wrote it."""
    assert str(LayoutReference("/srv/dist/hello", "1.0")) == "oci:/srv/dist/hello:1.0"


def test_layout_within() -> None:
    """A relative path is joined to a folder, an absolute one stays where it is."""
    assert str(LayoutReference("../app", "1").within("a/b")) == "oci:a/app:1"
    assert str(LayoutReference("/app", "1").within("a/b")) == "oci:/app:1"


ARCHIVES = {
    "oci-archive:app.tar": ArchiveReference("oci-archive", "app.tar"),
    "oci-archive:out/app.tar:1.0": ArchiveReference("oci-archive", "out/app.tar", "1.0"),
    "oci-archive:/app.tar.gz:docker.io/library/app:1.0": ArchiveReference(
        "oci-archive", "/app.tar.gz", "docker.io/library/app:1.0"
    ),
    f"oci-archive:app.tar:1.0@{DIGEST}": ArchiveReference("oci-archive", "app.tar", "1.0", DIGEST),
    f"oci-archive:app.tar@{DIGEST}": ArchiveReference("oci-archive", "app.tar", "", DIGEST),
    "docker-archive:app.tar": ArchiveReference("docker-archive", "app.tar"),
    "docker-archive:app.tar:app:1": ArchiveReference("docker-archive", "app.tar", "app:1"),
    "docker-archive:app.tar:app": ArchiveReference("docker-archive", "app.tar", "app"),
    "docker-archive:a b.tar:localhost:5000/team/app:1": ArchiveReference(
        "docker-archive", "a b.tar", "localhost:5000/team/app:1"
    ),
    "docker-archive:app.tar:@0": ArchiveReference("docker-archive", "app.tar", "@0"),
    f"docker-archive:app.tar:app:1@{DIGEST}": ArchiveReference(
        "docker-archive", "app.tar", "app:1", DIGEST
    ),
}
NO_FILE_OCI = "oci-archive: needs a file, oci-archive:FILE[:TAG]"
NO_FILE_DOCKER = "docker-archive: needs a file, docker-archive:FILE[:REF]"
BAD_ARCHIVES = {
    "oci-archive:": f"'oci-archive:' is not a reference: {NO_FILE_OCI}",
    "oci-archive::1.0": f"'oci-archive::1.0' is not a reference: {NO_FILE_OCI}",
    "oci-archive:f:": "'oci-archive:f:' is not a reference: '' cannot be a tag in an archive",
    "oci-archive:f:a b": (
        "'oci-archive:f:a b' is not a reference: 'a b' cannot be a tag in an archive"
    ),
    "docker-archive:": f"'docker-archive:' is not a reference: {NO_FILE_DOCKER}",
    "docker-archive:f:": (
        "'docker-archive:f:' is not a reference: '' is not a reference: it is empty"
    ),
    "docker-archive:f:App:1": (
        "'docker-archive:f:App:1' is not a reference: 'App:1' is not a reference: "
        "the repository name must be lower case"
    ),
    "docker-archive:f:@": (
        "'docker-archive:f:@' is not a reference: "
        "'' is not a digest: it must look like sha256: and 64 hex digits"
    ),
    "docker-archive:f@sha256:1": (
        "'sha256:1' is not a digest: it must look like sha256: and 64 hex digits"
    ),
}


@pytest.mark.parametrize(("text", "expected"), ARCHIVES.items(), ids=ARCHIVES)
def test_archive(text: str, expected: ArchiveReference) -> None:
    """An image in an archive is named as skopeo names it, or by its digest."""
    assert parse_any_reference(text) == expected
    assert str(expected) == text


@pytest.mark.parametrize(("text", "message"), BAD_ARCHIVES.items(), ids=ascii)
def test_archive_refused(text: str, message: str) -> None:
    """What cannot name an image in an archive is refused with the reason."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_archive_reference(text)
    assert str(caught.value) == message


def test_archive_within() -> None:
    """A relative path is joined to a folder, an absolute one stays where it is."""
    assert str(ArchiveReference("oci-archive", "../a.tar", "1").within("x/y")) == (
        "oci-archive:x/a.tar:1"
    )
    assert str(ArchiveReference("docker-archive", "/a.tar").within("x")) == "docker-archive:/a.tar"


def test_archive_at_another_tag() -> None:
    """Another tag of the same archive keeps nothing of the digest; its name is its repository."""
    reference = ArchiveReference("oci-archive", "a.tar", "1", DIGEST)
    assert reference.with_tag("2") == ArchiveReference("oci-archive", "a.tar", "2")
    assert reference.familiar == reference.repository == "oci-archive:a.tar"


@pytest.mark.parametrize(
    ("reference", "expected"),
    [
        (LayoutReference("a/../b", "1"), "oci:b"),
        (ArchiveReference("oci-archive", "./b.tar"), "oci-archive:b.tar"),
    ],
    ids=["layout", "archive"],
)
def test_normal(reference: LocalReference, expected: str) -> None:
    """However its path is written, the same place has the same name."""
    assert reference.normal == expected


@pytest.mark.parametrize("text", ["oci:d", "oci-archive:f", "docker-archive:f"])
def test_only_image(text: str) -> None:
    """Without a tag the only image of what is on this disk is asked for."""
    assert asked_for(parse_any_reference(text)) == ""
