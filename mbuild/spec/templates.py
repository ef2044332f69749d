"""Templates of sources: `{os} {arch} {variant} {tag}`, or the words OS, ARCH and VARIANT."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

from mbuild.oci.platform import Platform
from mbuild.spec.problems import did_you_mean, show
from mbuild.spec.tree import Text

NO_MORE: Mapping[str, str] = MappingProxyType({})
WORDS = ("os", "arch", "variant", "tag")
_BRACES = re.compile(r"\{([^{}]*)\}")
_CAPITALS = re.compile("OS|ARCH|VARIANT")


def has_words(template: str) -> bool:
    """Tell whether anything in `template` differs by platform."""
    return bool(_BRACES.search(template) or _CAPITALS.search(template))


def words_in(template: str) -> frozenset[str]:
    """Give the words in braces."""
    return frozenset(found[1] for found in _BRACES.finditer(template))


def check_template(template: Text, words: Sequence[str] = WORDS) -> Text:
    """Give the template back; raises ValueError for a word in braces that none has."""
    for found in _BRACES.finditer(template):
        if found[1] not in words:
            known = ", ".join(f"{{{word}}}" for word in words)
            meant = did_you_mean(found[1], words) or f"; a template knows {known}"
            raise ValueError(f"unknown word {show(found[0])} in the template{meant}")
    return template


def expand(
    template: str, platform: Platform, tag: str, further: Mapping[str, str] = NO_MORE
) -> str:
    """Fill in a checked template; capitals stand for themselves where braces are used.

    `further` are words beside the usual ones.
    """
    values = {
        "os": platform.os,
        "arch": platform.architecture,
        "variant": platform.variant,
        "tag": tag,
        **further,
    }
    if _BRACES.search(template):
        return _BRACES.sub(lambda found: values[found[1]], template)
    return _CAPITALS.sub(lambda found: values[found[0].lower()], template)
