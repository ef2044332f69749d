"""JSON text byte for byte as Go's encoding/json writes it, since digests are of bytes."""

from __future__ import annotations

import json
from typing import Any

_ESCAPES = str.maketrans(
    {
        "<": "\\u003c",
        ">": "\\u003e",
        "&": "\\u0026",
        "\u2028": "\\u2028",
        "\u2029": "\\u2029",
    }
)


def go_json(value: Any) -> bytes:
    """Write `value` as UTF-8 JSON: two-space indent, keys in their order, no final newline.

    `<`, `>`, `&`, U+2028 and U+2029 are escaped as Go escapes them. These characters only
    ever stand inside strings, so escaping the finished text is exact. Raises ValueError for
    text that is not valid Unicode (lone surrogates).
    """
    return _encoded(json.dumps(value, ensure_ascii=False, indent=2, allow_nan=False))


def compact_go_json(value: Any) -> bytes:
    """Write the same without any white space between the parts."""
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return _encoded(text)


def _encoded(text: str) -> bytes:
    return text.translate(_ESCAPES).encode()
