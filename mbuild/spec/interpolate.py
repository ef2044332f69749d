"""`${VAR}`, `${VAR:-default}`, `${VAR:?message}` and `$$` in the values of a tree."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from mbuild.spec.problems import Problems, show
from mbuild.spec.tree import Items, Node, Null, Table, Text, unusable_character

MOST_CHARACTERS = 16 * 1024 * 1024
"""So many characters may come out of one file's variables."""

DEEPEST_DEFAULT = 10
_TOKEN = re.compile(r"\$\$|\$\{|\}")
_HEAD = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)(\}|:-|:\?)")
_FORMS = "write ${NAME}, ${NAME:-default} or ${NAME:?message}, and $$ for a plain '$'"


@dataclass(frozen=True, slots=True)
class _Variable:
    """One `${…}`; `operator` is what stands behind the name, `rest` a default or a message."""

    name: str
    operator: str
    rest: Sequence[str | _Variable] = ()


_Parts = list["str | _Variable"]


def interpolate(tree: Node, variables: Mapping[str, str], problems: Problems) -> Node:
    """Give the tree with variables replaced in its values, not its keys; positions stay."""
    return _Interpolator(variables, problems).replace(tree)


class _Interpolator:
    """One walk over a tree; what an alias names is replaced once."""

    def __init__(self, variables: Mapping[str, str], problems: Problems) -> None:
        self._variables = variables
        self._problems = problems
        self._replaced: dict[int, Node] = {}
        self._characters = 0

    def replace(self, node: Node) -> Node:
        """Give what `node` becomes."""
        if isinstance(node, Null) or (isinstance(node, Text) and "$" not in node):
            return node
        if id(node) not in self._replaced:
            self._replaced[id(node)] = self._replace(node)
        return self._replaced[id(node)]

    def _replace(self, node: Text | Items | Table) -> Node:
        if isinstance(node, Text):
            return self._replace_text(node)
        if isinstance(node, Items):
            return Items([self.replace(item) for item in node], node.position)
        return Table({key: self.replace(value) for key, value in node.items()}, node.position)

    def _replace_text(self, text: Text) -> Text:
        try:
            parts, _ = _parse(text, 0, 0)
            result = self._evaluate(parts)
        except ValueError as error:
            self._problems.add_unread(text.position, str(error), "variable")
            return text
        if character := unusable_character(result):
            message = f"a variable brings in the character {character!r}; it cannot be used here"
            self._problems.add(text.position, message, "control-character")
        return Text(result, text.position)

    def _evaluate(self, parts: Sequence[str | _Variable]) -> str:
        values = []
        for part in parts:
            values.append(part if isinstance(part, str) else self._value(part))
            self._characters += len(values[-1])
            if self._characters > MOST_CHARACTERS:
                raise ValueError(f"variables make more than {MOST_CHARACTERS:,} characters of this")
        return "".join(values)

    def _value(self, variable: _Variable) -> str:
        value = self._variables.get(variable.name)
        if value or (value is not None and not variable.operator):
            return value
        if variable.operator == ":-":
            return self._evaluate(variable.rest)
        state = "not set" if value is None else "empty"
        reason = self._evaluate(variable.rest)
        if reason:
            raise ValueError(f"variable {variable.name!r} is {state}: {show(reason)}")
        raise ValueError(
            f"variable {variable.name!r} is {state}; give it with --set {variable.name}=…, in the "
            f"environment, or as ${{{variable.name}:-default}}"
        )


def _parse(text: str, at: int, depth: int) -> tuple[_Parts, int]:
    """Parse from `at` on; inside a default or message (`depth` > 0) up to its closing brace."""
    parts: _Parts = []
    while token := _TOKEN.search(text, at):
        parts.append(text[at : token.start()])
        at = token.end()
        if token[0] == "$$":
            parts.append("$")
        elif token[0] == "${":
            variable, at = _parse_variable(text, token.start(), depth)
            parts.append(variable)
        elif depth:
            return parts, at
        else:
            parts.append("}")
    if depth:
        raise ValueError(f"'${{' is never closed in {show(text)}; {_FORMS}")
    return [*parts, text[at:]], len(text)


def _parse_variable(text: str, at: int, depth: int) -> tuple[_Variable, int]:
    head = _HEAD.match(text, at)
    if not head:
        raise ValueError(f"{show(text[at : at + 20])} is no variable; {_FORMS}")
    if head[2] == "}":
        return _Variable(head[1], ""), head.end()
    if depth >= DEEPEST_DEFAULT:
        raise ValueError(f"defaults stand more than {DEEPEST_DEFAULT} deep in one another")
    rest, end = _parse(text, head.end(), depth + 1)
    return _Variable(head[1], head[2], tuple(rest)), end
