"""Fields of a JSON object, read with their type checked and the field named when it is wrong."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

_HEX = "[0-9a-fA-F]"
_ESCAPES = re.compile(
    rf"\\u[dD][89abAB]{_HEX}{{2}}\\u[dD][c-fC-F]{_HEX}{{2}}"  # a pair: one character
    rf"|(\\u[dD][89a-fA-F]{_HEX}{{2}})"  # half a pair: none
    r"|\\.",
    re.DOTALL,
)


def parse_object(content: bytes) -> Mapping[str, Any]:
    """Parse UTF-8 JSON that must be an object.

    Raises ValueError for anything else, duplicate keys and bottomless nesting included:
    two readers that keep different values of one key would see two different images. An
    escape that is half of a UTF-16 pair becomes U+FFFD, as Go reads it.
    """
    value = _parse(content)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return value


def parse_list(content: bytes) -> list[Any]:
    """Parse UTF-8 JSON that must be a list; raises ValueError as `parse_object` does."""
    value = _parse(content)
    if not isinstance(value, list):
        raise ValueError("not a JSON list")
    return value


def _parse(content: bytes) -> Any:
    try:
        text = _ESCAPES.sub(lambda found: r"\ufffd" if found[1] else found[0], content.decode())
        return json.loads(text, object_pairs_hook=_unique, parse_constant=_refuse)
    except UnicodeDecodeError as error:
        raise ValueError(f"not UTF-8 at byte {error.start}") from None
    except json.JSONDecodeError as error:
        where = f"line {error.lineno} column {error.colno}"
        raise ValueError(f"not JSON: {error.msg} at {where}") from None
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except _Unfit:
        raise
    except ValueError:  # Python's own words are about Python
        raise ValueError("a number in it has too many digits") from None


class _Unfit(ValueError):
    """What is JSON to others, and is refused here."""


def _refuse(name: str) -> None:
    raise _Unfit(f"not JSON: it has no {name}")


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise _Unfit(f"key {key!r} stands twice")
        result[key] = value
    return result


def optional(data: Mapping[str, Any], key: str, kind: type, otherwise: Any) -> Any:
    """Give `data[key]`, or `otherwise` where it is absent or null; ValueError if not a `kind`."""
    value = data.get(key)
    if value is None:
        return otherwise
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise ValueError(f"{key!r} is not {_NAMES[kind]}")
    return value


_NAMES = {str: "a string", int: "a whole number", list: "a list", dict: "an object"}


def optional_text(data: Mapping[str, Any], key: str) -> str:
    """Give a string field, or empty text where it is absent."""
    return str(optional(data, key, str, ""))


def required_text(data: Mapping[str, Any], key: str) -> str:
    """Give a string field that must be there and not empty."""
    value = optional_text(data, key)
    if not value:
        raise ValueError(f"{key!r} is missing")
    return value


def optional_texts(data: Mapping[str, Any], key: str) -> tuple[str, ...]:
    """Give a list of strings, empty where it is absent."""
    values = optional(data, key, list, [])
    if not all(isinstance(value, str) for value in values):
        raise ValueError(f"{key!r} is not a list of strings")
    return tuple(values)


def optional_map(data: Mapping[str, Any], key: str) -> tuple[tuple[str, str], ...]:
    """Give an object of strings as pairs in their order, empty where it is absent."""
    values = optional(data, key, dict, {})
    if not all(isinstance(value, str) for value in values.values()):
        raise ValueError(f"{key!r} is not an object of strings")
    return tuple(values.items())


def optional_objects(data: Mapping[str, Any], key: str) -> list[Mapping[str, Any]]:
    """Give a list of objects, empty where it is absent."""
    values = optional(data, key, list, [])
    if not all(isinstance(value, dict) for value in values):
        raise ValueError(f"{key!r} is not a list of objects")
    return list(values)
