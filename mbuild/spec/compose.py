"""YAML events to trees, without recursion, and never larger than what was written allows."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from mbuild.spec.problems import Problems, show
from mbuild.spec.spec import Position
from mbuild.spec.tree import Items, Node, Null, Table, Text, unusable_character

DEEPEST = 100
MOST_ALIASED = 250_000
"""So many nodes may come from aliases and merge keys, over those that are written out."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_TAGS = frozenset(
    {None, "!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"}
)


class Stop(Exception):
    """The file cannot be read further; its problem is told already."""


@dataclass(frozen=True, slots=True)
class _Anchored:
    """A node with a name: how many nodes it is, written out, and how deep."""

    node: Node
    size: int
    depth: int


@dataclass(slots=True)
class _Open:
    """A collection whose end has not come yet; a table keeps its key between two events."""

    position: Position
    is_table: bool
    anchor: str | None
    items: list[Node] = field(default_factory=list)
    pairs: dict[Text, Node] = field(default_factory=dict)
    merged: list[Node] = field(default_factory=list)
    key: Text | None = None
    key_is_merge: bool = False
    expects_key: bool = True
    size: int = 1
    depth: int = 1


class Composer:
    """Builds the documents of one file; problems that leave a tree to read do not stop it."""

    def __init__(self, file: str, problems: Problems) -> None:
        self._file = file
        self._problems = problems
        self._anchors: dict[str, _Anchored] = {}
        self._open: list[_Open] = []
        self._root: Node | None = None
        self._aliased = 0
        self.stopped = False

    def compose(self, events: Iterable[yaml.Event]) -> Iterator[Node]:
        """Give each document's tree as it ends; a fatal problem ends the file."""
        try:
            for event in events:
                self._take(event)
                if isinstance(event, yaml.DocumentEndEvent) and self._root is not None:
                    yield self._root
        except Stop:
            self.stopped = True

    def _take(self, event: yaml.Event) -> None:
        if isinstance(event, yaml.ScalarEvent):
            self._add_scalar(event)
        elif isinstance(event, yaml.CollectionStartEvent):
            self._start(event)
        elif isinstance(event, yaml.CollectionEndEvent):
            self._end()
        elif isinstance(event, yaml.AliasEvent):
            self._add_alias(event)
        elif isinstance(event, yaml.DocumentStartEvent):
            self._anchors, self._root = {}, None

    def _position(self, event: yaml.Event) -> Position:
        mark = event.start_mark
        assert mark is not None
        return Position(self._file, mark.line + 1, mark.column + 1)

    def _check_tag(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent) -> None:
        if event.tag not in _TAGS:
            tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
            message = f"tags such as {show(tag)} are not supported; write the value without it"
            self._problems.add(self._position(event), message, "yaml-tag")

    def _add_scalar(self, event: yaml.ScalarEvent) -> None:
        self._check_tag(event)
        position = self._position(event)
        is_plain = event.style is None or event.style == ""
        if character := unusable_character(event.value):
            message = f"the character {character!r} cannot be used in a spec; remove it"
            self._problems.add(position, message, "control-character")
        text = Text(event.value, position)
        node: Node = text
        if self._expects_key():
            self._set_key(text, is_merge=is_plain and text == "<<")
            self._name(event.anchor, _Anchored(text, 1, 1))
            return
        if is_plain and event.tag is None and event.value in _NULLS:
            node = Null(position)
        self._name(event.anchor, _Anchored(node, 1, 1))
        self._attach(node, size=1, depth=1)

    def _start(self, event: yaml.CollectionStartEvent) -> None:
        self._check_tag(event)
        position = self._position(event)
        is_table = isinstance(event, yaml.MappingStartEvent)
        if self._expects_key():
            message = "a key must be text; if '{' or '[' begins a text here, put it in quotes"
            self._stop(position, message, "key-not-text")
        if len(self._open) >= DEEPEST:
            self._stop(position, f"nested more than {DEEPEST} deep", "too-deep")
        if event.anchor:
            self._anchors.pop(event.anchor, None)
        self._open.append(_Open(position, is_table, event.anchor))

    def _end(self) -> None:
        frame = self._open.pop()
        node: Node
        if frame.is_table:
            node = Table(self._merge(frame), frame.position)
        else:
            node = Items(frame.items, frame.position)
        self._name(frame.anchor, _Anchored(node, frame.size, frame.depth))
        self._attach(node, frame.size, frame.depth)

    def _add_alias(self, event: yaml.AliasEvent) -> None:
        position, name = self._position(event), str(event.anchor)
        anchored = self._anchors.get(name)
        if anchored is None:
            if any(frame.anchor == name for frame in self._open):
                message = f"the alias {show('*' + name)} stands inside what it names"
                self._stop(position, message, "alias-recursive")
            self._stop(position, f"no anchor {show('&' + name)} comes before this alias", "alias")
        self._aliased += anchored.size
        if self._aliased > MOST_ALIASED:
            message = (
                f"aliases stand for more than {MOST_ALIASED:,} values up to {show('*' + name)}"
            )
            self._stop(position, message, "alias-bomb")
        if self._expects_key():
            if not isinstance(anchored.node, Text):
                self._stop(position, "a key must be text", "key-not-text")
            self._set_key(Text(anchored.node, position), is_merge=False)
            return
        if len(self._open) + anchored.depth > DEEPEST + 1:
            self._stop(position, f"nested more than {DEEPEST} deep", "too-deep")
        self._attach(anchored.node, anchored.size, anchored.depth)

    def _expects_key(self) -> bool:
        return bool(self._open) and self._open[-1].is_table and self._open[-1].expects_key

    def _set_key(self, key: Text, *, is_merge: bool) -> None:
        frame = self._open[-1]
        frame.key, frame.key_is_merge, frame.expects_key = key, is_merge, False

    def _attach(self, node: Node, size: int, depth: int) -> None:
        if not self._open:
            self._root = node
            return
        frame = self._open[-1]
        frame.size += size
        frame.depth = max(frame.depth, depth + 1)
        if not frame.is_table:
            frame.items.append(node)
        else:
            frame.expects_key = True
            self._add_pair(frame, node)

    def _add_pair(self, frame: _Open, node: Node) -> None:
        key = frame.key
        assert key is not None
        if frame.key_is_merge:
            frame.merged.append(node)
        elif key in frame.pairs:
            first = next(known for known in frame.pairs if known == key).position
            message = f"key {show(key)} stands twice in one mapping, first at {first}; take one out"
            self._problems.add(key.position, message, "duplicate-key")
        else:
            frame.pairs[key] = node

    def _merge(self, frame: _Open) -> dict[Text, Node]:
        """Put merged keys before the written ones, which win; of several tables the first wins."""
        pairs: dict[Text, Node] = {}
        for merged in frame.merged:
            for table in merged if isinstance(merged, Items) else [merged]:
                if isinstance(table, Table):
                    for key, node in table.items():
                        pairs.setdefault(key, node)
                else:
                    message = "'<<' takes a mapping, or a list of mappings"
                    self._problems.add(frame.position, message, "merge-key")
        written = {key: node for key, node in pairs.items() if key not in frame.pairs}
        return written | frame.pairs

    def _name(self, anchor: str | None, anchored: _Anchored) -> None:
        if anchor:
            self._anchors[anchor] = anchored

    def _stop(self, position: Position, message: str, code: str) -> NoReturn:
        self._problems.add(position, message, code)
        raise Stop
