"""The JSON Schema: complete, and it accepts what the parser accepts."""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest
import yaml

from mbuild.spec.entry_model import keys_of
from mbuild.spec.model import DocumentShape
from mbuild.spec.schema import DIALECT, json_schema
from tests.spec import test_docs, test_entries, test_records, test_structure

TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "boolean": bool,
    "null": type(None),
    "array": list,
    "object": dict,
}


@cache
def schema() -> dict[str, Any]:
    """The schema under test."""
    return json_schema()


def accepts(part: Any, value: Any) -> bool:
    """Whether a value fits: the keywords of JSON Schema that this schema uses, and no others."""
    if isinstance(part, bool):
        return part
    if "$ref" in part and not accepts(schema()["$defs"][part["$ref"].rpartition("/")[2]], value):
        return False
    words = part.get("type", [])
    types = [TYPES[word] for word in ([words] if isinstance(words, str) else words)]
    return (
        (not types or any(isinstance(value, kind) for kind in types))
        and ("enum" not in part or value in part["enum"])
        and ("pattern" not in part or bool(re.search(part["pattern"], value)))
        and ("anyOf" not in part or any(accepts(one, value) for one in part["anyOf"]))
        and ("oneOf" not in part or sum(accepts(one, value) for one in part["oneOf"]) == 1)
        and ("items" not in part or all(accepts(part["items"], item) for item in value))
        and (not isinstance(value, dict) or accepts_keys(part, value))
    )


def accepts_keys(part: dict[str, Any], value: dict[str, Any]) -> bool:
    """Whether an object has the keys it needs, and only such as it may have."""
    fitting = []
    for key, item in value.items():
        known = [part["properties"][key]] if key in part.get("properties", {}) else []
        known += [
            it for words, it in part.get("patternProperties", {}).items() if re.search(words, key)
        ]
        known = known or [part.get("additionalProperties", True)]
        fitting += [accepts(one, item) for one in known]
    return all(fitting) and set(part.get("required", [])) <= value.keys()


def descriptions(part: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Every key of every mapping, with what the schema says of it."""
    if isinstance(part, dict):
        for key, field in part.get("properties", {}).items():
            yield f"{path}.{key}", field.get("description", "")
        for key, inner in part.items():
            yield from descriptions(inner, f"{path}.{key}")


def test_what_it_calls_itself() -> None:
    """A draft 2020-12 schema, with a title."""
    assert schema()["$schema"] == DIALECT
    assert schema()["title"] == "mbuild spec"


def test_every_key_is_explained() -> None:
    """An editor has something to show for each."""
    silent = [name for name, text in descriptions(schema()) if not text]
    assert silent == []
    assert set(schema()["properties"]) == set(keys_of(DocumentShape))


@pytest.mark.parametrize("text", test_docs.examples())
def test_it_accepts_the_examples(text: str) -> None:
    """Every spec of the documentation, as another YAML reader understands it."""
    for document in yaml.safe_load_all(text):
        assert accepts(schema(), document)


FORMS = {name: case[0] for name, case in [*test_entries.FORMS.items(), *test_records.FORMS.items()]}


@pytest.mark.parametrize("text", FORMS.values(), ids=FORMS)
def test_it_accepts_every_form(text: str) -> None:
    """Numbers where a text is meant, too."""
    assert accepts(schema(), {"image": "app", "tags": [1.10, "a"], **yaml.safe_load(text)})


def test_variables_stand_for_words() -> None:
    """A word that a variable gives is none the schema could judge."""
    assert accepts(schema(), {"format": "${FORMAT:-auto}"})
    assert not accepts(schema(), {"format": "dockr"})
    assert accepts(schema(), {"sources": [{"image": "a", "optional": "${MAY:-true}"}]})
    assert not accepts(schema(), {"sources": [{"image": "a", "optional": "yes"}]})


REFUSED = {
    name: case[0]
    for name, case in test_structure.BROKEN.items()
    if name not in {"tag is nothing", "images is empty", "images is nothing", "optional"}
} | {
    name: "image: app\n" + test_records.BROKEN[name][0]
    for name in (
        *("a list of files", "misspelt", "unknown key beside it", "digests without a folder"),
        *("key of another form beside it", "digests as a text", "key of digests"),
    )
}


@pytest.mark.parametrize("text", REFUSED.values(), ids=REFUSED)
def test_it_refuses_wrong_keys_and_types(text: str) -> None:
    """What the parser calls a wrong key or type, the schema does too."""
    assert not accepts(schema(), yaml.safe_load(text))
