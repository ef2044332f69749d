"""Fields of JSON objects: their types checked, and JSON read as Go reads it."""

from typing import Any

import pytest

from mbuild.oci.fields import (
    optional,
    optional_map,
    optional_objects,
    optional_text,
    optional_texts,
    parse_list,
    parse_object,
    required_text,
)

OBJECTS = {
    "empty": (b"{}", {}),
    "white space": (b' \n{ "a" : 1 }\r\n\t', {"a": 1}),
    "unicode": ('{"é": "🐳"}'.encode(), {"é": "🐳"}),
    "escaped pair": (rb'{"a": "\ud83d\udc33"}', {"a": "🐳"}),
    "first half of a pair": (rb'{"a": "\ud83d!"}', {"a": "\ufffd!"}),
    "second half of a pair": (rb'{"a": "\uDC33"}', {"a": "\ufffd"}),
    "two first halves": (rb'{"a": "\ud83d\ud83d\udc33"}', {"a": "\ufffd🐳"}),
    "half in a key": (rb'{"\udfff": []}', {"\ufffd": []}),
    "a backslash before u": (rb'{"a": "\\ud83d"}', {"a": r"\ud83d"}),
    "a backslash before a half": (rb'{"a": "\\\ud83d"}', {"a": "\\\ufffd"}),
    "same key in other objects": (
        b'{"a": {"b": 1}, "c": {"b": 2}}',
        {"a": {"b": 1}, "c": {"b": 2}},
    ),
    "null": (b'{"a": null}', {"a": None}),
    "large number": (b'{"a": 18446744073709551616}', {"a": 18446744073709551616}),
}
NOT_OBJECTS = {
    "nothing": (b"", "not JSON: Expecting value at line 1 column 1"),
    "html": (b"<html>\n</html>", "not JSON: Expecting value at line 1 column 1"),
    "cut short": (b'{"a": {\n"b": 1', "not JSON: Expecting ',' delimiter at line 2 column 7"),
    "trailing text": (b"{} {}", "not JSON: Extra data at line 1 column 4"),
    "tab inside text": (
        b'{"a": "\t"}',
        "not JSON: Invalid control character at at line 1 column 8",
    ),
    "not a number": (b'{"a": NaN}', "not JSON: it has no NaN"),
    "infinity": (b'{"a": [-Infinity]}', "not JSON: it has no -Infinity"),
    "byte order mark": (
        b"\xef\xbb\xbf{}",
        "not JSON: Unexpected UTF-8 BOM (decode using utf-8-sig) at line 1 column 1",
    ),
    "not UTF-8": (b'{"a": "\xff"}', "not UTF-8 at byte 7"),
    "bytes of a surrogate": (b'{"a": "\xed\xa0\x80"}', "not UTF-8 at byte 7"),
    "list": (b"[]", "not a JSON object"),
    "text": (b'"{}"', "not a JSON object"),
    "null": (b"null", "not a JSON object"),
    "key twice": (b'{"a": 1, "a": 1}', "key 'a' stands twice"),
    "key twice, deep": (b'{"a": [{"b": 1, "\\u0062": 2}]}', "key 'b' stands twice"),
    "bottomless": (b'{"a": ' * 200_000, "nested too deeply"),
    "endless number": (b'{"a": 1' + b"0" * 5000 + b"}", "a number in it has too many digits"),
}


@pytest.mark.parametrize(("content", "expected"), OBJECTS.values(), ids=OBJECTS)
def test_parse_object(content: bytes, expected: dict[str, Any]) -> None:
    """A JSON object is read as Go reads it."""
    assert parse_object(content) == expected


@pytest.mark.parametrize(("content", "message"), NOT_OBJECTS.values(), ids=NOT_OBJECTS)
def test_not_an_object(content: bytes, message: str) -> None:
    """Anything else is a ValueError that says what is wrong."""
    with pytest.raises(ValueError, match=r".") as caught:
        parse_object(content)
    assert str(caught.value) == message


PRESENT = {
    "text": (optional_text({"k": "v"}, "k"), "v"),
    "text absent": (optional_text({}, "k"), ""),
    "text null": (optional_text({"k": None}, "k"), ""),
    "required text": (required_text({"k": "v"}, "k"), "v"),
    "number": (optional({"k": 0}, "k", int, -1), 0),
    "number absent": (optional({}, "k", int, -1), -1),
    "texts": (optional_texts({"k": ["a", ""]}, "k"), ("a", "")),
    "texts null": (optional_texts({"k": None}, "k"), ()),
    "map": (optional_map({"k": {"b": "1", "a": ""}}, "k"), (("b", "1"), ("a", ""))),
    "map absent": (optional_map({}, "k"), ()),
    "objects": (optional_objects({"k": [{}, {"a": 1}]}, "k"), [{}, {"a": 1}]),
    "objects null": (optional_objects({"k": None}, "k"), []),
}


@pytest.mark.parametrize(("found", "expected"), PRESENT.values(), ids=PRESENT)
def test_fields(found: object, expected: object) -> None:
    """A field is given in its type; absent and null are the same."""
    assert found == expected


WRONG = {
    "text is a number": (optional_text, 1, "'k' is not a string"),
    "required text is absent": (required_text, None, "'k' is missing"),
    "required text is empty": (required_text, "", "'k' is missing"),
    "texts are a text": (optional_texts, "a", "'k' is not a list"),
    "texts hold a number": (optional_texts, ["a", 1], "'k' is not a list of strings"),
    "map is a list": (optional_map, [], "'k' is not an object"),
    "map holds null": (optional_map, {"a": None}, "'k' is not an object of strings"),
    "objects are an object": (optional_objects, {}, "'k' is not a list"),
    "objects hold a text": (optional_objects, [{}, "a"], "'k' is not a list of objects"),
}


@pytest.mark.parametrize(("read", "value", "message"), WRONG.values(), ids=WRONG)
def test_wrong_type(read: Any, value: object, message: str) -> None:
    """A field of another type is a ValueError that names it."""
    with pytest.raises(ValueError, match=r".") as caught:
        read({"k": value}, "k")
    assert str(caught.value) == message


@pytest.mark.parametrize("value", [True, 1.0, "1"])
def test_not_a_whole_number(value: object) -> None:
    """Neither true nor 1.0 nor "1" is a whole number."""
    with pytest.raises(ValueError, match=r"^'k' is not a whole number$"):
        optional({"k": value}, "k", int, 0)


def test_lists() -> None:
    """A list is read as an object is, and nothing else is one."""
    assert parse_list(b' [1, {"a": []}] ') == [1, {"a": []}]
    assert parse_list(b"[]") == []
    for raw, message in [(b"{}", "not a JSON list"), (b"[", "not JSON: Expecting value")]:
        with pytest.raises(ValueError, match=message):
            parse_list(raw)
