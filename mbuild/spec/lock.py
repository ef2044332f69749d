"""A lock: what each source of a spec named when it was made; its file, read and written."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from mbuild.oci.descriptor import Descriptor
from mbuild.oci.digest import Digest, parse_digest
from mbuild.spec.problems import Problems, did_you_mean, show
from mbuild.spec.spec import Position
from mbuild.spec.tree import Items, Node, Table, Text

VERSION = 1

_NOWHERE = Position("")
_KEYS = ("sources", "version")
_SOURCE_KEYS = ("absent", "digest", "image", "mediaType", "size")
_SIZE = re.compile("[0-9]{1,15}")


@dataclass(frozen=True, slots=True)
class Locked:
    """A source: its reference in full, and what that named; None where there was nothing."""

    image: str
    descriptor: Descriptor | None
    position: Position = _NOWHERE


@dataclass(frozen=True, slots=True)
class Lock:
    """The sources of a spec, each once; `name` is the file as it was named."""

    name: str
    sources: tuple[Locked, ...]


def lock_object(sources: Iterable[Locked]) -> dict[str, Any]:
    """Give the JSON object of a lock, sources sorted by name."""
    ordered = sorted(sources, key=lambda source: source.image)
    return {"version": VERSION, "sources": [_source_object(source) for source in ordered]}


def _source_object(source: Locked) -> dict[str, Any]:
    held = source.descriptor
    if held is None:
        return {"image": source.image, "absent": True}
    return {
        "image": source.image,
        "digest": str(held.digest),
        "size": held.size,
        "mediaType": held.media_type,
    }


def to_bytes(sources: Iterable[Locked]) -> bytes:
    """Write a lock file: the same sources give the same bytes, a value a line."""
    return (json.dumps(lock_object(sources), indent=2, ensure_ascii=False) + "\n").encode()


def parse_lock(name: str, content: bytes) -> Lock:
    """Parse a lock file, JSON or YAML; raises SpecError with all that is wrong with it."""
    from mbuild.spec.documents import parse_documents

    problems = Problems()
    with problems.raised():
        documents = parse_documents(name, content, problems, when_empty="the lock is empty")
        if len(documents) > 1:
            problems.add(documents[1].position, "a lock is one document", "bad-lock")
        sources = [*_read_lock(documents[0], problems)] if documents else []
        _check_once(sources, problems)
        return Lock(name, tuple(sources))


def _read_lock(document: Node, problems: Problems) -> Iterator[Locked]:
    if not isinstance(document, Table):
        problems.add(document.position, "a lock is a mapping, as mbuild lock writes it", "bad-lock")
        return
    version = document.at("version")
    if version != str(VERSION):
        found = f"version {show(version)}" if isinstance(version, Text) else "without a version"
        message = f"the lock is {found}, and this mbuild reads version {VERSION}; lock again"
        problems.add(_place(document, "version"), message, "lock-version")
        return
    _check_keys(document, _KEYS, problems)
    sources = document.at("sources")
    if not isinstance(sources, Items):
        problems.add(_place(document, "sources"), "'sources' must be a list", "bad-lock")
        return
    yield from (it for it in (_read_source(item, problems) for item in sources) if it)


def _check_keys(table: Table, known: tuple[str, ...], problems: Problems) -> None:
    for key in table:
        if key not in known:
            near = did_you_mean(key, known)
            problems.add(key.position, f"unknown key {show(key)}{near}", "unknown-key")


def _read_source(item: Node, problems: Problems) -> Locked | None:
    if not isinstance(item, Table):
        message = "a source of a lock is a mapping of image, digest, size and mediaType"
        problems.add(item.position, message, "bad-lock")
        return None
    _check_keys(item, _SOURCE_KEYS, problems)
    image = _text(item, "image", problems)
    if "absent" in item:
        if item.at("absent") != "true" or len(item) > 2:
            message = "'absent' can only be true, and stands beside 'image' alone"
            problems.add(item.position, message, "bad-lock")
        return None if image is None else Locked(str(image), None, item.position)
    held = _read_descriptor(item, problems)
    if image is None or held is None:
        return None
    _check_digest(image, held.digest, problems)
    return Locked(str(image), held, item.position)


def _read_descriptor(item: Table, problems: Problems) -> Descriptor | None:
    words = [_text(item, key, problems) for key in ("digest", "size", "mediaType")]
    digest_text, size, media_type = words
    digest = digest_text and problems.attempt(
        digest_text, "bad-lock", lambda: parse_digest(digest_text)
    )
    if size is not None and not _SIZE.fullmatch(size):
        problems.add(size.position, f"'size' is {show(size)}, not a number of bytes", "bad-lock")
        return None
    if not digest or size is None or media_type is None:
        return None
    return Descriptor(str(media_type), digest, int(size))


def _text(item: Table, key: str, problems: Problems) -> Text | None:
    node = item.at(key)
    if isinstance(node, Text) and node:
        return node
    problems.add(_place(item, key), f"the source has no {key!r}", "bad-lock")
    return None


def _place(table: Table, key: str) -> Position:
    """Give where the value of a key stands, or the mapping that lacks it."""
    node = table.at(key)
    return table.position if node is None else node.position


def _check_digest(image: Text, digest: Digest, problems: Problems) -> None:
    _, at, named = image.partition("@")
    if at and named != str(digest):
        message = f"the image is named by another digest than {digest}"
        problems.add(image.position, message, "bad-lock")


def _check_once(sources: Iterable[Locked], problems: Problems) -> None:
    seen: dict[str, Locked] = {}
    for source in sources:
        first = seen.setdefault(source.image, source)
        if first is not source:
            message = f"{show(source.image)} is locked already at {first.position}; keep one"
            problems.add(source.position, message, "bad-lock")
