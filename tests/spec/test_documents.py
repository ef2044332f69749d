"""Bytes of a file: encodings, sizes, syntax, and what is told of each."""

import pytest
import yaml

from mbuild.errors import SpecError
from mbuild.spec import documents
from mbuild.spec.parse import SpecText, parse_spec
from tests.spec.reading import complaints, read

GOOD = "image: app:1\nsources: [app:a]\n"

BROKEN = {
    "empty": (b"", "m.yaml: the spec is empty; it needs at least 'image'"),
    "comment only": (b"# nothing\n", "m.yaml: the spec is empty; it needs at least 'image'"),
    "empty document": (b"---\n", "m.yaml: the spec is empty; it needs at least 'image'"),
    "latin-1": (
        b"image: a\nx-b: \xc3\xa9\xe9",
        "m.yaml:2:7: byte 16 (0xe9) is not UTF-8; save it as UTF-8",
    ),
    "utf-16": ("image: a".encode("utf-16"), "m.yaml:1:1: the file is UTF-16; save it as UTF-8"),
    "utf-16 big endian": (
        b"\xfe\xff\x00a",
        "m.yaml:1:1: the file is UTF-16; save it as UTF-8",
    ),
    "NUL": (
        b"image: a\nb: \x00",
        "m.yaml:2:4: the character '\\x00' cannot stand in YAML; remove it",
    ),
    "escape character": (
        b"image: \x1b[0m",
        "m.yaml:1:8: the character '\\x1b' cannot stand in YAML; remove it",
    ),
    "tab before a key": (
        b"platforms:\n\tlinux/amd64: a\n",
        "m.yaml:2:1: not YAML: a tab cannot indent in YAML; use spaces",
    ),
    "tab after spaces": (
        b"platforms:\n  linux/amd64: a\n  \tlinux/arm64: b\n",
        "m.yaml:3:3: not YAML: a tab cannot indent in YAML; use spaces",
    ),
    "two colons": (
        b"image: a: b\n",
        (
            "m.yaml:1:9: not YAML: ': ' where no key can be; put the text in quotes, or indent the "
            "key as those beside it"
        ),
    ),
    "at sign": (
        b"image: @a\n",
        "m.yaml:1:8: not YAML: no value can begin with '@'; put it in quotes",
    ),
    "open list": (
        b"image: a\ntags: [a, b\n",
        (
            "m.yaml:3:1: not YAML: a list opened with '[' goes on without ',' or ']' "
            "(it begins at line 2)"
        ),
    ),
    "open mapping": (
        b"annotations: {a: b\n",
        (
            "m.yaml:2:1: not YAML: a mapping opened with '{' goes on without ',' or '}' "
            "(it begins at line 1)"
        ),
    ),
    "open quote": (
        b"image: 'a\n",
        "m.yaml:2:1: not YAML: a quote is opened and never closed (it begins at line 1)",
    ),
    "key in a list": (
        b"- a\nimage: b\n",
        (
            "m.yaml:2:1: not YAML: no '- ' here, as the items above in this list have "
            "(it begins at line 1)"
        ),
    ),
    "no colon": (
        b"image: a\ntags\nsources: [a]\n",
        "m.yaml:3:1: not YAML: a key without ': ' behind it (it begins at line 2)",
    ),
    "less indented": (
        b"  image: a\n tags: [b]\n",
        "m.yaml:2:2: not YAML: less indented than the lines above it",
    ),
    "between two indents": (
        b"platforms:\n    a: b\n  c: d\n",
        (
            "m.yaml:3:3: not YAML: no 'key: value' here; either it is indented otherwise than the "
            "keys above, or a quote is missing (it begins at line 1)"
        ),
    ),
    "bad escape": (
        b'image: "\\q"\n',
        (
            "m.yaml:1:9: not YAML: a backslash in double quotes begins no escape of YAML's; "
            "use single quotes"
        ),
    ),
    "other version": (
        b"%YAML 3.0\n---\nimage: a\n",
        "m.yaml:1:1: not YAML: the %YAML directive asks for another version than 1.1 or 1.2",
    ),
}


@pytest.mark.parametrize(("content", "message"), BROKEN.values(), ids=BROKEN)
def test_what_is_not_yaml_is_told_in_one_line(content: bytes, message: str) -> None:
    """Each hazard of the format has a place and a sentence for a person."""
    assert complaints(content) == [message]


@pytest.mark.parametrize(
    "content",
    [
        b"\xef\xbb\xbf" + GOOD.encode(),
        GOOD.replace("\n", "\r\n").encode(),
        b"%YAML 1.2\n---\n" + GOOD.encode(),
        b"---\n---\n" + GOOD.encode() + b"...\n---\n",
    ],
    ids=["BOM", "CRLF", "directive", "empty documents beside"],
)
def test_what_editors_write_is_read(content: bytes) -> None:
    """A byte order mark, DOS line ends, directives and empty documents change nothing."""
    assert len(read(content).targets) == 1


def test_files_have_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file over the limit is refused before it is looked at."""
    assert documents.MOST_BYTES == 16 * 1024 * 1024
    monkeypatch.setattr(documents, "MOST_BYTES", 1024 * 1024)
    message = "m.yaml: the file is larger than 1 MiB"
    assert complaints(b"#" * (1024 * 1024 + 1)) == [message]
    assert complaints(b"#" * (1024 * 1024)) != [message]


def test_a_file_that_cannot_be_read_to_its_end_is_not_judged_further() -> None:
    """A document that a syntax error cuts short gives no follow-on noise."""
    assert complaints("imag: a\n---\nb: [\n") == [
        "m.yaml:4:1: not YAML: a value is missing, or a '[' or '{' is never closed"
    ]


def test_an_error_without_a_place_is_told_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    """The pure Python parser raises plain ValueErrors for some escapes."""

    def explode(*_: object, **__: object) -> object:
        raise ValueError("chr() arg not in range")

    monkeypatch.setattr(yaml, "parse", explode)
    assert complaints("image: a") == ["m.yaml: not YAML: 'chr() arg not in range'"]


def test_problems_of_all_files_come_in_the_order_of_the_files() -> None:
    """Several files are read to their end, and each message names its own."""
    texts = [
        SpecText("z.yaml", b"", ""),
        SpecText("<stdin>", b"- a", ""),
        SpecText("a.yaml", b"", ""),
    ]
    with pytest.raises(SpecError) as caught:
        parse_spec(texts, variables={})
    assert str(caught.value).splitlines() == [
        "z.yaml: the spec is empty; it needs at least 'image'",
        "<stdin>:1:1: a spec must be a mapping of keys such as 'image', not a list",
        "a.yaml: the spec is empty; it needs at least 'image'",
    ]
