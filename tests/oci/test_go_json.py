"""JSON as Go writes it: outputs of encoding/json (Go 1.22 and later), one row each."""

from typing import Any

import pytest
from hypothesis import given

from mbuild.oci.fields import parse_object
from mbuild.oci.go_json import go_json
from tests.oci.strategies import texts

GO = {
    "text": ("it's", b'"it\'s"'),
    "html": ("<a href=x>&</a>", rb'"\u003ca href=x\u003e\u0026\u003c/a\u003e"'),
    "line separators": ("a\u2028b\u2029c", rb'"a\u2028b\u2029c"'),
    "quote and backslash": ('say "\\"', rb'"say \"\\\""'),
    "slash": ("a/b", rb'"a/b"'),
    "short escapes": ("\b\f\n\r\t", rb'"\b\f\n\r\t"'),
    "other controls": ("\x00\x01\x0b\x1b\x1f", rb'"\u0000\u0001\u000b\u001b\u001f"'),
    "delete": ("\x7f", b'"\x7f"'),
    "latin": ("é", b'"\xc3\xa9"'),
    "astral": ("\U0001f433", b'"\xf0\x9f\x90\xb3"'),
    "replacement character": ("\ufffd", b'"\xef\xbf\xbd"'),
    "number": (9223372036854775807, b"9223372036854775807"),
    "true": (True, b"true"),
    "null": (None, b"null"),
    "empty list": ([], b"[]"),
    "empty object": ({}, b"{}"),
    "list": (["a", 1], b'[\n  "a",\n  1\n]'),
    "object": ({"b": 1, "a": {"c": []}}, b'{\n  "b": 1,\n  "a": {\n    "c": []\n  }\n}'),
    "escaped key": ({"<": ""}, b'{\n  "\\u003c": ""\n}'),
}


@pytest.mark.parametrize(("value", "expected"), GO.values(), ids=GO)
def test_as_go_writes_it(value: Any, expected: bytes) -> None:
    """The bytes are those that Go writes with an indent of two spaces."""
    assert go_json(value) == expected


@pytest.mark.parametrize("value", ["\ud800", {"\udfff": 1}, float("nan"), float("inf")])
def test_what_json_cannot_say(value: Any) -> None:
    """Text that is no Unicode, and numbers that are none, are refused."""
    with pytest.raises(ValueError, match=r"surrogates not allowed|not JSON compliant"):
        go_json(value)


@given(texts(), texts())
def test_read_back(key: str, value: str) -> None:
    """Whatever the text, a reader gets back what was written."""
    assert parse_object(go_json({key: value})) == {key: value}
