"""The tree a YAML document becomes: text, lists and tables that know where they stand."""

from __future__ import annotations

import re
from typing import Self

from mbuild.spec.spec import Position


class Text(str):
    """A scalar, with the text it was written with: `1.10` is not a number, `on` no boolean.

    A `str`, so that it is compared, matched and used as a key like one.
    """

    __slots__ = ("position",)
    position: Position

    def __new__(cls, text: str, position: Position) -> Self:
        """Make a text that stands at `position`."""
        self = super().__new__(cls, text)
        self.position = position
        return self


class Null:
    """A value that is not there: nothing, `~` or `null`, unquoted."""

    __slots__ = ("position",)

    def __init__(self, position: Position) -> None:
        self.position = position


class Items(list["Node"]):
    """A list; `lost` tells whether an item was taken out because it was wrong."""

    __slots__ = ("lost", "position")

    def __init__(self, items: list[Node], position: Position, *, lost: bool = False) -> None:
        super().__init__(items)
        self.position = position
        self.lost = lost


class Table(dict[Text, "Node"]):
    """A mapping; `dropped` names the keys that were written, and reported as wrong."""

    __slots__ = ("dropped", "position")

    def __init__(
        self,
        pairs: dict[Text, Node],
        position: Position,
        dropped: frozenset[str] = frozenset(),
    ) -> None:
        super().__init__(pairs)
        self.position = position
        self.dropped = dropped

    def says(self, key: str) -> bool:
        """Tell whether `key` was written with a value, be it a wrong one."""
        return key in self.dropped or not isinstance(self.at(key), Null | None)

    def at(self, key: str) -> Node | None:
        """Give the value of `key`, or None where it is absent."""
        return self.get(key)  # type: ignore[call-overload, no-any-return]  # a Text equals its str


_UNUSABLE = re.compile("[\0\ud800-\udfff]")


def unusable_character(text: str) -> str:
    """Give the first character of `text` that no name, path or JSON can hold, or empty text."""
    found = _UNUSABLE.search(text)
    return found[0] if found else ""


def is_empty(node: Node | None) -> bool:
    """Tell whether a list or mapping was written empty, not emptied of what was wrong in it."""
    if isinstance(node, Items):
        return not (node or node.lost)
    return isinstance(node, Table) and not (node or node.dropped)


Node = Text | Null | Items | Table
