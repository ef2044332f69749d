"""Which entry of an index is taken for a platform."""

from dataclasses import replace

import pytest

from mbuild.errors import ImageMismatch
from mbuild.oci.descriptor import ZSTD, Descriptor
from mbuild.oci.digest import digest_of
from mbuild.oci.index import Index
from mbuild.oci.media_types import OCI_INDEX, OCI_MANIFEST
from mbuild.oci.platform import Platform, parse_platform
from mbuild.publish.read.choose import choose_entry


def listed(text: str, number: int = 0, *features: str) -> Descriptor:
    """An entry for a platform; `-` names none."""
    platform = (
        None
        if text == "-"
        else parse_platform(text)
        if text != "?"
        else Platform("unknown", "unknown")
    )
    if platform:
        platform = replace(platform, os_features=features)
    return Descriptor(OCI_MANIFEST, digest_of(f"{text} {number}".encode()), 7, platform)


def index(*entries: str) -> Index:
    """An index of entries, numbered so that equal ones have different digests."""
    return Index(OCI_INDEX, tuple(listed(text, number) for number, text in enumerate(entries)))


CHOSEN = [
    (("linux/amd64", "linux/arm64"), "linux/arm64", 1),
    (("linux/amd64", "linux/arm64/v8"), "linux/arm64", 1),
    (("linux/arm/v6", "linux/arm/v7"), "linux/arm", 1),
    (("linux/arm/v6", "linux/arm"), "linux/arm/v7", 1),
    (("linux/amd64", "linux/amd64/v3"), "linux/amd64", 0),
    (("linux/amd64", "linux/amd64/v3"), "linux/amd64/v3", 1),
    (("linux/amd64", "linux/amd64"), "linux/amd64", 0),
    (("windows/amd64:10.0.1", "windows/amd64:10.0.2"), "windows/amd64:10.0.2", 1),
    (("windows/amd64:10.0.1", "linux/amd64"), "windows/amd64", 0),
    (("-",), "linux/amd64", 0),
    (("linux/arm/v6", "linux/arm64"), "linux/arm64/v8", 1),
    (("linux/arm/v6",), "linux/arm/v6", 0),
    (("-", "linux/amd64"), "linux/amd64", 1),
]


@pytest.mark.parametrize(
    ("entries", "platform", "expected"),
    CHOSEN,
    ids=[f"{p} of {' '.join(e)}" for e, p, _ in CHOSEN],
)
def test_chosen(entries: tuple[str, ...], platform: str, expected: int) -> None:
    """The entry for the platform is taken, as the spec means it."""
    given = index(*entries)
    assert choose_entry(given, parse_platform(platform)) == given.manifests[expected]


REFUSED = [
    (
        ("linux/amd64", "?"),
        "linux/arm64",
        (
            "it is an index without linux/arm64; it holds linux/amd64; "
            "name another platform or another image"
        ),
    ),
    (
        ("linux/amd64/v3", "-"),
        "linux/amd64",
        (
            "it is an index without linux/amd64; it holds linux/amd64/v3, an entry without platform; "
            "name another platform or another image"
        ),
    ),
    (
        ("windows/amd64:10.0.1", "windows/amd64:10.0.2"),
        "windows/amd64",
        (
            "it is an index with several images for windows/amd64: windows/amd64:10.0.1, "
            "windows/amd64:10.0.2; say which with os.version, or name the image by its digest"
        ),
    ),
    (
        ("windows/amd64",),
        "windows/amd64:10.0.1",
        (
            "it is an index without windows/amd64:10.0.1; it holds windows/amd64; "
            "name another platform or another image"
        ),
    ),
    (("?",), "linux/amd64", "it is an index without an image in it; build it again"),
    ((), "linux/amd64", "it is an index without an image in it; build it again"),
    (
        ("linux/arm/v6",),
        "linux/arm/v7",
        (
            "it is an index without linux/arm/v7; it holds linux/arm/v6; "
            "name another platform or another image"
        ),
    ),
]


@pytest.mark.parametrize(
    ("entries", "platform", "message"),
    REFUSED,
    ids=[f"{p} of {' '.join(e)}" for e, p, _ in REFUSED],
)
def test_refused(entries: tuple[str, ...], platform: str, message: str) -> None:
    """Where none or more than one would do, the message names what is there."""
    with pytest.raises(ImageMismatch) as raised:
        choose_entry(index(*entries), parse_platform(platform))
    assert str(raised.value) == message


def test_features() -> None:
    """An entry has all the features that the spec asks for, and may have more."""
    plain, full = listed("windows/amd64", 0), listed("windows/amd64", 1, "win32k", "other")
    given = Index(OCI_INDEX, (plain, full))
    wanted = replace(parse_platform("windows/amd64"), os_features=("win32k",))
    assert choose_entry(given, wanted) == full
    assert choose_entry(given, parse_platform("windows/amd64")) == plain


@pytest.mark.parametrize(
    ("marks", "is_zstd", "expected"),
    [
        ((False, True), False, 0),
        ((False, True), True, 1),
        ((True, False), False, 1),
        ((True,), False, 0),
        ((False,), True, 0),
    ],
    ids=["gzip", "zstd", "gzip behind zstd", "only zstd", "only gzip"],
)
def test_zstd_twin(marks: tuple[bool, ...], is_zstd: bool, expected: int) -> None:
    """Of two that differ in compression the zstd one is taken where the spec's entry is marked."""
    entries = [
        replace(listed("linux/amd64", number), annotations=((ZSTD, "true"),) if mark else ())
        for number, mark in enumerate(marks)
    ]
    given = Index(OCI_INDEX, tuple(entries))
    wanted = parse_platform("linux/amd64")
    assert choose_entry(given, wanted, is_zstd=is_zstd) == entries[expected]


@pytest.mark.parametrize("text", ["linux/amd64", "-"], ids=["with a platform", "without"])
def test_not_an_artifact(text: str) -> None:
    """An artifact beside an image is not taken for it, whatever platform it is listed with."""
    artifact = replace(listed(text, 1), artifact_type="application/vnd.example.sbom")
    image = listed(text, 2)
    chosen = choose_entry(Index(OCI_INDEX, (artifact, image)), parse_platform("linux/amd64"))
    assert chosen == image
