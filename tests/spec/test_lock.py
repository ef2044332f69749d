"""A lock's file: bytes that are the same for the same sources, and every fault with its place."""

import json
from textwrap import dedent

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mbuild.errors import SpecError
from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import digest_of
from mbuild.oci.media_types import OCI_INDEX, OCI_MANIFEST
from mbuild.spec.lock import Locked, parse_lock, to_bytes

DIGEST = digest_of(b"image")
AMD64 = Locked("registry.test/app:amd64", Descriptor(OCI_MANIFEST, DIGEST, 1210))
ABSENT = Locked("registry.test/app:s390x", None)
NAMES = st.lists(
    st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), min_size=1), unique=True
)


def complaints(text: str) -> list[str]:
    """What is said of a lock called `l.json`."""
    with pytest.raises(SpecError) as caught:
        parse_lock("l.json", dedent(text).encode())
    return str(caught.value).splitlines()


def test_bytes() -> None:
    """A lock is JSON, sorted by name, a value a line, with a newline at the end."""
    text = to_bytes([ABSENT, AMD64]).decode()
    assert text == dedent(f"""\
        {{
          "version": 1,
          "sources": [
            {{
              "image": "registry.test/app:amd64",
              "digest": "{DIGEST}",
              "size": 1210,
              "mediaType": "{OCI_MANIFEST}"
            }},
            {{
              "image": "registry.test/app:s390x",
              "absent": true
            }}
          ]
        }}
    """)
    assert to_bytes([AMD64, ABSENT]).decode() == text


def test_read_back() -> None:
    """What was written is read, each source with its place in the file."""
    lock = parse_lock("l.json", to_bytes([ABSENT, AMD64]))
    assert [(one.image, one.descriptor) for one in lock.sources] == [
        (AMD64.image, AMD64.descriptor),
        (ABSENT.image, None),
    ]
    assert [str(one.position) for one in lock.sources] == ["l.json:4:5", "l.json:10:5"]
    assert parse_lock("l.json", to_bytes([])).sources == ()


@settings(deadline=None)
@given(names=NAMES, size=st.integers(0, 10**15 - 1))
def test_any_sources_are_read_back(names: list[str], size: int) -> None:
    """Whatever a source is called, it is read back as it was written."""
    held = Descriptor(OCI_INDEX, DIGEST, size)
    named = [name.replace("@", "") or "x" for name in names]
    sources = [Locked(name, held) for name in dict.fromkeys(named)]
    lock = parse_lock("l", to_bytes(sources))
    assert sorted((it.image, it.descriptor) for it in lock.sources if it.descriptor) == sorted(
        (it.image, held) for it in sources
    )


def test_yaml() -> None:
    """A lock may be YAML too."""
    text = f"version: 1\nsources: [{{image: 'a', digest: '{DIGEST}', size: 2, mediaType: m}}]\n"
    (source,) = parse_lock("l.yaml", text.encode()).sources
    assert (source.image, source.descriptor) == ("a", Descriptor("m", DIGEST, 2))


FAULTS = [
    ("empty", "", ["l.json: the lock is empty"]),
    ("comment", "# nothing", ["l.json: the lock is empty"]),
    ("cut short", '{"version": 1,', ["l.json:2:1: not YAML: a value is missing, or a '[' or '{' is never closed"]),
    ("list", "[]", ["l.json:1:1: a lock is a mapping, as mbuild lock writes it"]),
    ("two", "version: 1\nsources: []\n---\nversion: 1", ["l.json:4:1: a lock is one document"]),
    ("no version", "sources: []", ["l.json:1:1: the lock is without a version, and this mbuild reads version 1; lock again"]),
    ("another version", "{version: 2, more: 1}", ["l.json:1:11: the lock is version '2', and this mbuild reads version 1; lock again"]),
    ("version of a kind", "version: []", ["l.json:1:10: the lock is without a version, and this mbuild reads version 1; lock again"]),
    ("no sources", "version: 1", ["l.json:1:1: 'sources' must be a list"]),
    ("sources of a kind", "{version: 1, sources: all}", ["l.json:1:23: 'sources' must be a list"]),
    ("unknown key", "{version: 1, sources: [], source: 1}", ["l.json:1:27: unknown key 'source'; did you mean 'sources'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [one[1:] for one in FAULTS], ids=[one[0] for one in FAULTS])  # fmt: skip
def test_broken(text: str, expected: list[str]) -> None:
    """A file that is no lock is refused, with the place."""
    assert complaints(text) == expected


def source(**changes: str | int | bool | None) -> str:
    """A lock of one source with some values changed; None leaves a key out."""
    value = {"image": "a:1", "digest": str(DIGEST), "size": 2, "mediaType": "m", **changes}
    kept = {key: it for key, it in value.items() if it is not None}
    return json.dumps({"version": 1, "sources": [kept]})


ABSENCE = "'absent' can only be true, and stands beside 'image' alone"
BAD_SOURCES = [
    ("no mapping", '{"version": 1, "sources": ["a:1"]}', ["a source of a lock is a mapping of image, digest, size and mediaType"]),
    ("no image", source(image=None), ["the source has no 'image'"]),
    ("empty image", source(image=""), ["the source has no 'image'"]),
    ("nameless absence", '{"version": 1, "sources": [{"absent": true}]}', ["the source has no 'image'"]),
    ("nothing", '{"version": 1, "sources": [{}]}', ["the source has no 'digest'", "the source has no 'image'", "the source has no 'mediaType'", "the source has no 'size'"]),
    ("digest", source(digest="sha256:0"), ["'sha256:0' is not a digest: it must look like sha256: and 64 hex digits"]),
    ("no digest", source(digest=None), ["the source has no 'digest'"]),
    ("size", source(size=-1), ["'size' is '-1', not a number of bytes"]),
    ("no type", source(mediaType=None), ["the source has no 'mediaType'"]),
    ("not absent", '{"version": 1, "sources": [{"image": "a", "absent": false}]}', [ABSENCE]),
    ("absent and there", source(absent=True), [ABSENCE]),
    ("another digest", source(image=f"a@{digest_of(b'')}"), [f"the image is named by another digest than {DIGEST}"]),
    ("unknown key", source(sise=1), ["unknown key 'sise'; did you mean 'size'?"]),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), [one[1:] for one in BAD_SOURCES], ids=[one[0] for one in BAD_SOURCES])  # fmt: skip
def test_bad_source(text: str, expected: list[str]) -> None:
    """Whatever is wrong with a source is told."""
    assert sorted(line.partition(": ")[2] for line in complaints(text)) == expected


def test_locked_twice() -> None:
    """A source stands in a lock once."""
    lines = complaints(
        "{version: 1, sources: [{image: a, absent: true}, {image: a, absent: true}]}"
    )
    assert lines == ["l.json:1:50: 'a' is locked already at l.json:1:24; keep one"]
