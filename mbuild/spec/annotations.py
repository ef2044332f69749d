"""Annotations of a spec: their keys checked, sorted as the index has them."""

from __future__ import annotations

import re
from collections.abc import Mapping

from mbuild.oci.descriptor import Annotations, make_annotations
from mbuild.spec.problems import Problems, show
from mbuild.spec.tree import Text

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")


def read_annotations(pairs: Mapping[Text, Text] | None, problems: Problems) -> Annotations:
    """Give annotations sorted by key; a key that is empty or not printable is a problem."""
    usable = {}
    for key, value in (pairs or {}).items():
        if not key or _CONTROL.search(key):
            message = f"{show(key)} cannot be an annotation's key; write it like org.example.key"
            problems.add(key.position, message, "bad-annotation")
        else:
            usable[str(key)] = str(value)
    return make_annotations(usable)
