"""Bytes of a spec file to the tree of each YAML document in it, within bounds."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

from mbuild.spec.compose import Composer
from mbuild.spec.problems import Problems, show
from mbuild.spec.spec import Position
from mbuild.spec.tree import Node, Null

MOST_BYTES = 16 * 1024 * 1024
_EMPTY = "the spec is empty; it needs at least 'image'"
_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_BOM = "\N{ZERO WIDTH NO-BREAK SPACE}"
_UTF16 = (b"\xff\xfe", b"\xfe\xff")
_FORBIDDEN = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

# What the parser says, and what it means for the one who wrote the file.
_HUMAN = {
    "mapping values are not allowed": "': ' where no key can be; put the text in quotes, "
    "or indent the key as those beside it",
    "did not find expected key": "no 'key: value' here; either it is indented otherwise than "
    "the keys above, or a quote is missing",
    "did not find expected '-' indicator": "no '- ' here, as the items above in this list have",
    "did not find expected <document start>": "less indented than the lines above it",
    "did not find expected node content": "a value is missing, or a '[' or '{' is never closed",
    "could not find expected ':'": "a key without ': ' behind it",
    "',' or ']'": "a list opened with '[' goes on without ',' or ']'",
    "',' or '}'": "a mapping opened with '{' goes on without ',' or '}'",
    "unexpected end of stream": "a quote is opened and never closed",
    "escape": "a backslash in double quotes begins no escape of YAML's; use single quotes",
    "incompatible YAML document": "the %YAML directive asks for another version than 1.1 or 1.2",
}


def parse_documents(
    name: str, content: bytes, problems: Problems, *, when_empty: str = _EMPTY
) -> list[Node]:
    """Parse all YAML documents of a file; empty ones beside others are left out.

    Whatever is wrong becomes a problem. A file that cannot be read to its end gives nothing,
    since the document it ends in may look wrong only for being cut short.
    """
    text = _decode(name, content, problems)
    if text is None:
        return []
    composer = Composer(name, problems)
    try:
        documents = list(composer.compose(_events(text)))
    except (yaml.YAMLError, ValueError, OverflowError) as error:
        problems.add(*_syntax_problem(name, text, error))
        return []
    if composer.stopped:
        return []
    written: list[Node] = [it for it in documents if not isinstance(it, Null)]
    if not written:
        problems.add(Position(name), when_empty, "empty")
    return written


def _events(text: str) -> Iterator[yaml.Event]:
    yield from yaml.parse(text, Loader=_LOADER)


def _decode(name: str, content: bytes, problems: Problems) -> str | None:
    if len(content) > MOST_BYTES:
        limit = MOST_BYTES // 1024**2
        problems.add(Position(name), f"the file is larger than {limit} MiB", "too-large")
        return None
    if content.startswith(_UTF16):
        problems.add(Position(name, 1, 1), "the file is UTF-16; save it as UTF-8", "encoding")
        return None
    try:
        text = content.decode("utf-8").removeprefix(_BOM)
    except UnicodeDecodeError as error:
        before = content[: error.start]
        message = (
            f"byte {error.start} (0x{content[error.start]:02x}) is not UTF-8; save it as UTF-8"
        )
        column = len(before.rpartition(b"\n")[2].decode("utf-8", "replace")) + 1
        problems.add(Position(name, before.count(b"\n") + 1, column), message, "encoding")
        return None
    if forbidden := _FORBIDDEN.search(text):
        message = f"the character {forbidden[0]!r} cannot stand in YAML; remove it"
        problems.add(_position_at(name, text, forbidden.start()), message, "control-character")
        return None
    return text


def _position_at(name: str, text: str, index: int) -> Position:
    start = text.rfind("\n", 0, index) + 1
    return Position(name, text.count("\n", 0, start) + 1, index - start + 1)


def _syntax_problem(name: str, text: str, error: Exception) -> tuple[Position, str, str]:
    if not isinstance(error, yaml.MarkedYAMLError) or error.problem_mark is None:
        return Position(name), f"not YAML: {show(str(error))}", "yaml-syntax"
    mark, problem = error.problem_mark, str(error.problem)
    lines = text.splitlines()
    line = lines[mark.line] if mark.line < len(lines) else ""
    what = next((human for words, human in _HUMAN.items() if words in problem), problem)
    position = Position(name, mark.line + 1, mark.column + 1)
    if "cannot start any token" in problem:
        what = _stray_character(line, mark.column)
    elif "\t" in line[: len(line) - len(line.lstrip())]:
        what = "a tab cannot indent in YAML; use spaces"
    elif error.context_mark is not None and error.context_mark.line != mark.line:
        what = f"{what} (it begins at line {error.context_mark.line + 1})"
    return position, f"not YAML: {what}", "yaml-syntax"


def _stray_character(line: str, column: int) -> str:
    character = line[column : column + 1]
    if character == "\t":
        return "a tab cannot indent in YAML; use spaces"
    return f"no value can begin with {character!r}; put it in quotes"
