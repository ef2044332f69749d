"""What a command reads before it starts: spec files, stdin, `--set` variables."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from mbuild.errors import Problem, SpecError, UsageError
from mbuild.oci.reference import check_tag
from mbuild.spec.documents import MOST_BYTES
from mbuild.spec.parse import SpecText, parse_spec
from mbuild.spec.spec import Spec, Target

DEFAULT_SPEC = "manifests.yaml"
STDIN = "-"


def read_spec(files: Sequence[str] | None, settings: Sequence[str] | None) -> Spec:
    """Read and parse the spec files; raises SpecError with every problem, or UsageError."""
    variables = {**os.environ, **parse_settings(settings or ())}
    return parse_spec(read_texts(files or (DEFAULT_SPEC,)), variables=variables)


def with_tags(spec: Spec, tags: Sequence[str]) -> Spec:
    """Give every destination of a spec further tags; raises UsageError for what is no tag.

    Two targets of one repository cannot both have a tag: that is a UsageError too.
    """
    for tag in tags:
        try:
            check_tag(tag)
        except ValueError as error:
            raise UsageError(f"--tag: {error}") from error
    repositories = [one.repository for target in spec.targets for one in target.destinations]
    if tags and len(set(repositories)) < len(repositories):
        raise UsageError(
            f"--tag {tags[0]} would stand for two targets of one repository",
            hint="write the tags into the spec",
        )
    return Spec(tuple(_tagged(target, tuple(tags)) for target in spec.targets))


def _tagged(target: Target, tags: tuple[str, ...]) -> Target:
    destinations = tuple(
        replace(one, tags=tuple(dict.fromkeys(one.tags + tags))) for one in target.destinations
    )
    return replace(target, destinations=destinations)


def parse_settings(settings: Sequence[str]) -> Mapping[str, str]:
    """Parse `K=V` texts; raises UsageError for one that is not."""
    pairs = {}
    for text in settings:
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise UsageError(f"--set {text!r} is not K=V", hint="write it like --set VERSION=1.4")
        pairs[name] = value
    return pairs


def read_texts(files: Sequence[str]) -> list[SpecText]:
    """Read all files; raises SpecError that names every one that cannot be read."""
    texts, problems = [], []
    for file in files:
        if not file:
            raise UsageError("an empty name is no spec file", hint="name a file, or - for stdin")
        try:
            texts.append(_read(file))
        except OSError as error:
            problems.append(Problem(file, 0, 0, _reason(file, error), "spec-unreadable"))
    if problems:
        raise SpecError(problems)
    return texts


def _read(file: str) -> SpecText:
    # One byte more than is allowed shows the parser that there is too much.
    if file == STDIN:
        return SpecText("<stdin>", sys.stdin.buffer.read(MOST_BYTES + 1), "")
    with Path(file).open("rb") as stream:
        return SpecText(file, stream.read(MOST_BYTES + 1), _folder(file))


def _folder(file: str) -> str:
    """Give what the file's relative paths are joined to, nothing for the current folder."""
    folder = str(Path(file).parent)
    return "" if folder == "." else folder


def _reason(file: str, error: OSError) -> str:
    reason = (error.strerror or str(error)).lower()
    if isinstance(error, FileNotFoundError):
        if file == DEFAULT_SPEC:
            return "no such file; write one, or name your spec: mbuild push SPEC"
        return "no such file; check the path"
    return f"cannot be read: {reason}"
