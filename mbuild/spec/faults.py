"""What pydantic found wrong with a tree: told in the words of the spec, and cut out of it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from pydantic_core import ErrorDetails

from mbuild.spec.entry_model import (
    DigestsShape,
    LongEntry,
    LongSource,
    ManifestShape,
    MetadataEntry,
    MetadataManifest,
    MetadataSource,
    PlatformShape,
    Shape,
    keys_of,
)
from mbuild.spec.problems import Problems, did_you_mean, nearest, show
from mbuild.spec.spec import Position
from mbuild.spec.tree import Items, Node, Null, Table, Text

Path = tuple[str | int, ...]
"""Keys and list indices from the top of a tree to one of its nodes."""

UNKNOWN_KEY = "extra_forbidden"
MISSING_KEY = "missing"

_SHAPES: Mapping[str, type[Shape]] = {
    "platforms": LongEntry,
    "sources": LongSource,
    "manifests": ManifestShape,
    "platform": PlatformShape,
    "digests": DigestsShape,
}
_METADATA_SHAPES: Mapping[type[Shape], type[Shape]] = {
    LongEntry: MetadataEntry,
    LongSource: MetadataSource,
    ManifestShape: MetadataManifest,
}
_INSTEAD = {"image": "metadata"}
"""A key that may be missing where another one stands."""
_MESSAGES = {
    "is_instance_of": "must be one text",
    "list_type": "must be a list",
    "dict_type": "must be a mapping",
    "model_type": "must be a mapping",
    "boolean": "must be true or false",
}
_USELESS = {"features": "; no client looks at CPU features, leave it out"}


@dataclass(frozen=True, slots=True)
class Fault:
    """One error of pydantic's; `path` leads to what is cut out of `tree` for it."""

    detail: ErrorDetails
    path: Path
    tree: Table
    shape: type[Shape]

    @property
    def kind(self) -> str:
        """Give pydantic's word for it."""
        return self.detail["type"]

    @property
    def key(self) -> str:
        """Give the key that is unknown or missing."""
        return str(self.detail["loc"][-1])

    @property
    def holder(self) -> Path:
        """Give the path to the mapping whose key is unknown or missing."""
        return self.path[:-1] if self.kind == UNKNOWN_KEY else self.path

    @property
    def meant(self) -> str:
        """Give the known key that an unknown one most likely stands for, or empty text."""
        return nearest(self.key, self.known_keys)

    @property
    def known_keys(self) -> tuple[str, ...]:
        """Give the keys that may stand where the fault is."""
        words = [word for word in self.path[:-1] if word in _SHAPES]
        shape = _SHAPES[str(words[-1])] if words else self.shape
        holder = _node_at(self.tree, self.holder)
        if isinstance(holder, Table) and holder.says("metadata"):
            shape = _METADATA_SHAPES.get(shape, shape)
        return _known_keys(shape)


@cache
def _known_keys(shape: type[Shape]) -> tuple[str, ...]:
    others = {"metadata"} if shape in _METADATA_SHAPES else set()
    return tuple(sorted(keys_of(shape).keys() | others))


def path_of(tree: Node, detail: ErrorDetails) -> Path:
    """Give the path to what an error is about; pydantic's location names union members too.

    Of a missing key it is the mapping that lacks it, though it may stand there without a value.
    """
    path: list[str | int] = []
    for word in detail["loc"][:-1] if detail["type"] == MISSING_KEY else detail["loc"]:
        found = _child(tree, word)
        if found is not None:
            path.append(word)
            tree = found
    return tuple(path)


def _child(node: Node, word: str | int) -> Node | None:
    if isinstance(node, Table):
        return node.at(str(word))
    if isinstance(node, Items) and isinstance(word, int):
        return node[word]
    return None


def _node_at(tree: Node, path: Path) -> Node:
    for word in path:
        found = _child(tree, word)
        assert found is not None
        tree = found
    return tree


def report(faults: Sequence[Fault], problems: Problems) -> None:
    """Tell each fault, but no missing key that stands there misspelt or with a wrong value."""
    lacking = {fault.path for fault in faults if fault.kind == MISSING_KEY}
    meant = {
        (fault.holder, fault.meant)
        for fault in faults
        if fault.kind == UNKNOWN_KEY and fault.holder in lacking
    }
    for fault in faults:
        if fault.kind == UNKNOWN_KEY:
            problems.add(_key_position(fault), _unknown_key(fault), "unknown-key")
        elif fault.kind != MISSING_KEY:
            problems.add(_node_at(fault.tree, fault.path).position, _message(fault), "wrong-type")
        else:
            holder = _node_at(fault.tree, fault.path)
            assert isinstance(holder, Table)
            keys = {fault.key, _INSTEAD.get(fault.key, fault.key)}
            if not keys & holder.dropped and not {(fault.path, key) for key in keys} & meant:
                place = (holder.at(fault.key) or holder).position
                problems.add(place, f"no {fault.key!r} is given here", "missing-key")


def _key_position(fault: Fault) -> Position:
    holder = _node_at(fault.tree, fault.holder)
    assert isinstance(holder, Table)
    return next(key for key in holder if key == fault.key).position


def _unknown_key(fault: Fault) -> str:
    note = _USELESS.get(fault.key) or did_you_mean(fault.key, fault.known_keys)
    known = "" if note else f"; known here: {', '.join(fault.known_keys)}"
    return f"unknown key {show(fault.key)}{note}{known}"


def _message(fault: Fault) -> str:
    node = _node_at(fault.tree, fault.path)
    name = next((repr(word) for word in reversed(fault.path) if isinstance(word, str)), "")
    subject = f"an item of {name}" if isinstance(fault.path[-1], int) else name
    if fault.kind == "literal_error":
        expected = fault.detail["ctx"]["expected"]
        near = did_you_mean(node, expected.split("'")[1::2]) if isinstance(node, Text) else ""
        return f"{subject} must be {expected}, not {kind_of(node)}{near}"
    text = _MESSAGES.get(fault.kind, fault.detail["msg"])
    return f"{subject} {text}, not {kind_of(node)}"


def kind_of(node: Node) -> str:
    """Name what a node is, for the end of a message."""
    if isinstance(node, Text):
        return show(node)
    if isinstance(node, Null):
        return "nothing"
    return "an empty list" if node == [] else "a list" if isinstance(node, Items) else "a mapping"


def without(tree: Table, paths: Iterable[Path]) -> Table:
    """Give the tree without the nodes at `paths`; tables and lists know what they lost."""
    inner: dict[str | int, list[Path]] = {}
    for path in paths:
        inner.setdefault(path[0], []).append(path[1:])
    lost = {word for word, rests in inner.items() if () in rests}
    pairs = {
        key: _pruned(node, inner[key]) if key in inner else node
        for key, node in tree.items()
        if key not in lost
    }
    return Table(pairs, tree.position, tree.dropped | {str(word) for word in lost})


def _pruned(node: Node, paths: list[Path]) -> Node:
    if isinstance(node, Table):
        return without(node, paths)
    assert isinstance(node, Items)
    return _without_items(node, paths)


def _without_items(items: Items, paths: list[Path]) -> Items:
    inner: dict[int, list[Path]] = {}
    for path in paths:
        inner.setdefault(int(path[0]), []).append(path[1:])
    kept = [
        _pruned(node, inner[index]) if index in inner else node
        for index, node in enumerate(items)
        if () not in inner.get(index, [])
    ]
    return Items(kept, items.position, lost=items.lost or len(kept) < len(items))
